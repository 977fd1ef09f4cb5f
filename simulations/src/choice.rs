//! The one source of choice. Whatever a world does not have to do in one way, it asks here: how long bytes travel, where
//! they are split, whether a dial is refused. 0 always means that nothing bad happens, so a failing run is made simpler by
//! deleting and lowering its choices (`shrink`), and what is left is short enough to keep ([`Plan`]).
//!
//! Four things can feed it: a seed, for many worlds; the bytes of a fuzzer; a plan, to repeat one world; and an
//! [`Odometer`](crate::Odometer), for all worlds with at most so many faults of some kinds.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::Entropy;

/// A choice that was made: what it was about, among how many, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What it was about.
    pub label: &'static str,
    /// Among how many.
    pub among: u32,
    /// Which; 0 is harmless.
    pub value: u32,
}

/// The choices of a run that are not harmless: by label and by how many of that label were made before.
///
/// It is sparse and counts each label by itself, so that a plan keeps its meaning when a world asks for more.
pub type Plan = BTreeMap<(String, u32), u32>;

/// Kinds of faults, and in how many times each happens once.
pub type Faults = BTreeMap<&'static str, u32>;

/// A kind of fault that chance makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the choice is labelled with.
    pub label: &'static str,
    /// What happens.
    pub what: &'static str,
}

const fn fault(label: &'static str, what: &'static str) -> Fault {
    Fault { label, what }
}

/// Every kind.
pub const FAULTS: &[Fault] = &[
    fault("bootstrap", "a service is not found for some time after its start"),
    fault("bytes lost", "what a dying node has sent does not arrive"),
    fault("clock at start", "a wall clock is wrong after a start"),
    fault("clock jump", "a wall clock jumps"),
    fault("crash", "a node dies when it is asked for an output"),
    fault("cut", "a link is cut while something is sent"),
    fault(
        "disk trouble",
        "a disk is full, busy, unreadable or failing for a while",
    ),
    fault("drained later", "a driver asks late what its node wants"),
    fault("drift", "a machine's clocks run too fast or too slow"),
    fault("half-open", "one end learns late that a link is over"),
    fault("hostile bytes", "bytes are changed, dropped, doubled, cut short or old"),
    fault("late alarm", "an alarm comes five seconds late"),
    fault("latency", "bytes travel as slowly as through Tor"),
    fault("refused dial", "a dial is refused"),
    fault("rendezvous", "a dial takes as long as through Tor"),
    fault("slow disk", "a commit takes a second and a half"),
    fault("slow drain", "a socket takes bytes slowly"),
    fault("slow hangup", "a link's end is told late"),
    fault("split", "bytes arrive in two pieces"),
    fault("suspend", "a machine is put to sleep"),
];

impl Fault {
    /// As scenario files have it.
    pub fn key(self) -> String {
        self.label.replace(' ', "-")
    }
}

/// What more has to be chosen once a fault happens.
const DETAILS: [&str; 8] = [
    "clock",
    "hostile deed",
    "hostile place",
    "lasting",
    "nap",
    "split where",
    "torn commit",
    "trouble",
];

/// Makes choices and remembers them.
pub struct Choices {
    source: Source,
    made: Vec<Choice>,
}

enum Source {
    Calm,
    Seed {
        entropy: Box<Entropy>,
        /// Swarm testing (Groce et al., ISSTA 2012): each run leaves a random half of the faults out, so that rare faults
        /// also meet without the common ones.
        left_out: BTreeMap<&'static str, bool>,
    },
    /// Some kinds of faults, and no others.
    Faults {
        entropy: Box<Entropy>,
        faults: &'static Faults,
    },
    Bytes(std::vec::IntoIter<u8>),
    Plan {
        plan: Plan,
        asked: BTreeMap<&'static str, u32>,
    },
    Odometer(Digits),
}

/// What an odometer shows to one run.
pub struct Digits {
    labels: BTreeSet<&'static str>,
    shown: std::vec::IntoIter<u32>,
}

impl Digits {
    /// These, for choices of these labels.
    pub fn new(labels: BTreeSet<&'static str>, shown: Vec<u32>) -> Self {
        let shown = shown.into_iter();
        Self { labels, shown }
    }

    fn next(&mut self, label: &str, among: u32) -> u32 {
        if !self.labels.contains(label) {
            return 0;
        }
        self.shown.next().unwrap_or(0).min(among - 1)
    }
}

impl Choices {
    /// Nothing bad happens.
    pub fn calm() -> Self {
        Self::from(Source::Calm)
    }

    /// As the seed has it.
    pub fn seeded(seed: u64) -> Self {
        Self::from(Source::Seed {
            entropy: Box::new(entropy(seed)),
            left_out: BTreeMap::new(),
        })
    }

    /// As the seed has it, among these faults.
    pub fn of(seed: u64, faults: &'static Faults) -> Self {
        Self::from(Source::Faults {
            entropy: Box::new(entropy(seed)),
            faults,
        })
    }

    /// As a fuzzer's bytes have it, a byte or two for each choice; harmless ones when those run out.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self::from(Source::Bytes(bytes.into_iter()))
    }

    /// As they were made before; harmless ones where the plan has none.
    pub fn planned(plan: Plan) -> Self {
        Self::from(Source::Plan {
            plan,
            asked: BTreeMap::new(),
        })
    }

    /// As they were made before, all of them.
    pub fn made_before(made: &[Choice]) -> Self {
        Self::planned(plan_of(made))
    }

    /// As an odometer shows them.
    pub(crate) fn counted(digits: Digits) -> Self {
        Self::from(Source::Odometer(digits))
    }

    fn from(source: Source) -> Self {
        Self {
            source,
            made: Vec::new(),
        }
    }

    /// A number below `among`.
    pub fn choose(&mut self, label: &'static str, among: u32) -> u32 {
        self.make(label, among, |drawn| drawn % among)
    }

    /// True about once in `odds` times, if that is left to chance.
    pub fn rarely(&mut self, label: &'static str, odds: u32) -> bool {
        self.make(label, 2, |drawn| u32::from(drawn % odds == odds - 1)) == 1
    }

    /// `settle` makes the choice of a number that is drawn evenly.
    fn make(&mut self, label: &'static str, among: u32, settle: impl Fn(u32) -> u32) -> u32 {
        let value = match &mut self.source {
            // Nothing to remember: large worlds that are calm make a great many.
            Source::Calm => return 0,
            Source::Seed { entropy, left_out } => {
                let left_out = *left_out.entry(label).or_insert_with(|| entropy.below(2) == 0);
                let drawn = u32::try_from(entropy.below(1 << 32)).expect("32 bits");
                if left_out { 0 } else { settle(drawn) }
            }
            Source::Faults { entropy, faults } => {
                let mut below = |end: u32| u32::try_from(entropy.below(u64::from(end))).expect("32 bits");
                match faults.get(label) {
                    Some(odds) if among > 1 && below(*odds) == 0 => 1 + below(among - 1),
                    None if DETAILS.contains(&label) => below(among),
                    _ => 0,
                }
            }
            Source::Bytes(bytes) => {
                let mut next = || bytes.next().map_or(0, u32::from);
                let drawn = if among > 256 { next() << 8 | next() } else { next() };
                settle(drawn)
            }
            Source::Plan { plan, asked } => {
                let nth = asked.entry(label).or_default();
                *nth += 1;
                plan.get(&(label.to_owned(), *nth - 1))
                    .map_or(0, |value| *value.min(&(among - 1)))
            }
            Source::Odometer(digits) => digits.next(label, among),
        };
        self.made.push(Choice { label, among, value });
        value
    }

    /// Every choice so far.
    pub fn made(&self) -> &[Choice] {
        &self.made
    }
}

fn entropy(seed: u64) -> Entropy {
    let mut bytes = *b"sotto simulation choices........";
    bytes[24..].copy_from_slice(&seed.to_le_bytes());
    Entropy::from_seed(bytes)
}

/// What of these choices is not harmless.
pub fn plan_of(made: &[Choice]) -> Plan {
    let mut asked = BTreeMap::<&str, u32>::new();
    let mut plan = Plan::new();
    for choice in made {
        let nth = asked.entry(choice.label).or_default();
        if choice.value > 0 {
            plan.insert((choice.label.to_owned(), *nth), choice.value);
        }
        *nth += 1;
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(choices: &mut Choices) -> Vec<u32> {
        (0..100)
            .map(|n| match n % 4 {
                0 => u32::from(choices.rarely("rare", 5)),
                n => choices.choose(["a", "b", "c"][n - 1], 10),
            })
            .collect()
    }

    #[test]
    fn a_plan_makes_the_same_choices_as_the_seed_it_was_made_from() {
        // Of ten seeds, some leave a label out and some do not.
        let drawn: Vec<_> = (0..10).map(|seed| draw(&mut Choices::seeded(seed))).collect();
        assert!(drawn.iter().any(|values| values.iter().any(|v| *v > 0)));
        for (seed, values) in (0..10).zip(drawn) {
            let mut choices = Choices::seeded(seed);
            assert_eq!(draw(&mut choices), values);
            let plan = plan_of(choices.made());
            assert_eq!(plan.len(), values.iter().filter(|value| **value > 0).count());
            assert_eq!(draw(&mut Choices::planned(plan)), values);
        }
        assert_eq!(draw(&mut Choices::calm()), [0; 100]);
    }

    #[test]
    fn bytes_choose_until_they_run_out() {
        let drawn = draw(&mut Choices::from_bytes(vec![4, 11, 12, 13, 5]));
        assert_eq!(drawn[..5], [1, 1, 2, 3, 0]);
        assert!(drawn[5..].iter().all(|value| *value == 0));
    }
}
