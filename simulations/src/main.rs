//! Plays one scenario and tells what happens: `sotto-sim SCENARIO [--seed N] [--bad-world] [--signal] [--crash PEER:OUTPUT:FATE]`.
//! Or plays all of them in many bad worlds: `sotto-sim seeds FROM TO`.

use std::env;
use std::process::ExitCode;

use sotto_core::Millis;
use sotto_simulations::{ALICE, BOB, CAROL, CrashPoint, InFlight, Run, Scenario, run, scenario::LIBRARY, trace};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let ["seeds", from, to] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
        && let (Ok(from), Ok(to)) = (from.parse(), to.parse())
    {
        return play_seeds(from, to);
    }
    let Some(run_of) = parse(arguments.into_iter()) else {
        eprintln!(
            "usage: sotto-sim SCENARIO [--seed N] [--bad-world] [--signal] [--crash alice|bob|carol:OUTPUT:lost|durable]"
        );
        eprintln!("   or: sotto-sim seeds FROM TO");
        eprintln!("scenarios:");
        for scenario in LIBRARY {
            eprintln!("  {}", scenario.name);
        }
        return ExitCode::from(1);
    };
    for line in trace(run_of) {
        println!("{line}");
    }
    match run(run_of) {
        Ok(outcome) => {
            println!(
                "all is well after {}; outputs hash to {:016x}",
                outcome.lived, outcome.fingerprint
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", failure.why);
            ExitCode::from(2)
        }
    }
}

/// Plays every scenario in the bad worlds of these seeds.
fn play_seeds(from: u64, to: u64) -> ExitCode {
    let (mut runs, mut failures, mut lived) = (0u64, 0u64, 0u64);
    for seed in from..to {
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
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Run> {
    let mut run = Run::calm(Scenario::named(&arguments.next()?)?);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => run.seed = arguments.next()?.parse().ok()?,
            "--bad-world" => run.bad_world = true,
            "--signal" => run = run.over_signal(),
            "--crash" => run.crash = Some(crash_point(&arguments.next()?)?),
            _ => return None,
        }
    }
    Some(run)
}

fn crash_point(text: &str) -> Option<CrashPoint> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let point = CrashPoint {
        peer: [ALICE, BOB, CAROL].into_iter().find(|peer| peer.to_string() == name)?,
        output: parts.next()?.parse().ok()?,
        in_flight: match parts.next()? {
            "lost" => InFlight::Lost,
            "durable" => InFlight::Durable,
            _ => return None,
        },
    };
    parts.next().is_none().then_some(point)
}
