//! The `[tor]` table of a profile's configuration is arti's own configuration, under arti's own names: bridges, pluggable
//! transports, timeouts and the rest. The table overrides Sotto's defaults. It cannot change where state is kept, nor that
//! no key is kept in it.
//!
//! Where Tor is blocked, a bridge gives access, and a pluggable transport disguises the connection to it. One example of
//! each:
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

/// Defaults that differ from arti's; the table may change them. A messenger uses no exits, so no exit circuits are built in
/// advance.
const DEFAULTS: &str = "
[preemptive_circuits]
initial_predicted_ports = []
min_exit_circs_for_port = 0
disable_at_threshold = 0
";

/// Keys of `storage` that the table may not set: identity keys stay in the encrypted store alone, and all other state in the
/// profile's folder.
const RESERVED: [&str; 3] = ["cache_dir", "keystore", "state_dir"];

/// What is wrong with a `[tor]` table. Each message names the key, for the person who wrote the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// arti does not know these keys.
    #[error("unknown setting {}", keys(.0))]
    Unknown(Vec<String>),
    /// Sotto sets this key itself.
    #[error("tor.{key} is set by Sotto and cannot be changed")]
    Reserved {
        /// The key, without `tor.`.
        key: String,
    },
    /// A value is invalid.
    #[error("{}: {problem}", keys(std::slice::from_ref(key)))]
    Invalid {
        /// The key, without `tor.`, as far as arti names it.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Values contradict each other.
    #[error("{}: {problem}", keys(keys_))]
    Inconsistent {
        /// The keys, without `tor.`.
        keys_: Vec<String>,
        /// How they contradict each other.
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

/// Checks a table as [`Tor::start`](crate::Tor::start) does, without starting anything.
pub fn check(table: &Table) -> Result<(), ConfigError> {
    let folder = Path::new("/nonexistent");
    resolve(table, folder, &folder.join(STATE)).map(drop)
}

/// arti's configuration, with these folders.
pub(crate) fn resolve(table: &Table, folder: &Path, state: &Path) -> Result<TorClientConfig, ConfigError> {
    if let Some(Value::Table(storage)) = table.get("storage")
        && let Some(key) = RESERVED.into_iter().find(|key| storage.contains_key(*key))
    {
        let key = format!("storage.{key}");
        return Err(ConfigError::Reserved { key });
    }
    let mut merged: Table = DEFAULTS.parse().expect("a constant");
    merge(&mut merged, table.clone());
    merge(&mut merged, fixed_settings(folder, state));
    let text = toml::to_string(&merged).map_err(|error| invalid("", &error))?;

    let mut sources = ConfigurationSources::new_empty();
    sources.push_source(ConfigurationSource::from_verbatim(text), MustRead::MustRead);
    let tree = sources.load().map_err(|error| invalid("", &ErrorChain(&error)))?;
    let resolved =
        resolve_return_results::<TorClientConfig>(&tree, &ConfigResolveOptions::default()).map_err(config_error)?;
    if !resolved.unrecognized.is_empty() {
        return Err(ConfigError::Unknown(
            resolved.unrecognized.iter().map(ToString::to_string).collect(),
        ));
    }
    Ok(resolved.value)
}

/// The state folder of the next client. It is `state`, even if an earlier client still holds the lock on it: then arti reads
/// the guards there, and writes nothing. With bridges arti insists on writing to its folder, and needs no guards of an
/// earlier client; so the next client gets another folder.
pub(crate) fn state_dir(table: &Table, folder: &Path) -> PathBuf {
    let state = folder.join(STATE);
    if !is_bridged(table) || !is_locked(&state) {
        return state;
    }
    let alternatives = (2_u32..).map(|number| folder.join(format!("{STATE}-{number}")));
    alternatives
        .into_iter()
        .find(|folder| !is_locked(folder))
        .unwrap_or(state)
}

const STATE: &str = "state";

/// Whether a client holds the lock on this state folder.
fn is_locked(state: &Path) -> bool {
    let lock = File::open(state.join("state/state.lock"));
    lock.is_ok_and(|lock| lock.try_lock().is_err())
}

fn fixed_settings(folder: &Path, state: &Path) -> Table {
    // `literal`, so that arti does not expand a `$` or `~` in the folder's name.
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

fn config_error(error: ConfigResolveError) -> ConfigError {
    match error {
        ConfigResolveError::Build(ConfigBuildError::MissingField { field }) => invalid(&field, &"is required"),
        ConfigResolveError::Build(
            ConfigBuildError::Invalid { field, problem } | ConfigBuildError::NoCompileTimeSupport { field, problem },
        ) => invalid(&field, &problem),
        ConfigResolveError::Build(ConfigBuildError::Inconsistent { fields, problem }) => {
            ConfigError::Inconsistent { keys_: fields, problem }
        }
        ConfigResolveError::Build(ConfigBuildError::MissingOneOf { min_required, fields }) => {
            ConfigError::Inconsistent {
                keys_: fields,
                problem: format!("at least {min_required} of them is required"),
            }
        }
        other => {
            let text = ErrorChain(&other).to_string();
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
pub(crate) struct ErrorChain<'a>(pub &'a dyn std::error::Error);

impl fmt::Display for ErrorChain<'_> {
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
    fn an_empty_table_is_valid() {
        check(&Table::new()).expect("arti's defaults");
    }

    #[test]
    fn bridges_and_transports_pass_through() {
        for (example, program) in [
            (include_str!("../bridges/obfs4.toml"), "obfs4proxy"),
            (include_str!("../bridges/snowflake.toml"), "snowflake-client"),
            (include_str!("../bridges/webtunnel.toml"), "webtunnel-client"),
        ] {
            // The machine that runs this test may have the program in /usr/bin.
            let mut example = table(&example.replace("/usr/bin/", "/nowhere/"));
            let Some(Value::Table(tor)) = example.remove("tor") else {
                panic!("an example has a [tor] table: {program}")
            };
            let config = resolve(&tor, Path::new("/nonexistent"), Path::new("/nonexistent/state")).expect(program);
            assert_eq!(missing_programs(&tor, &config), [Path::new("/nowhere").join(program)]);
        }
    }

    #[test]
    fn an_error_names_the_key() {
        let unknown = check(&table("[bridges]\nbrigdes = []")).expect_err("misspelt");
        assert_eq!(unknown, ConfigError::Unknown(vec!["bridges.brigdes".to_owned()]));
        assert_eq!(unknown.to_string(), "unknown setting tor.bridges.brigdes");

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
    fn a_table_cannot_set_where_keys_and_state_are_kept() {
        for key in RESERVED {
            let refused = check(&table(&format!("storage.{key} = '/tmp'"))).expect_err("reserved");
            let key = format!("storage.{key}");
            assert_eq!(refused, ConfigError::Reserved { key });
        }
        check(&table("storage.permissions.dangerously_trust_everyone = true")).expect("allowed");
    }

    #[test]
    fn with_bridges_a_client_gets_a_state_folder_that_is_not_locked() {
        let bridged = table("bridges.bridges = ['192.0.2.1:9001 316E643333645F6D79216558614D3931657A5F5F']");
        let mut disabled = bridged.clone();
        disabled["bridges"]
            .as_table_mut()
            .expect("a table")
            .insert("enabled".to_owned(), false.into());
        let folder = tempfile::tempdir().expect("a folder");
        let state_dir_for = |table: &Table| state_dir(table, folder.path());
        let [first, second] = ["state", "state-2"].map(|name| folder.path().join(name));
        assert_eq!(
            (state_dir_for(&Table::new()), state_dir_for(&bridged)),
            (first.clone(), first.clone())
        );
        std::fs::create_dir_all(first.join("state")).expect("created");
        let lock = File::create(first.join("state/state.lock")).expect("created");
        lock.lock().expect("locked");
        assert_eq!(
            (state_dir_for(&Table::new()), state_dir_for(&bridged)),
            (first.clone(), second)
        );
        assert_eq!(state_dir_for(&disabled), first);
    }

    #[test]
    fn a_table_overrides_the_defaults() {
        let config = |table: &Table| resolve(table, Path::new("/nonexistent"), Path::new("/nonexistent/state"));
        let default = config(&Table::new()).expect("defaults");
        let changed = config(&table("preemptive_circuits.initial_predicted_ports = [443]")).expect("changed");
        assert_ne!(default, changed);
    }
}
