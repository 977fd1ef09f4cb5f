//! Bridges, as the `[tor]` table names them, and the programs that some of them need as pluggable transports.

use std::path::{Path, PathBuf};

use arti_client::TorClientConfig;
use arti_client::config::CfgPath;
use toml::{Table, Value};

/// Whether relays are reached by bridges alone.
pub(crate) fn is_bridged(table: &Table) -> bool {
    let bridges = table.get("bridges").and_then(Value::as_table);
    let some = |value: &Value| match value {
        Value::Array(bridges) => !bridges.is_empty(),
        Value::String(lines) => !lines.trim().is_empty(),
        _ => false,
    };
    bridges.is_some_and(|table| {
        table.get("enabled") != Some(&Value::Boolean(false)) && table.get("bridges").is_some_and(some)
    })
}

/// Programs that the table's bridges need as pluggable transports and that are not there, or cannot be run.
pub(crate) fn missing_programs(table: &Table, config: &TorClientConfig) -> Vec<PathBuf> {
    if !is_bridged(table) {
        return Vec::new();
    }
    let bridges = &table["bridges"];
    let wanted = protocols(&bridges["bridges"]);
    let transports = bridges.get("transports").and_then(Value::as_array);
    transports
        .into_iter()
        .flatten()
        .filter(|transport| {
            let spoken = transport
                .get("protocols")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            spoken
                .filter_map(Value::as_str)
                .any(|protocol| wanted.contains(&protocol))
        })
        .filter_map(|transport| transport.get("path")?.clone().try_into::<CfgPath>().ok())
        .filter_map(|path| path.path(config.as_ref()).ok())
        .filter(|path| !runnable(path))
        .collect()
}

/// The first word of each bridge's line, which is the name of its transport if it has one.
fn protocols(bridges: &Value) -> Vec<&str> {
    let lines: Vec<&str> = match bridges {
        Value::String(lines) => lines.lines().collect(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let words = lines.into_iter().map(str::split_whitespace);
    words
        .filter_map(|mut words| words.find(|word| !word.eq_ignore_ascii_case("bridge")))
        .collect()
}

#[cfg(unix)]
fn runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let here = |path: &Path| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    // A bare name is looked for as a shell would.
    match path.components().count() {
        1 => {
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| here(&folder.join(path)))
        }
        _ => here(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().expect("TOML")
    }

    #[test]
    fn only_a_program_that_a_bridge_needs_and_that_is_not_there_is_missing() {
        let missing = |path: &str, bridges: &str| {
            let table = table(&format!(
                "[bridges]\n{bridges}\n[[bridges.transports]]\nprotocols = ['obfs4']\npath = '{path}'"
            ));
            missing_programs(&table, &TorClientConfig::default())
        };
        let key = "316E643333645F6D79216558614D3931657A5F5F";
        let plain = format!("bridges = ['192.0.2.1:9001 {key}']");
        let spoken = format!("bridges = 'Bridge obfs4 192.0.2.1:9001 {key}'");
        let nowhere = "/nowhere/obfs4proxy";
        assert_eq!(missing(nowhere, &spoken), [Path::new(nowhere)]);
        let unused = format!("enabled = false\n{spoken}");
        for (path, bridges) in [
            ("/bin/sh", &*spoken),
            (nowhere, &plain),
            (nowhere, &unused),
            (nowhere, ""),
        ] {
            assert_eq!(missing(path, bridges), Vec::<PathBuf>::new(), "{path}, {bridges}");
        }
    }
}
