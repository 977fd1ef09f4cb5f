//! The `[tor]` table of a profile's configuration is arti's own configuration, passed through: bridges, pluggable
//! transports, timeouts and all the rest, by arti's own names. Sotto puts its defaults under it and its conditions over
//! it. Where state is kept, and that no key is ever in it, is not the table's to say.
//!
//! Where Tor is blocked, a bridge is a way in, and a pluggable transport hides that it is one. One example each:
//!
//! ```toml
#![doc = include_str!("../bridges/obfs4.toml")]
//! ```
//! ```toml
#![doc = include_str!("../bridges/snowflake.toml")]
//! ```
//! ```toml
#![doc = include_str!("../bridges/webtunnel.toml")]
//! ```

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use arti_client::TorClientConfig;
use toml::{Table, Value};
use tor_config::load::{ConfigResolveError, ConfigResolveOptions, resolve_return_results};
use tor_config::{ConfigBuildError, ConfigurationSource, ConfigurationSources, sources::MustRead};

use crate::bridges::is_bridged;

/// What a messenger wants otherwise than a browser, and a table may still change. It never uses exits, so none are built
/// ahead of time.
const DEFAULTS: &str = "
[preemptive_circuits]
initial_predicted_ports = []
min_exit_circs_for_port = 0
disable_at_threshold = 0
";

/// What a table may not change: identity keys live in the encrypted store alone, and all else in the profile's folder.
const OURS: [&str; 3] = ["cache_dir", "keystore", "state_dir"];

/// The `[tor]` table is not right. Shown to the person who wrote it, so that it names the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Keys that arti does not know.
    #[error("arti knows no setting {}", keys(.0))]
    Unknown(Vec<String>),
    /// A key that is Sotto's to set.
    #[error("tor.{key} is set by Sotto and cannot be changed")]
    Ours {
        /// The key, without `tor.`.
        key: String,
    },
    /// A value that cannot be.
    #[error("{}: {problem}", keys(std::slice::from_ref(key)))]
    Invalid {
        /// The key, without `tor.`; as much of it as arti tells.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Values that do not go together.
    #[error("{}: {problem}", keys(keys_))]
    Inconsistent {
        /// The keys, without `tor.`.
        keys_: Vec<String>,
        /// What is wrong with them together.
        problem: String,
    },
}

/// `tor.a, tor.b`.
fn keys(keys: &[String]) -> String {
    let named: Vec<String> = keys
        .iter()
        .map(|key| {
            if key.is_empty() {
                "[tor]".to_owned()
            } else {
                format!("tor.{key}")
            }
        })
        .collect();
    named.join(", ")
}

/// Whether a node could be started with this table; the same check, with nothing started.
pub fn check(table: &Table) -> Result<(), ConfigError> {
    let folder = Path::new("/nonexistent");
    resolve(table, folder, &folder.join(STATE)).map(drop)
}

/// arti's configuration for a folder, and for a folder of state in it.
pub(crate) fn resolve(table: &Table, folder: &Path, state: &Path) -> Result<TorClientConfig, ConfigError> {
    if let Some(Value::Table(storage)) = table.get("storage")
        && let Some(key) = OURS.into_iter().find(|key| storage.contains_key(*key))
    {
        let key = format!("storage.{key}");
        return Err(ConfigError::Ours { key });
    }
    let mut whole: Table = DEFAULTS.parse().expect("a constant");
    merge(&mut whole, table.clone());
    merge(&mut whole, conditions(folder, state));
    let text = toml::to_string(&whole).map_err(|error| invalid("", &error))?;

    let mut sources = ConfigurationSources::new_empty();
    sources.push_source(ConfigurationSource::from_verbatim(text), MustRead::MustRead);
    let tree = sources.load().map_err(|error| invalid("", &Chain(&error)))?;
    let resolved =
        resolve_return_results::<TorClientConfig>(&tree, &ConfigResolveOptions::default()).map_err(refused)?;
    if !resolved.unrecognized.is_empty() {
        return Err(ConfigError::Unknown(
            resolved.unrecognized.iter().map(ToString::to_string).collect(),
        ));
    }
    Ok(resolved.value)
}

/// Where a next client is to keep its state. It is `state`, even if an earlier client has not let go of that yet: then
/// arti reads the guards there, and writes nothing. With bridges, which are guards enough, arti insists on a folder of
/// its own, so that one beside it has to do.
pub(crate) fn state_dir(table: &Table, folder: &Path) -> PathBuf {
    let state = folder.join(STATE);
    if !is_bridged(table) || !is_held(&state) {
        return state;
    }
    let others = (2_u32..).map(|number| folder.join(format!("{STATE}-{number}")));
    others.into_iter().find(|other| !is_held(other)).unwrap_or(state)
}

const STATE: &str = "state";

/// Whether a client is at work there.
fn is_held(state: &Path) -> bool {
    let lock = File::open(state.join("state/state.lock"));
    lock.is_ok_and(|lock| lock.try_lock().is_err())
}

fn conditions(folder: &Path, state: &Path) -> Table {
    // `literal`, so that a `$` or `~` in the folder's name means itself.
    let literal = |path: PathBuf| {
        let text = path.to_string_lossy().into_owned();
        Value::Table([("literal".to_owned(), Value::String(text))].into_iter().collect())
    };
    let keystore = toml::toml! { primary.kind = "ephemeral" };
    let storage = [
        ("state_dir".to_owned(), literal(state.to_owned())),
        ("cache_dir".to_owned(), literal(folder.join("cache"))),
        ("keystore".to_owned(), Value::Table(keystore)),
    ];
    [("storage".to_owned(), Value::Table(storage.into_iter().collect()))]
        .into_iter()
        .collect()
}

/// Lays `upper` over `lower`, table by table.
fn merge(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => drop(lower.insert(key, value)),
        }
    }
}

fn refused(error: ConfigResolveError) -> ConfigError {
    match error {
        ConfigResolveError::Build(ConfigBuildError::MissingField { field }) => invalid(&field, &"is needed"),
        ConfigResolveError::Build(
            ConfigBuildError::Invalid { field, problem } | ConfigBuildError::NoCompileTimeSupport { field, problem },
        ) => invalid(&field, &problem),
        ConfigResolveError::Build(ConfigBuildError::Inconsistent { fields, problem }) => {
            ConfigError::Inconsistent { keys_: fields, problem }
        }
        ConfigResolveError::Build(ConfigBuildError::MissingOneOf { min_required, fields }) => {
            ConfigError::Inconsistent {
                keys_: fields,
                problem: format!("at least {min_required} of them is needed"),
            }
        }
        other => {
            let text = Chain(&other).to_string();
            invalid(&key_in(&text).unwrap_or_default(), &text)
        }
    }
}

fn invalid(key: &str, problem: &dyn fmt::Display) -> ConfigError {
    ConfigError::Invalid {
        key: key.to_owned(),
        problem: problem.to_string(),
    }
}

/// The key that the text of a deserialisation error names: figment writes ``for key "default.a.b"``.
fn key_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("for key \"")?;
    let (key, _) = rest.split_once('"')?;
    Some(key.strip_prefix("default.").unwrap_or(key).to_owned())
}

/// An error with its causes.
pub(crate) struct Chain<'a>(pub &'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::missing_programs;

    fn table(text: &str) -> Table {
        text.parse().expect("TOML")
    }

    #[test]
    fn nothing_is_a_configuration() {
        check(&Table::new()).expect("arti's defaults");
    }

    #[test]
    fn bridges_and_transports_pass_through() {
        for (example, program) in [
            (include_str!("../bridges/obfs4.toml"), "obfs4proxy"),
            (include_str!("../bridges/snowflake.toml"), "snowflake-client"),
            (include_str!("../bridges/webtunnel.toml"), "webtunnel-client"),
        ] {
            // Wherever this test runs, the program is not there.
            let mut example = table(&example.replace("/usr/bin/", "/nowhere/"));
            let Some(Value::Table(tor)) = example.remove("tor") else {
                panic!("examples are whole: {program}")
            };
            let config = resolve(&tor, Path::new("/nonexistent"), Path::new("/nonexistent/state")).expect(program);
            assert_eq!(missing_programs(&tor, &config), [Path::new("/nowhere").join(program)]);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unknown = check(&table("[bridges]\nbrigdes = []")).expect_err("a typing error");
        assert_eq!(unknown, ConfigError::Unknown(vec!["bridges.brigdes".to_owned()]));
        assert_eq!(unknown.to_string(), "arti knows no setting tor.bridges.brigdes");

        let wrong = check(&table("path_rules.ipv4_subnet_family_prefix = 'wide'")).expect_err("not a number");
        assert!(
            matches!(&wrong, ConfigError::Invalid { key, .. } if key == "path_rules.ipv4_subnet_family_prefix"),
            "{wrong:?}"
        );
        assert!(
            wrong
                .to_string()
                .starts_with("tor.path_rules.ipv4_subnet_family_prefix: "),
            "{wrong}"
        );

        let bridge = check(&table("bridges.bridges = ['nonsense']")).expect_err("not a bridge");
        assert!(bridge.to_string().contains("tor.bridges.bridges"), "{bridge}");

        let none = check(&table("bridges.enabled = true")).expect_err("no bridges");
        assert!(none.to_string().contains("tor.bridges.enabled"), "{none}");
    }

    #[test]
    fn where_keys_and_state_live_is_not_the_tables_to_say() {
        for key in OURS {
            let refused = check(&table(&format!("storage.{key} = '/tmp'"))).expect_err("ours");
            let key = format!("storage.{key}");
            assert_eq!(refused, ConfigError::Ours { key });
        }
        check(&table("storage.permissions.dangerously_trust_everyone = true")).expect("theirs");
    }

    #[test]
    fn with_bridges_a_client_has_a_folder_of_its_own() {
        let bridged = table("bridges.bridges = ['192.0.2.1:9001 316E643333645F6D79216558614D3931657A5F5F']");
        let mut disabled = bridged.clone();
        disabled["bridges"]
            .as_table_mut()
            .expect("a table")
            .insert("enabled".to_owned(), false.into());
        let folder = tempfile::tempdir().expect("a folder");
        let chosen = |table: &Table| state_dir(table, folder.path());
        let [first, second] = ["state", "state-2"].map(|name| folder.path().join(name));
        assert_eq!(
            (chosen(&Table::new()), chosen(&bridged)),
            (first.clone(), first.clone())
        );
        std::fs::create_dir_all(first.join("state")).expect("room");
        let held = File::create(first.join("state/state.lock")).expect("room");
        held.lock().expect("nobody else's");
        assert_eq!((chosen(&Table::new()), chosen(&bridged)), (first.clone(), second));
        assert_eq!(chosen(&disabled), first);
    }

    #[test]
    fn what_we_set_is_under_the_table() {
        let made = |table: &Table| resolve(table, Path::new("/nonexistent"), Path::new("/nonexistent/state"));
        let ours = made(&Table::new()).expect("ours");
        let theirs = made(&table("preemptive_circuits.initial_predicted_ports = [443]")).expect("theirs");
        assert_ne!(ours, theirs);
    }
}
