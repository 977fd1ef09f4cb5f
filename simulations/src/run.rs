//! [`Run`]: playing one scenario once.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::{any, fmt, panic};

use sotto_core::Millis;

use crate::choice::{Choice, Choices};
use crate::scenario::Scenario;
use crate::timeline::Timeline;
use crate::world::{ByzantineFault, Cipher, CrashPoint, World};

/// What to play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The scenario.
    pub scenario: &'static Scenario,
    /// The seed of the nodes' randomness and of the faults.
    pub seed: u64,
    /// Whether there are faults besides the scenario's own, crashes included.
    pub faulty: bool,
    /// Where a node stops.
    pub crash: Option<CrashPoint>,
    /// Which ratchet the nodes use.
    pub cipher: Cipher,
    /// There is one more node, which is byzantine in this way.
    pub byzantine: Option<ByzantineFault>,
    /// Rules that all nodes break, as bits.
    #[cfg(feature = "sabotage")]
    pub broken: u64,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash over all outputs of all nodes.
    pub fingerprint: u64,
    /// All crash points of the scenario and of the time until the world was quiescent.
    pub crash_points: Vec<CrashPoint>,
    /// How much a byzantine node has affected the honest ones: faults counted, rows that can never be delivered, and
    /// its texts that did not arrive.
    pub effects: u64,
    /// The virtual time of the run.
    pub virtual_time: Millis,
}

/// A run that has violated a property.
#[derive(Debug)]
pub struct Failure {
    /// The run.
    pub run: Run,
    /// What was violated.
    pub why: String,
    /// What happened, one line each.
    pub trace: Vec<String>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --seed {}", self.scenario.name, self.seed)?;
        if self.faulty {
            f.write_str(" --faulty")?;
        }
        if self.cipher == Cipher::Signal {
            f.write_str(" --signal")?;
        }
        if let Some(byzantine) = self.byzantine {
            write!(f, " --byzantine {byzantine}")?;
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
    /// A scenario without faults but its own.
    pub fn fault_free(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            seed: 1,
            faulty: false,
            crash: None,
            cipher: Cipher::Transparent,
            byzantine: None,
            #[cfg(feature = "sabotage")]
            broken: 0,
        }
    }

    /// A scenario with the faults of a seed.
    pub fn faulty(scenario: &'static Scenario, seed: u64) -> Self {
        Self {
            seed,
            faulty: true,
            ..Self::fault_free(scenario)
        }
    }

    /// A scenario with a crash.
    pub fn crashing(scenario: &'static Scenario, crash: CrashPoint) -> Self {
        Self {
            crash: Some(crash),
            ..Self::fault_free(scenario)
        }
    }

    /// The same with one more node, which is byzantine.
    #[must_use]
    pub fn with_byzantine(self, byzantine: ByzantineFault) -> Self {
        Self {
            byzantine: Some(byzantine),
            ..self
        }
    }

    /// The same with libsignal.
    #[must_use]
    pub fn over_signal(self) -> Self {
        Self {
            cipher: Cipher::Signal,
            ..self
        }
    }
}

impl Run {
    /// The source of its faults.
    pub fn choices(self) -> Choices {
        match self.scenario.faults() {
            _ if self.faulty => Choices::seeded(self.seed),
            Some(faults) => Choices::of(self.seed, faults),
            None => Choices::harmless(),
        }
    }

    /// Whether there are faults besides the scenario's own.
    fn is_rough(self) -> bool {
        self.faulty || self.byzantine.is_some() || self.scenario.faults().is_some()
    }

    fn world(self, choices: Choices) -> World {
        match self.byzantine {
            None => self.scenario.world(self.cipher, self.seed, choices),
            Some(byzantine) => self
                .scenario
                .world_with_byzantine(byzantine, self.cipher, self.seed, choices),
        }
    }
}

/// Plays a scenario. A run that fails is played again to record its timeline.
pub fn run(run: Run) -> Result<Outcome, Failure> {
    play(run, run.choices()).0.map_err(|why| Failure {
        run,
        why,
        trace: timeline(run, run.choices()).columns(),
    })
}

/// Plays a scenario with these choices, and returns those that it has made.
pub fn play(run: Run, choices: Choices) -> (Result<Outcome, String>, Vec<Choice>) {
    let mut world = run.world(choices);
    let verdict = execute(run, &mut world);
    (verdict, world.choices().to_vec())
}

/// The timeline of a run.
pub fn timeline(run: Run, choices: Choices) -> Timeline {
    let mut world = run.world(choices);
    world.keep_timeline();
    let _ = execute(run, &mut world);
    world.timeline()
}

/// A violated property is a panic, of the world or of a node. Here it becomes a value.
fn execute(run: Run, world: &mut World) -> Result<Outcome, String> {
    let began = world.now();
    world.keep_fingerprint();
    world.crash = run.crash;
    world.timing_sensitive = run.scenario.is_timing_sensitive();
    world.fault_free = !run.is_rough() && run.crash.is_none();
    #[cfg(feature = "sabotage")]
    {
        world.broken = run.broken;
    }
    let scenario = || {
        world.start();
        world.start_byzantine_traffic();
        let interpreter = run.scenario.execute(world);
        world.note(|| "the scenario is over; no more faults".to_owned());
        world.quiesce(run.scenario.friends);
        if let Some(interpreter) = interpreter {
            interpreter.check_end(world);
        }
        let crash_points = world.crash_points();
        world.note(|| "quiescent; final texts".to_owned());
        world.exchange_final_texts(run.scenario.friends);
        if !run.is_rough() {
            // With faults, an honest peer may be too slow.
            world.check_no_peer_faults();
        }
        let effects = if run.byzantine.is_some() {
            world.check_honest_nodes()
        } else {
            world.check_quiescence();
            if run.crash.is_none() {
                world.check_recovery();
            }
            0
        };
        world.conclude(run.scenario.friends);
        (crash_points, effects)
    };
    let (crash_points, effects) = catch_panic(scenario)?;
    Ok(Outcome {
        fingerprint: world.fingerprint().unwrap_or_default(),
        crash_points,
        effects,
        virtual_time: Millis(world.now().0 - began.0),
    })
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Catches a panic without printing it: shrinking causes thousands.
pub fn catch_panic<T>(scenario: impl FnOnce() -> T) -> Result<T, String> {
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
    let caught = catch_unwind(AssertUnwindSafe(scenario));
    QUIET.set(before);
    caught.map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
        .to_owned()
}

/// Every crash that a scenario can have.
pub fn crash_points(scenario: &'static Scenario) -> Result<Vec<CrashPoint>, Failure> {
    Ok(run(Run::fault_free(scenario))?.crash_points)
}
