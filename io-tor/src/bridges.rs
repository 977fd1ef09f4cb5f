//! Bridges in the `[tor]` table, and the pluggable transport programs that they need.

use std::path::{Path, PathBuf};

use arti_client::TorClientConfig;
use arti_client::config::CfgPath;
use toml::{Table, Value};

/// Whether the client connects through bridges alone.
pub(crate) fn is_bridged(table: &Table) -> bool {
    let bridges = table.get("bridges").and_then(Value::as_table);
    let is_nonempty = |value: &Value| match value {
        Value::Array(bridges) => !bridges.is_empty(),
        Value::String(lines) => !lines.trim().is_empty(),
        _ => false,
    };
    bridges.is_some_and(|table| {
        table.get("enabled") != Some(&Value::Boolean(false)) && table.get("bridges").is_some_and(is_nonempty)
    })
}

/// Pluggable transport programs that the table's bridges need, and that are missing or not executable.
pub(crate) fn missing_programs(table: &Table, config: &TorClientConfig) -> Vec<PathBuf> {
    if !is_bridged(table) {
        return Vec::new();
    }
    let bridges = &table["bridges"];
    let needed = protocols(&bridges["bridges"]);
    let transports = bridges.get("transports").and_then(Value::as_array);
    transports
        .into_iter()
        .flatten()
        .filter(|transport| {
            let provided = transport
                .get("protocols")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            provided
                .filter_map(Value::as_str)
                .any(|protocol| needed.contains(&protocol))
        })
        .filter_map(|transport| transport.get("path")?.clone().try_into::<CfgPath>().ok())
        .filter_map(|path| path.path(config.as_ref()).ok())
        .filter(|path| !is_executable(path))
        .collect()
}

/// The first word of each bridge line, which names its transport if it has one.
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
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let is_executable_file = |path: &Path| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    // A name without a folder is looked up in PATH, as a shell does.
    match path.components().count() {
        1 => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|folder| is_executable_file(&folder.join(path))),
        _ => is_executable_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().expect("TOML")
    }

    #[test]
    fn a_program_is_missing_if_a_bridge_needs_it_and_it_does_not_exist() {
        let missing = |path: &str, bridges: &str| {
            let table = table(&format!(
                "[bridges]\n{bridges}\n[[bridges.transports]]\nprotocols = ['obfs4']\npath = '{path}'"
            ));
            missing_programs(&table, &TorClientConfig::default())
        };
        let key = "316E643333645F6D79216558614D3931657A5F5F";
        let plain = format!("bridges = ['192.0.2.1:9001 {key}']");
        let obfs4 = format!("bridges = 'Bridge obfs4 192.0.2.1:9001 {key}'");
        let nowhere = "/nowhere/obfs4proxy";
        assert_eq!(missing(nowhere, &obfs4), [Path::new(nowhere)]);
        let unused = format!("enabled = false\n{obfs4}");
        for (path, bridges) in [
            ("/bin/sh", &*obfs4),
            (nowhere, &plain),
            (nowhere, &unused),
            (nowhere, ""),
        ] {
            assert_eq!(missing(path, bridges), Vec::<PathBuf>::new(), "{path}, {bridges}");
        }
    }
}
