//! `sotto-sim`: plays worlds and tells what happens in them.

use std::process::ExitCode;
use std::{env, fs};

use sotto_core::Millis;
use sotto_simulations::{Choices, Run, Trace, run, scenario::LIBRARY, shrink, timeline};

const USAGE: &str = "\
usage: sotto-sim play SCENARIO [--seed N] [--bad-world] [--signal] [--crash alice|bob|carol:OUTPUT:lost|durable[:cut]]
                                        plays one run and tells what happens
       sotto-sim replay FILE            the same for a trace
       sotto-sim shrink SCENARIO …      makes a run that fails as simple as it can be, and prints its trace
       sotto-sim run --seeds N [--from SEED]
                                        plays every scenario in the bad worlds of these seeds
       sotto-sim hashes --seeds N       the hashes of so many bad worlds, to compare two machines
       sotto-sim sabotage               breaks every rule once, and says what notices (feature `sabotage`)";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["play", ref what @ ..] => read(&what.join(" ")).map(|run| tell(run, run.choices())),
        ["replay", file] => replay(file),
        ["shrink", ref what @ ..] => read(&what.join(" ")).map(simplest),
        ["hashes", "--seeds", seeds] => number(seeds).map(hashes),
        #[cfg(feature = "sabotage")]
        ["sabotage"] => Ok(sabotaged()),
        ["run", "--seeds", seeds] => number(seeds).map(|seeds| many(0, seeds)),
        ["run", "--seeds", seeds, "--from", from] => number(from).and_then(|from| Ok(many(from, number(seeds)?))),
        _ => Err(String::new()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(why) => {
            eprintln!("{why}\n{USAGE}\nscenarios:");
            for scenario in LIBRARY {
                eprintln!("  {}", scenario.name);
            }
            ExitCode::from(1)
        }
    }
}

fn read(run: &str) -> Result<Run, String> {
    run.parse::<Run>().map_err(|wrong| wrong.0)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn replay(file: &str) -> Result<bool, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let trace: Trace = text.parse().map_err(|wrong: sotto_simulations::NotATrace| wrong.0)?;
    Ok(tell(trace.run, Choices::planned(trace.plan)))
}

/// Plays one run. True if all is well.
fn tell(run: Run, choices: Choices) -> bool {
    let plan = sotto_simulations::play(run, choices);
    let again = Choices::made_before(&plan.1);
    for line in timeline(run, again) {
        println!("{line}");
    }
    match plan.0 {
        Ok(outcome) => {
            println!(
                "all is well after {}; outputs hash to {:016x}",
                outcome.lived, outcome.fingerprint
            );
            true
        }
        Err(why) => {
            println!("{why}");
            false
        }
    }
}

/// True if the run was well, and there was nothing to do.
fn simplest(run: Run) -> bool {
    let (verdict, trace) = Trace::of(run);
    if verdict.is_ok() {
        println!("all is well");
        return true;
    }
    print!("{}", shrink(&trace));
    false
}

/// Breaks every rule. True if each is noticed.
#[cfg(feature = "sabotage")]
fn sabotaged() -> bool {
    use sotto_simulations::sabotage::{TABLE, hunt, row};
    println!(
        "{:<24} {:>5} {:>6} {:>10}  {:<28} what it says",
        "rule", "seeds", "worlds", "time", "scenario"
    );
    let mut all = true;
    for (rule, with) in TABLE {
        let caught = hunt(*rule, with, 100);
        println!("{}", row(*rule, caught.as_ref()));
        all &= caught.is_some();
    }
    all
}

/// The outputs' hash of one bad world for each seed, of one scenario after the other.
fn hashes(seeds: u64) -> bool {
    for (seed, scenario) in (0..seeds).zip(LIBRARY.iter().cycle()) {
        match run(Run::bad(scenario, seed)) {
            Ok(outcome) => println!("{} {seed} {:016x}", scenario.name, outcome.fingerprint),
            Err(failure) => {
                println!("{}: {}", failure.run, failure.why);
                return false;
            }
        }
    }
    true
}

/// Plays every scenario in the bad worlds of these seeds.
fn many(from: u64, seeds: u64) -> bool {
    let (mut runs, mut failures, mut lived) = (0_u64, 0_u64, 0_u64);
    for seed in from..from + seeds {
        for scenario in LIBRARY {
            runs += 1;
            match run(Run::bad(scenario, seed)) {
                Ok(outcome) => lived += outcome.lived.0,
                Err(failure) => {
                    failures += 1;
                    println!("{}: {}", failure.run, failure.why);
                }
            }
        }
    }
    println!(
        "{runs} worlds, {failures} failures, {} days lived",
        lived / Millis::hours(24).0
    );
    failures == 0
}
