//! Playing one scenario once, and naming what can be played.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{any, fmt};

use sotto_core::Millis;

use crate::{Choices, Cipher, CrashPoint, Scenario, World};

/// What to play.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The story.
    pub scenario: &'static Scenario,
    /// The seed of the nodes' randomness and, in a bad world, of the faults.
    pub seed: u64,
    /// Whether there are faults that the story does not tell of, crashes included.
    pub bad_world: bool,
    /// Where a node dies.
    pub crash: Option<CrashPoint>,
    /// What the nodes' sessions run on.
    pub cipher: Cipher,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash over all outputs of all nodes.
    pub fingerprint: u64,
    /// All crash points of the story, its aftermath included.
    pub crash_points: Vec<CrashPoint>,
    /// How long the world lived.
    pub lived: Millis,
}

/// A run that broke something.
#[derive(Debug)]
pub struct Failure {
    /// Which.
    pub run: Run,
    /// What was broken.
    pub why: String,
    /// What happened, a line each.
    pub trace: Vec<String>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --seed {}", self.scenario.name, self.seed)?;
        if self.bad_world {
            f.write_str(" --bad-world")?;
        }
        if self.cipher == Cipher::Signal {
            f.write_str(" --signal")?;
        }
        match self.crash {
            Some(crash) => write!(f, " --crash {crash}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: usize = 120;
        writeln!(f, "{}", self.why)?;
        let left_out = self.trace.len().saturating_sub(LAST);
        for line in &self.trace[left_out..] {
            writeln!(f, "{line}")?;
        }
        write!(f, "again: cargo run -p sotto-simulations -- {}", self.run)
    }
}

impl Run {
    /// A scenario as it is told.
    pub fn calm(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            seed: 1,
            bad_world: false,
            crash: None,
            cipher: Cipher::Transparent,
        }
    }

    /// A scenario in a bad world.
    pub fn bad(scenario: &'static Scenario, seed: u64) -> Self {
        Self {
            seed,
            bad_world: true,
            ..Self::calm(scenario)
        }
    }

    /// A scenario with a crash.
    pub fn crashing(scenario: &'static Scenario, crash: CrashPoint) -> Self {
        Self {
            crash: Some(crash),
            ..Self::calm(scenario)
        }
    }

    /// The same over libsignal.
    #[must_use]
    pub fn over_signal(self) -> Self {
        Self {
            cipher: Cipher::Signal,
            ..self
        }
    }
}

/// Plays a scenario. If it fails, it is played again to tell how.
pub fn run(run: Run) -> Result<Outcome, Failure> {
    let mut world = run.scenario.world(run.cipher, run.seed, choices(run));
    play(run, &mut world).map_err(|why| Failure {
        run,
        why,
        trace: trace(run),
    })
}

/// What happens in a run, a line each.
pub fn trace(run: Run) -> Vec<String> {
    let mut world = run.scenario.world(run.cipher, run.seed, choices(run));
    world.keep_trace();
    let _ = play(run, &mut world);
    world.trace().to_vec()
}

fn choices(run: Run) -> Choices {
    if run.bad_world {
        Choices::seeded(run.seed)
    } else {
        Choices::calm()
    }
}

/// A broken rule is a panic, be it the world's or the node's own; here it becomes a value.
fn play(run: Run, world: &mut World) -> Result<Outcome, String> {
    let began = world.now();
    world.keep_fingerprint();
    world.crash = run.crash;
    let story = || {
        world.begin();
        (run.scenario.story)(world);
        world.settle(run.scenario.friends);
        let crash_points = world.crash_points();
        world.say_goodbye(run.scenario.friends);
        if !run.bad_world {
            // In a bad world an honest peer may be too slow.
            world.check_manners();
        }
        world.rest();
        world.conclude(run.scenario.friends);
        crash_points
    };
    let crash_points = catch_unwind(AssertUnwindSafe(story)).map_err(|panic| message(&*panic))?;
    Ok(Outcome {
        fingerprint: world.fingerprint().unwrap_or_default(),
        crash_points,
        lived: Millis(world.now().0 - began.0),
    })
}

fn message(panic: &(dyn any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
        .to_owned()
}

/// Every crash that a scenario can be given.
pub fn crash_points(scenario: &'static Scenario) -> Result<Vec<CrashPoint>, Failure> {
    Ok(run(Run::calm(scenario))?.crash_points)
}
