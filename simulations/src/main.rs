//! `sotto-sim`: plays worlds and tells what happens in them.

mod soak;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use sotto_simulations::scenario::{FULL_SIZE, LIBRARY};
use sotto_simulations::{
    Choices, Cipher, CrashPoint, Failure, Malice, Run, Scenario, Trace, crash_points, run, shrink, timeline,
};

use soak::ManyArgs;

/// How this program is run in a clone.
const AGAIN: &str = "cargo run -p sotto-simulations --";

/// Sotto's deterministic world: real nodes, and everything around them made up.
#[derive(Parser)]
#[command(name = "sotto-sim", version, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play every story in the bad worlds of many seeds
    #[command(visible_alias = "soak")]
    Run {
        #[command(flatten)]
        many: ManyArgs,
    },
    /// Play a scenario file: once as it is, or in many worlds
    Scenario {
        /// A file in TOML; simulations/README.md has its words
        file: String,
        /// Also once for each output of each node, with a crash there
        #[arg(long)]
        crashes: bool,
        /// Also in the bad worlds of so many seeds
        #[arg(long, default_value_t = 0)]
        seeds: u64,
        /// The first of them
        #[arg(long, default_value_t = 0, value_name = "SEED")]
        from: u64,
    },
    /// Play one run and tell what happens
    Play {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        view: View,
    },
    /// Play a trace and tell what happens
    Replay {
        /// What `shrink` has printed
        trace: PathBuf,
        #[command(flatten)]
        view: View,
    },
    /// Make a run that fails as simple as it can be, and print its trace
    Shrink(RunArgs),
    /// The hashes of so many bad worlds, to compare two machines
    Hashes {
        /// How many
        #[arg(long)]
        seeds: u64,
    },
    /// Break every rule once, and say what notices
    #[cfg(feature = "sabotage")]
    Sabotage,
    /// Name the stories of the library
    Stories,
}

/// How a run is told: by default, what matters of it, a column for each peer.
#[derive(Args, Clone, Copy)]
struct View {
    /// Tell every input and output
    #[arg(long, conflicts_with = "mermaid")]
    full: bool,
    /// Draw a sequence diagram, for a page in Markdown
    #[arg(long)]
    mermaid: bool,
}

#[derive(Args)]
struct RunArgs {
    /// A story of the library, or a scenario file
    story: String,
    /// The seed of the nodes' randomness and of the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With the faults that the seed makes, crashes included
    #[arg(long)]
    bad_world: bool,
    /// Over libsignal instead of the transparent ratchet
    #[arg(long)]
    signal: bool,
    /// With one more person, who means ill in this way
    #[arg(long, value_name = "WAY")]
    malice: Option<String>,
    /// With a crash, such as `bob:17:durable:cut`: whose node, at which output, what becomes of the commit in flight
    /// (lost or durable), and whether what was sent is lost, too
    #[arg(long, value_name = "PEER:OUTPUT:COMMIT[:cut]")]
    crash: Option<String>,
    /// Break this rule in every node; `sabotage` names them
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
        let malice = self.malice.as_ref().map(|name| {
            let ways: Vec<_> = Malice::ALL.iter().map(Malice::to_string).collect();
            name.parse::<Malice>()
                .map_err(|()| format!("nobody is known to do {name}, but {}", ways.join(", ")))
        });
        Ok(Run {
            seed: self.seed,
            bad_world: self.bad_world,
            cipher: if self.signal {
                Cipher::Signal
            } else {
                Cipher::Transparent
            },
            malice: malice.transpose()?,
            crash: crash.transpose()?,
            #[cfg(feature = "sabotage")]
            broken: rules(&self.broken)?,
            ..Run::calm(Scenario::find(&self.story)?)
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
        Command::Play { run, view } => run.read().map(|run| tell(run, run.choices(), view)),
        Command::Replay { trace, view } => replay(&trace, view),
        Command::Shrink(args) => args.read().map(simplest),
        Command::Hashes { seeds } => Ok(hashes(seeds)),
        #[cfg(feature = "sabotage")]
        Command::Sabotage => Ok(sabotaged()),
        Command::Stories => {
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

/// Plays a scenario file. True if it goes as it says.
fn scenario(file: &str, crashes: bool, seeds: std::ops::Range<u64>) -> Result<bool, String> {
    let scenario = Scenario::find(file)?;
    let points = match crash_points(scenario) {
        Ok(points) if crashes => points,
        Ok(_) => Vec::new(),
        Err(failure) => return Ok(failed(&failure)),
    };
    println!("{file}: as it says");
    let crashing = points.iter().map(|point| Run::crashing(scenario, *point));
    let bad = seeds.clone().map(|seed| Run::bad(scenario, seed));
    for one in crashing.chain(bad) {
        if let Err(failure) = run(one) {
            return Ok(failed(&failure));
        }
    }
    if crashes {
        println!("{file}: as it says at each of {} crash points", points.len());
    }
    if !seeds.is_empty() {
        println!("{file}: as it says in {} bad worlds", seeds.end - seeds.start);
    }
    Ok(true)
}

fn failed(failure: &Failure) -> bool {
    println!("{failure}");
    false
}

fn replay(file: &PathBuf, view: View) -> Result<bool, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let trace: Trace = text.parse().map_err(|wrong: sotto_simulations::NotATrace| wrong.0)?;
    Ok(tell(trace.run, Choices::planned(trace.plan), view))
}

/// Plays one run and tells it. True if all is well.
fn tell(run: Run, choices: Choices, view: View) -> bool {
    let (verdict, made) = sotto_simulations::play(run, choices);
    let timeline = timeline(run, Choices::made_before(&made));
    let end = match &verdict {
        Ok(outcome) => format!("all is well after {}", sotto_simulations::clock(outcome.lived)),
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

/// The bits of rules by their names.
#[cfg(feature = "sabotage")]
fn rules(names: &[String]) -> Result<u64, String> {
    use sotto_simulations::sabotage::named;
    names.iter().try_fold(0, |bits, name| Ok(bits | named(name)?))
}
