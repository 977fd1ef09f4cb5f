//! The dependency tree keeps to `deny.toml`: licences, duplicates, sources. Offline, from `cargo metadata`, for the
//! platform that the test runs on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// The part of `deny.toml` that is checked here; cargo-deny knows the rest.
#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

/// A duplicate that we live with: `name@version`, where the version may leave out its last parts.
#[derive(Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn every_licence_is_allowed() {
    let policy = policy();
    let mut unused = policy.licenses.allow.clone();
    for package in packages() {
        let expression = package.license.as_deref().unwrap_or("none stated");
        let satisfied = satisfied(expression, &policy.licenses.allow).unwrap_or_else(|| {
            panic!(
                "{} {}: cannot read the licence {expression:?}",
                package.name, package.version
            )
        });
        assert!(
            satisfied,
            "{} {}: the licence {expression:?} is not allowed in deny.toml",
            package.name, package.version
        );
        unused.retain(|licence| !expression.contains(licence.as_str()));
    }
    assert!(
        unused.is_empty(),
        "deny.toml allows licences that no package has: {unused:?}"
    );
}

#[test]
fn every_duplicate_has_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let skips = policy().bans.skip;
    let skipped = |name: &str, version: &str| {
        skips.iter().any(|skip| {
            let (skip_name, skip_version) = skip.spec.split_once('@').expect("deny.toml: a skip is name@version");
            assert!(!skip.reason.is_empty(), "deny.toml: {} has no reason", skip.spec);
            name == skip_name && (version == skip_version || version.starts_with(&format!("{skip_version}.")))
        })
    };
    for (name, versions) in versions {
        let unexplained: Vec<_> = versions.iter().filter(|version| !skipped(&name, version)).collect();
        assert!(
            unexplained.len() <= 1,
            "{name} is in the tree in versions {versions:?}; unify them, or skip all but one in deny.toml, with the reason"
        );
    }
}

#[test]
fn everything_comes_from_crates_io_or_this_workspace() {
    for package in packages() {
        let known = package.source.as_deref().is_none_or(|source| source == CRATES_IO);
        assert!(known, "{} comes from {:?}", package.name, package.source);
    }
}

/// Whether an SPDX expression (`OR`, `AND`, parentheses, the old `/` for `OR`) can be met with these licences; `None` if
/// it cannot be read. `WITH` belongs to the licence's name.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().rev().collect();
    let value = either(&mut tokens, allowed)?;
    tokens.is_empty().then_some(value)
}

fn either(tokens: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut value = both(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "OR").is_some() {
        value |= both(tokens, allowed)?;
    }
    Some(value)
}

fn both(tokens: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut value = licence(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "AND").is_some() {
        value &= licence(tokens, allowed)?;
    }
    Some(value)
}

fn licence(tokens: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut name = tokens.pop()?.to_owned();
    match name.as_str() {
        "(" => {
            let value = either(tokens, allowed)?;
            return (tokens.pop()? == ")").then_some(value);
        }
        ")" | "OR" | "AND" | "WITH" => return None,
        _ => {}
    }
    if tokens.pop_if(|token| *token == "WITH").is_some() {
        name = format!("{name} WITH {}", tokens.pop()?);
    }
    Some(allowed.contains(&name))
}

#[test]
fn licence_expressions_mean_what_spdx_says() {
    let allowed: BTreeSet<String> = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"]
        .map(str::to_owned)
        .into();
    let read = |expression| satisfied(expression, &allowed);
    assert_eq!(read("MIT"), Some(true));
    assert_eq!(read("GPL-2.0-only"), Some(false));
    assert_eq!(read("GPL-2.0-only OR MIT"), Some(true));
    assert_eq!(read("GPL-2.0-only/MIT"), Some(true));
    assert_eq!(read("GPL-2.0-only AND MIT"), Some(false));
    assert_eq!(read("GPL-2.0-only OR MIT AND Zlib"), Some(true));
    assert_eq!(read("MIT AND (GPL-2.0-only OR Zlib)"), Some(true));
    assert_eq!(read("MIT AND (GPL-2.0-only OR BSD-2-Clause)"), Some(false));
    assert_eq!(read("Apache-2.0 WITH LLVM-exception"), Some(true));
    assert_eq!(read("Apache-2.0"), Some(false));
    for unreadable in ["", "MIT AND", "(MIT", "MIT)", "MIT Zlib", "none stated", "OR MIT"] {
        assert_eq!(read(unreadable), None, "{unreadable:?}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("testkit is a folder of the workspace")
}

fn policy() -> Policy {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    toml::from_str(&text).expect("deny.toml")
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(root())
        .args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--locked",
            "--filter-platform",
        ])
        .arg(host())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    assert!(metadata.packages.len() > 100, "the workspace has its dependencies");
    metadata.packages
}

/// This platform's target triple: packages of others may not be on this machine.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host")
        .to_owned()
}
