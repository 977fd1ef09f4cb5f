//! Playing one scenario once, and naming what can be played.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::{any, fmt, panic};

use sotto_core::Millis;

use crate::choice::{Choice, Choices};
use crate::scenario::Scenario;
use crate::timeline::Timeline;
use crate::world::{Cipher, CrashPoint, Malice, World};

/// What to play.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// One more person lives in the world, who means ill, and how.
    pub malice: Option<Malice>,
    /// Rules that all nodes break, by their bits.
    #[cfg(feature = "sabotage")]
    pub broken: u64,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash over all outputs of all nodes.
    pub fingerprint: u64,
    /// All crash points of the story, its aftermath included.
    pub crash_points: Vec<CrashPoint>,
    /// What honest nodes have borne from one who means ill: rules that they saw broken, what is owed to them for good, and
    /// what was said to them and is not there.
    pub borne: u64,
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
        if let Some(malice) = self.malice {
            write!(f, " --malice {malice}")?;
        }
        if let Some(crash) = self.crash {
            write!(f, " --crash {crash}")?;
        }
        #[cfg(feature = "sabotage")]
        for rule in crate::rules::names(self.broken) {
            write!(f, " --break {rule:?}")?;
        }
        Ok(())
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
        write!(f, "again: cargo run -p sotto-simulations -- play {}", self.run)
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
            malice: None,
            #[cfg(feature = "sabotage")]
            broken: 0,
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

    /// The same with one more person, who means ill.
    #[must_use]
    pub fn among(self, malice: Malice) -> Self {
        Self {
            malice: Some(malice),
            ..self
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

impl Run {
    /// Where its faults come from.
    pub fn choices(self) -> Choices {
        match self.scenario.faults() {
            _ if self.bad_world => Choices::seeded(self.seed),
            Some(faults) => Choices::of(self.seed, faults),
            None => Choices::calm(),
        }
    }

    /// Whether there are faults that the story does not tell of.
    fn is_rough(self) -> bool {
        self.bad_world || self.malice.is_some() || self.scenario.faults().is_some()
    }

    fn world(self, choices: Choices) -> World {
        match self.malice {
            None => self.scenario.world(self.cipher, self.seed, choices),
            Some(malice) => self.scenario.world_among(malice, self.cipher, self.seed, choices),
        }
    }
}

/// Plays a scenario. If it fails, it is played again to tell how.
pub fn run(run: Run) -> Result<Outcome, Failure> {
    play(run, run.choices()).0.map_err(|why| Failure {
        run,
        why,
        trace: timeline(run, run.choices()).columns(),
    })
}

/// Plays a scenario with choices of whatever source, and gives those that it made.
pub fn play(run: Run, choices: Choices) -> (Result<Outcome, String>, Vec<Choice>) {
    let mut world = run.world(choices);
    let verdict = tell(run, &mut world);
    (verdict, world.choices().to_vec())
}

/// What happens in a run.
pub fn timeline(run: Run, choices: Choices) -> Timeline {
    let mut world = run.world(choices);
    world.keep_trace();
    let _ = tell(run, &mut world);
    world.timeline()
}

/// A broken rule is a panic, be it the world's or the node's own; here it becomes a value.
fn tell(run: Run, world: &mut World) -> Result<Outcome, String> {
    let began = world.now();
    world.keep_fingerprint();
    world.crash = run.crash;
    world.punctual = run.scenario.is_punctual();
    world.gentle = !run.is_rough() && run.crash.is_none();
    #[cfg(feature = "sabotage")]
    {
        world.broken = run.broken;
    }
    let story = || {
        world.begin();
        world.mischief();
        let told = run.scenario.tell(world);
        world.remark(|| "the story is over, and so are faults".to_owned());
        world.settle(run.scenario.friends);
        if let Some(told) = told {
            told.check_end(world);
        }
        let crash_points = world.crash_points();
        world.remark(|| "at rest; a last word".to_owned());
        world.say_goodbye(run.scenario.friends);
        if !run.is_rough() {
            // In a bad world an honest peer may be too slow.
            world.check_manners();
        }
        let borne = if run.malice.is_some() {
            world.check_composure()
        } else {
            world.rest();
            if run.crash.is_none() {
                world.check_memory();
            }
            0
        };
        world.conclude(run.scenario.friends);
        (crash_points, borne)
    };
    let (crash_points, borne) = quietly(story)?;
    Ok(Outcome {
        fingerprint: world.fingerprint().unwrap_or_default(),
        crash_points,
        borne,
        lived: Millis(world.now().0 - began.0),
    })
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Catches a panic without a word of it on the terminal: shrinking makes thousands.
fn quietly<T>(story: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    let caught = catch_unwind(AssertUnwindSafe(story));
    QUIET.set(before);
    caught.map_err(|panic| message(&*panic))
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
