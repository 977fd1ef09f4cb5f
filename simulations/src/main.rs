//! `sotto-sim`: plays scenarios in the simulator and shows what happens.

mod soak;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sotto_simulations::scenario::{FULL_SIZE, LIBRARY};
use sotto_simulations::{
    ByzantineFault, Choices, Cipher, CrashPoint, Failure, Run, Scenario, Trace, crash_points, run, shrink, timeline,
};

use soak::CampaignArgs;

/// How to run this program in a clone.
const AGAIN: &str = "cargo run -p sotto-simulations --";

/// Sotto's deterministic simulator: real nodes in a simulated environment
#[derive(Parser)]
#[command(name = "sotto-sim", version, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play every scenario with the faults of many seeds
    #[command(visible_alias = "soak")]
    Run {
        #[command(flatten)]
        many: CampaignArgs,
    },
    /// Play a scenario file: once without faults, or many times
    Scenario {
        /// A TOML file; simulations/README.md describes the format
        file: String,
        /// Also once for each output of each node, with a crash there
        #[arg(long)]
        crashes: bool,
        /// Also with the faults of this many seeds
        #[arg(long, default_value_t = 0)]
        seeds: u64,
        /// The first of these seeds
        #[arg(long, default_value_t = 0, value_name = "SEED")]
        from: u64,
    },
    /// Play one run and show what happens
    Play {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        view: View,
    },
    /// Play a trace and show what happens
    Replay {
        /// A file that `shrink` has printed or `run --keep` has written
        trace: PathBuf,
        #[command(flatten)]
        view: View,
    },
    /// Simplify a run that fails, and print its trace
    Shrink(RunArgs),
    /// Print the hashes of runs with faults, to compare two machines
    Hashes {
        /// How many
        #[arg(long)]
        seeds: u64,
    },
    /// Break each rule once, and show which invariant detects it
    #[cfg(feature = "sabotage")]
    Sabotage,
    /// List the scenarios of the library
    Scenarios,
}

/// How a run is shown: by default its main events, one column for each peer.
#[derive(Args, Clone, Copy)]
struct View {
    /// Show every input and output
    #[arg(long, conflicts_with = "mermaid")]
    full: bool,
    /// Draw a sequence diagram for a Markdown page
    #[arg(long)]
    mermaid: bool,
}

#[derive(Args)]
struct RunArgs {
    /// A scenario of the library, or a scenario file
    scenario: String,
    /// The seed of the nodes' randomness and of the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With the faults of the seed, crashes included
    #[arg(long)]
    faulty: bool,
    /// With libsignal instead of the transparent ratchet
    #[arg(long)]
    signal: bool,
    /// With one more node, which is byzantine in this way
    #[arg(long, value_name = "WAY")]
    byzantine: Option<String>,
    /// With a crash, such as `bob:17:durable:cut`: whose node, at which output, what happens to the commit in flight
    /// (lost or durable), and whether transmitted bytes are lost
    #[arg(long, value_name = "PEER:OUTPUT:COMMIT[:cut]")]
    crash: Option<String>,
    /// Break this rule in every node; `sabotage` lists the rules
    #[cfg(feature = "sabotage")]
    #[arg(long = "break", value_name = "RULE")]
    broken: Vec<String>,
}

impl RunArgs {
    fn read(&self) -> Result<Run, String> {
        let crash = self
            .crash
            .as_ref()
            .map(|text| text.parse::<CrashPoint>().map_err(|wrong| wrong.0));
        let byzantine = self.byzantine.as_ref().map(|name| {
            let ways: Vec<_> = ByzantineFault::ALL.iter().map(ByzantineFault::to_string).collect();
            name.parse::<ByzantineFault>()
                .map_err(|()| format!("no byzantine fault is called {name}; there are {}", ways.join(", ")))
        });
        Ok(Run {
            seed: self.seed,
            faulty: self.faulty,
            cipher: if self.signal {
                Cipher::Signal
            } else {
                Cipher::Transparent
            },
            byzantine: byzantine.transpose()?,
            crash: crash.transpose()?,
            #[cfg(feature = "sabotage")]
            broken: rules(&self.broken)?,
            ..Run::fault_free(Scenario::find(&self.scenario)?)
        })
    }
}

fn main() -> ExitCode {
    let done = match Program::parse().command {
        Command::Run { many } => many.play(),
        Command::Scenario {
            file,
            crashes,
            seeds,
            from,
        } => scenario(&file, crashes, from..from + seeds),
        Command::Play { run, view } => run.read().map(|run| show(run, run.choices(), view)),
        Command::Replay { trace, view } => replay(&trace, view),
        Command::Shrink(args) => args.read().map(shrink_run),
        Command::Hashes { seeds } => Ok(hashes(seeds)),
        #[cfg(feature = "sabotage")]
        Command::Sabotage => Ok(sabotage_all()),
        Command::Scenarios => {
            for scenario in LIBRARY.iter().chain(FULL_SIZE) {
                println!("{}", scenario.name);
            }
            Ok(true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(1)
        }
    }
}

/// Plays a scenario file. True if every run succeeds.
fn scenario(file: &str, crashes: bool, seeds: std::ops::Range<u64>) -> Result<bool, String> {
    let scenario = Scenario::find(file)?;
    let points = match crash_points(scenario) {
        Ok(points) if crashes => points,
        Ok(_) => Vec::new(),
        Err(failure) => return Ok(failed(&failure)),
    };
    println!("{file}: passes");
    let crashing = points.iter().map(|point| Run::crashing(scenario, *point));
    let faulty = seeds.clone().map(|seed| Run::faulty(scenario, seed));
    for one in crashing.chain(faulty) {
        if let Err(failure) = run(one) {
            return Ok(failed(&failure));
        }
    }
    if crashes {
        println!("{file}: passes at each of {} crash points", points.len());
    }
    if !seeds.is_empty() {
        println!("{file}: passes with the faults of {} seeds", seeds.end - seeds.start);
    }
    Ok(true)
}

fn failed(failure: &Failure) -> bool {
    println!("{failure}");
    false
}

fn replay(file: &PathBuf, view: View) -> Result<bool, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let trace: Trace = text.parse().map_err(|wrong: sotto_simulations::TraceError| wrong.0)?;
    Ok(show(trace.run, Choices::planned(trace.plan), view))
}

/// Plays one run and shows it. True if it succeeds.
fn show(run: Run, choices: Choices, view: View) -> bool {
    let (verdict, made) = sotto_simulations::play(run, choices);
    let timeline = timeline(run, Choices::made_before(&made));
    let end = match &verdict {
        Ok(outcome) => format!("passes after {}", sotto_simulations::clock(outcome.virtual_time)),
        Err(why) => why.clone(),
    };
    if view.mermaid {
        println!("```mermaid\n{}```", timeline.mermaid(&end, verdict.is_ok()));
        return verdict.is_ok();
    }
    let lines = if view.full { timeline.full() } else { timeline.columns() };
    for line in lines {
        println!("{line}");
    }
    match &verdict {
        Ok(outcome) => println!("{end}; outputs hash to {:016x}", outcome.fingerprint),
        Err(_) => println!("{end}"),
    }
    verdict.is_ok()
}

/// Simplifies a run that fails. True if it succeeds and there is nothing to simplify.
fn shrink_run(run: Run) -> bool {
    let (verdict, trace) = Trace::of(run);
    if verdict.is_ok() {
        println!("passes");
        return true;
    }
    print!("{}", shrink(&trace));
    false
}

/// Breaks every rule. True if each is detected.
#[cfg(feature = "sabotage")]
fn sabotage_all() -> bool {
    use sotto_simulations::sabotage::{detect, row, table};
    println!(
        "{:<24} {:>5} {:>6} {:>10}  {:<28} violation",
        "rule", "seeds", "runs", "time", "scenario"
    );
    let mut all = true;
    for rule in table() {
        let detection = detect(rule, 100);
        println!("{}", row(rule, detection.as_ref()));
        all &= detection.is_some();
    }
    all
}

/// The fingerprint of one run with faults for each seed, of one scenario after the other.
fn hashes(seeds: u64) -> bool {
    for (seed, scenario) in (0..seeds).zip(LIBRARY.iter().cycle()) {
        match run(Run::faulty(scenario, seed)) {
            Ok(outcome) => println!("{} {seed} {:016x}", scenario.name, outcome.fingerprint),
            Err(failure) => {
                println!("{}: {}", failure.run, failure.why);
                return false;
            }
        }
    }
    true
}

/// The bits of rules by their names.
#[cfg(feature = "sabotage")]
fn rules(names: &[String]) -> Result<u64, String> {
    use sotto_simulations::sabotage::named;
    names.iter().try_fold(0, |bits, name| Ok(bits | named(name)?))
}
