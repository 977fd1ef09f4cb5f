//! `coverage CEILING PROFILES SOURCES OPTION OBJECT...`: counts the regions of the sources that no test has run, and holds
//! the number against the ceiling. A region is what the compiler counts by one counter: an arm, a branch, what follows
//! a `?`. One that is compiled several times (generic code, several test programs) is covered if it was run once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use llvm_profparser::{CoverageMapping, merge_profiles};

/// The number may be so much lower than the ceiling before the ceiling has to follow.
const SLACK: usize = 10;
/// Another compiler draws regions somewhat differently: so many in a hundred are let pass.
const OTHER_COMPILER: usize = 5;

/// First line and column, last line and column.
type Region = [usize; 4];

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [ceiling, profiles, sources, option, objects @ ..] = arguments.as_slice() else {
        bail!("usage: coverage CEILING PROFILES SOURCES OPTION OBJECT...");
    };
    let objects: Vec<PathBuf> = objects.iter().map(PathBuf::from).collect();
    let regions = regions(Path::new(profiles), Path::new(sources), &objects)?;
    let all: usize = regions.values().map(BTreeMap::len).sum();
    let mut left_out = 0;
    for (file, regions) in &regions {
        let uncovered: Vec<_> = regions.iter().filter(|(_, count)| **count == 0).collect();
        left_out += uncovered.len();
        if option == "--list" {
            for ([line, column, ..], _) in uncovered {
                println!("{}:{line}:{column}", file.display());
            }
        } else {
            println!("{:5} of {:5}  {}", uncovered.len(), regions.len(), file.display());
        }
    }
    println!("{left_out} of {all} regions are not covered");
    if all < 1000 {
        bail!("{all} regions are too few to be core's: the programs were not instrumented");
    }
    let compiler = compiler()?;
    if option == "--set" {
        fs::write(ceiling, format!("{left_out} {compiler}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = fs::read_to_string(ceiling).context(ceiling.clone())?;
    let (limit, theirs) = text
        .trim()
        .split_once(' ')
        .context("the ceiling is a number and a compiler")?;
    Ok(verdict(left_out, limit.parse()?, theirs == compiler))
}

fn verdict(left_out: usize, ceiling: usize, same_compiler: bool) -> ExitCode {
    let bearable = if same_compiler {
        ceiling
    } else {
        ceiling + ceiling * OTHER_COMPILER / 100
    };
    if left_out > bearable {
        println!("at most {bearable} may be; .ci/coverage/run --list says which they are: test them, or take them out");
        ExitCode::FAILURE
    } else if same_compiler && left_out + SLACK < ceiling {
        println!("the ceiling is still {ceiling}: let it fall, with .ci/coverage/run --set");
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn compiler() -> Result<String> {
    let said = Command::new("rustc").arg("-V").output()?.stdout;
    let said = String::from_utf8(said)?;
    let version = said.split_whitespace().nth(1).context("rustc -V names its version")?;
    Ok(format!("rustc {version}"))
}

/// Every region of the sources, tests in them left aside, and how often it was run.
fn regions(profiles: &Path, sources: &Path, objects: &[PathBuf]) -> Result<BTreeMap<PathBuf, BTreeMap<Region, usize>>> {
    let profiles = fs::read_dir(profiles)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    if profiles.is_empty() {
        bail!("the tests have left no profile behind");
    }
    let mut found = BTreeMap::<PathBuf, BTreeMap<Region, usize>>::new();
    let profile = merge_profiles(&profiles)?;
    let relative = |path: &Path| path.strip_prefix(sources).ok().map(Path::to_owned);
    for object in objects {
        let object = std::slice::from_ref(object);
        let mapping = CoverageMapping::new(object, &profile, false)?;
        let report = mapping.generate_subreport(|paths| paths.iter().any(|path| path.starts_with(sources)))?;
        for (path, result) in report.files {
            let Some(name) = relative(&path).filter(|name| !is_test(name)) else {
                continue;
            };
            let tests_from = tests_from(&fs::read_to_string(&path)?);
            let regions = found.entry(name).or_default();
            for (place, count) in result
                .hits
                .into_iter()
                .filter(|(place, _)| place.line_start < tests_from)
            {
                let region = [place.line_start, place.column_start, place.line_end, place.column_end];
                let sum = regions.entry(region).or_default();
                *sum = sum.saturating_add(count);
            }
        }
    }
    Ok(found)
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// The line where a file's own tests begin.
fn tests_from(source: &str) -> usize {
    let mut lines = source.lines().zip(1..);
    let begins = lines.find(|(line, _)| line.starts_with("mod tests {"));
    begins.map_or(usize::MAX, |(_, number)| number)
}
