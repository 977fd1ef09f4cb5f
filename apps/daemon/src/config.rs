//! [`Config`], read from `config.toml`. Every key is optional and documented in the file that `sotto init` writes. A key that is not known is
//! an error that names the nearest one: a setting that silently does nothing is worse than none.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sotto_api::{Availability, Error, Kind};
use toml::{Table, Value};

use sotto_client::private::create_file;

/// The settings of `config.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How the node reaches others.
    pub network: Network,
    /// Tell authors that their messages were read.
    pub read_receipts: bool,
    /// Tell contacts when the user is typing.
    pub typing: bool,
    /// How contacts see this node after a start; as before it, if nothing is said.
    pub availability: Option<Availability>,
    /// A message that could not be delivered for so many hours fails.
    pub outbox_hours: u64,
    /// Events that the log keeps.
    pub events_kept: u64,
    /// MiB that the messages of one contact may take up.
    pub contact_quota_mib: u64,
    /// MiB of free space below which nothing is taken from contacts.
    pub reserve_mib: u64,
    /// The random key of the store.
    pub key_file: Option<PathBuf>,
    /// The passphrase of the store.
    pub passphrase_file: Option<PathBuf>,
    /// Where the log goes; standard error if nothing is said.
    pub log_file: Option<PathBuf>,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
    /// Who may read without a token, once there are agents.
    pub reads: Reads,
    /// Where the API is served over HTTP.
    pub http: Option<SocketAddr>,
    /// Where signal-cli's shape of the API is served.
    pub signal_cli: Option<SignalCliConfig>,
    /// The terminal interface's own configuration.
    pub tui: Table,
    /// arti's own configuration.
    pub tor: Table,
}

/// What a client without a token may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// Everything.
    #[default]
    Open,
    /// Nothing of a conversation or a contact: an MCP server never, others once there are agents.
    Token,
}

/// The table `signal_cli`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalCliConfig {
    /// The token of the agent that its clients are.
    pub token_file: PathBuf,
    /// For HTTP.
    #[serde(default)]
    pub address: Option<SocketAddr>,
    /// For JSON-RPC on a Unix socket.
    #[serde(default)]
    pub socket: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentsConfig {
    #[serde(default)]
    reads: Reads,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpConfig {
    address: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            network: Network::Tor,
            read_receipts: true,
            typing: false,
            availability: None,
            outbox_hours: 24,
            events_kept: 1_000_000,
            contact_quota_mib: 1024,
            reserve_mib: 64,
            key_file: None,
            passphrase_file: None,
            log_file: None,
            log_level: String::from("info"),
            reads: Reads::Open,
            http: None,
            signal_cli: None,
            tui: Table::new(),
            tor: Table::new(),
        }
    }
}

/// How a node reaches others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// Onion services.
    Tor,
    /// Unix sockets in one directory of this machine.
    Local(PathBuf),
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "tor" => Ok(Self::Tor),
            Some(("local", directory)) if !directory.is_empty() => {
                let directory = std::path::absolute(directory).map_err(|error| format!("{directory}: {error}"))?;
                Ok(Self::Local(directory))
            }
            _ => Err(format!("network must be \"tor\" or \"local:DIR\", not {text:?}")),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tor => f.write_str("tor"),
            Self::Local(directory) => write!(f, "local:{}", directory.display()),
        }
    }
}

/// A key of the file: its name, what the file says about it, its default as TOML.
struct Setting {
    name: &'static str,
    about: &'static str,
    default: &'static str,
    read: fn(&mut Config, Value) -> Result<(), String>,
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "network",
        about: "How to reach others: \"tor\", or \"local:DIR\" for nodes on this machine alone.",
        default: "\"tor\"",
        read: |config, value| {
            config.network = typed::<String>(value)?.parse()?;
            Ok(())
        },
    },
    Setting {
        name: "read_receipts",
        about: "Tell authors that their messages were read here.",
        default: "true",
        read: |config, value| typed(value).map(|on| config.read_receipts = on),
    },
    Setting {
        name: "typing",
        about: "Tell contacts when you are writing.",
        default: "false",
        read: |config, value| typed(value).map(|on| config.typing = on),
    },
    Setting {
        name: "availability",
        about: "How contacts see you after a start: \"online\", \"away\" or \"invisible\"; empty: as before it.",
        default: "\"\"",
        read: |config, value| {
            let unset = value.as_str() == Some("");
            config.availability = if unset { None } else { Some(typed(value)?) };
            Ok(())
        },
    },
    Setting {
        name: "outbox_hours",
        about: "A message that could not be handed over for so many hours fails; it can be sent again. 1 to 720.",
        default: "24",
        read: |config, value| within(value, 1, 720).map(|hours| config.outbox_hours = hours),
    },
    Setting {
        name: "events_kept",
        about: "Events that the log keeps for consumers that are away. 1000 to 100000000.",
        default: "1000000",
        read: |config, value| within(value, 1000, 100_000_000).map(|kept| config.events_kept = kept),
    },
    Setting {
        name: "contact_quota_mib",
        about: "MiB that the messages of one contact may take up here. Beyond that, more stays with the contact. 1 to 1000000.",
        default: "1024",
        read: |config, value| within(value, 1, 1_000_000).map(|quota| config.contact_quota_mib = quota),
    },
    Setting {
        name: "reserve_mib",
        about: "MiB to keep free on the disk: with less, nothing is taken from contacts. 1 to 1000000.",
        default: "64",
        read: |config, value| within(value, 1, 1_000_000).map(|reserve| config.reserve_mib = reserve),
    },
    Setting {
        name: "key_file",
        about: "File with the store's random key (32 bytes, readable by you alone). Relative to this file.",
        default: "\"\"",
        read: |config, value| path(value).map(|path| config.key_file = path),
    },
    Setting {
        name: "passphrase_file",
        about: "File with the store's passphrase in its first line. Relative to this file.",
        default: "\"\"",
        read: |config, value| path(value).map(|path| config.passphrase_file = path),
    },
    Setting {
        name: "log_file",
        about: "File for the daemon's log. Relative to this file. Empty: daemon.log with `sotto daemon start`, else standard error.",
        default: "\"\"",
        read: |config, value| path(value).map(|path| config.log_file = path),
    },
    Setting {
        name: "log_level",
        about: "How much the daemon's log says: \"error\", \"warn\", \"info\", \"debug\" or \"trace\".",
        default: "\"info\"",
        read: |config, value| {
            let level: String = typed(value)?;
            if !["error", "warn", "info", "debug", "trace"].contains(&level.as_str()) {
                return Err(format!(
                    "must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\", not {level:?}"
                ));
            }
            config.log_level = level;
            Ok(())
        },
    },
    // Tables, so they have to be the last.
    Setting {
        name: "agents",
        about: "Who may read without a token: \"open\" lets every process of yours read, as MCP servers without a token do; with \"token\", once there are agents, reading takes a token or the owner's passphrase.",
        default: "{ reads = \"open\" }",
        read: |config, value| {
            config.reads = typed::<AgentsConfig>(value)?.reads;
            Ok(())
        },
    },
    Setting {
        name: "http",
        about: "The API over HTTP for programs with an agent's token: { address = \"127.0.0.1:7870\" }. Loopback only; {} is off.",
        default: "{}",
        read: |config, value| {
            if value.as_table().is_none_or(|table| !table.is_empty()) {
                config.http = Some(loopback(typed::<HttpConfig>(value)?.address)?);
            }
            Ok(())
        },
    },
    Setting {
        name: "signal_cli",
        about: "signal-cli's API for programs made for it: { token_file = \"agents/NAME.token\", address = \"127.0.0.1:8080\", socket = \"signal-cli.sock\" }; address, socket or both. {} is off.",
        default: "{}",
        read: |config, value| {
            if value.as_table().is_none_or(|table| !table.is_empty()) {
                let signal_cli: SignalCliConfig = typed(value)?;
                if signal_cli.address.is_none() && signal_cli.socket.is_none() {
                    return Err(String::from("address, socket or both are needed"));
                }
                signal_cli.address.map(loopback).transpose()?;
                config.signal_cli = Some(signal_cli);
            }
            Ok(())
        },
    },
    Setting {
        name: "tui",
        about: "The terminal interface: theme, keys, mouse and more; docs/tui.md lists them all.",
        default: "{}",
        read: |config, value| {
            config.tui = typed(value)?;
            Ok(())
        },
    },
    Setting {
        name: "tor",
        about: "arti's own configuration, for bridges and whatever else Tor needs where you are; the README has examples.",
        default: "{}",
        read: |config, value| {
            config.tor = typed(value)?;
            sotto_io_tor::config::check(&config.tor).map_err(|error| error.to_string())
        },
    },
];

impl Config {
    /// Reads the file; without one, the defaults apply.
    pub fn load(path: &Path) -> Result<Self, Error> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path.parent().unwrap_or(Path::new("")))
                .map_err(|why| Error::new(Kind::Config, format!("{}: {why}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Error::new(
                Kind::Config,
                format!("{} is not UTF-8 text", path.display()),
            )),
            Err(error) => Err(Error::io(path.display(), &error)),
        }
    }

    /// What the text says; files that it names are relative to `folder`. The error says what is wrong with which key.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            format!("{place}{}", error.message())
        })?;
        let mut config = Self::default();
        for (name, value) in table {
            let setting = SETTINGS
                .iter()
                .find(|setting| setting.name == name)
                .ok_or_else(|| unknown(&name))?;
            (setting.read)(&mut config, value).map_err(|why| format!("{name}: {why}"))?;
        }
        if config.key_file.is_some() && config.passphrase_file.is_some() {
            return Err(String::from("key_file and passphrase_file exclude each other"));
        }
        let signal_cli = config.signal_cli.iter_mut();
        let of_signal_cli =
            signal_cli.flat_map(|table| std::iter::once(&mut table.token_file).chain(&mut table.socket));
        let files = [&mut config.key_file, &mut config.passphrase_file, &mut config.log_file];
        for file in files.into_iter().flatten().chain(of_signal_cli) {
            *file = folder.join(&*file);
        }
        Ok(config)
    }
}

/// The file that `sotto init` writes: every key with its default, those of `set` (name, TOML value) in force.
pub fn template(set: &[(&str, String)]) -> String {
    let mut text = String::from(
        "# Sotto's configuration. Every key is optional; those behind a # show the default.\n# Flags come first, then environment variables, then this file.\n",
    );
    for setting in SETTINGS {
        let line = match set.iter().find(|(name, _)| *name == setting.name) {
            Some((name, value)) => format!("{name} = {value}"),
            None => format!("#{} = {}", setting.name, setting.default),
        };
        text.extend(["\n# ", setting.about, "\n", &line, "\n"]);
    }
    text
}

/// Writes the template, unless there is a file already.
pub(crate) fn write_template(path: &Path, set: &[(&str, String)]) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(path.display(), &error);
    match create_file(path) {
        Ok(mut file) => file.write_all(template(set).as_bytes()).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn unknown(name: &str) -> String {
    let nearest = SETTINGS
        .iter()
        .map(|setting| (strsim::damerau_levenshtein(setting.name, name), setting.name))
        .min();
    match nearest {
        Some((distance, nearest)) if distance <= 1 + nearest.len() / 3 => {
            format!("unknown key {name:?}; did you mean \"{nearest}\"?")
        }
        _ => {
            let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
            format!("unknown key {name:?}; the keys are {}", names.join(", "))
        }
    }
}

fn typed<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    value
        .try_into()
        .map_err(|error: toml::de::Error| error.message().to_owned())
}

fn within(value: Value, least: u64, most: u64) -> Result<u64, String> {
    let number: i64 = typed(value)?;
    u64::try_from(number)
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("must be {least} to {most}, not {number}"))
}

/// Other machines must not reach it: there is no TLS, and signal-cli's clients show no token.
fn loopback(address: SocketAddr) -> Result<SocketAddr, String> {
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "address must be a loopback address such as 127.0.0.1, not {}",
            address.ip()
        ))
    }
}

fn path(value: Value) -> Result<Option<PathBuf>, String> {
    let text: String = typed(value)?;
    Ok(Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/c"))
    }

    #[test]
    fn the_written_file_says_the_defaults() {
        assert_eq!(parse(&template(&[])), Ok(Config::default()));
        let uncommented = template(&[]).replace("\n#", "\n").replace("\n ", "\n# ");
        let uncommented = uncommented.replace("key_file = \"\"", "");
        assert_eq!(
            parse(&uncommented.replace("passphrase_file = \"\"", "")),
            Ok(Config::default())
        );
    }

    #[test]
    fn settings_are_read_and_files_are_relative_to_the_configuration() {
        let set = [
            ("network", String::from("\"local:/tmp/net\"")),
            ("key_file", String::from("\"my.key\"")),
        ];
        let config = parse(&template(&set)).expect("valid");
        assert_eq!(config.network, Network::Local(PathBuf::from("/tmp/net")));
        assert_eq!(config.key_file, Some(PathBuf::from("/c/my.key")));
        assert!(!parse("read_receipts = false").expect("valid").read_receipts);
        let signal_cli = parse("[signal_cli]\ntoken_file = \"a/b.token\"\nsocket = \"s.sock\"")
            .expect("valid")
            .signal_cli;
        let expected = SignalCliConfig {
            token_file: PathBuf::from("/c/a/b.token"),
            address: None,
            socket: Some(PathBuf::from("/c/s.sock")),
        };
        assert_eq!(signal_cli, Some(expected));
        assert_eq!(
            parse("availability = \"away\"").expect("valid").availability,
            Some(Availability::Away)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (
                "netwrok = \"tor\"",
                "unknown key \"netwrok\"; did you mean \"network\"?",
            ),
            ("read_receipt = true", "did you mean \"read_receipts\"?"),
            (
                "colour = 1",
                "unknown key \"colour\"; the keys are network, read_receipts",
            ),
            ("[network]\nx = 1", "network: invalid type"),
            (
                "network = \"pigeon post\"",
                "network: network must be \"tor\" or \"local:DIR\"",
            ),
            ("network = \"local:\"", "must be \"tor\" or \"local:DIR\""),
            ("outbox_hours = 0", "outbox_hours: must be 1 to 720, not 0"),
            ("outbox_hours = -5", "outbox_hours: must be 1 to 720, not -5"),
            ("outbox_hours = 9999", "outbox_hours: must be 1 to 720, not 9999"),
            ("events_kept = \"many\"", "events_kept: invalid type"),
            ("typing = 1", "typing: invalid type"),
            ("availability = \"asleep\"", "availability: unknown variant"),
            ("log_level = \"loud\"", "log_level: must be \"error\""),
            ("network = \"tor\"\nnetwork = \"tor\"", "line 2: duplicate key"),
            ("a = \n", "line 1: "),
            (
                "[http]\naddress = \"0.0.0.0:80\"",
                "http: address must be a loopback address",
            ),
            ("[http]\naddress = \"localhost\"", "http: invalid socket address"),
            ("[http]\nport = 80", "http: unknown field `port`"),
            ("http = \"127.0.0.1:80\"", "http: invalid type"),
            (
                "[signal_cli]\naddress = \"127.0.0.1:80\"",
                "signal_cli: missing field `token_file`",
            ),
            (
                "[signal_cli]\ntoken_file = \"t\"",
                "signal_cli: address, socket or both are needed",
            ),
            (
                "[signal_cli]\ntoken_file = \"t\"\naddress = \"[::]:80\"",
                "signal_cli: address must be a loopback",
            ),
            ("key_file = \"a\"\npassphrase_file = \"b\"", "exclude each other"),
        ] {
            let why = parse(text).expect_err(text);
            assert!(why.contains(expected), "{text:?} gave {why:?}");
        }
    }

    #[test]
    fn a_missing_file_is_the_default_and_a_broken_one_names_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        assert_eq!(Config::load(&path), Ok(Config::default()));
        fs::write(&path, [0xff, 0xfe]).expect("writable");
        let error = Config::load(&path).expect_err("not text");
        assert_eq!((error.kind(), error.exit_code()), (Kind::Config, 1));
        assert!(error.message.contains("config.toml is not UTF-8"), "{error}");
    }
}
