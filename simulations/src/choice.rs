//! [`Choices`]: the only source of nondeterminism of a world, as a choice sequence: how long bytes travel, where they
//! are split, whether a dial is refused. 0 is always the harmless choice, so a failing run is made simpler by deleting
//! and lowering its choices (`shrink`), and the rest is short enough to keep ([`Plan`]).
//!
//! There are four sources: a seed, for many worlds; the bytes of a fuzzer; a plan, to repeat one world; and an
//! [`Enumeration`](crate::Enumeration), for all worlds with at most so many faults of some kinds.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::Entropy;

/// A choice that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What it was about.
    pub label: &'static str,
    /// How many alternatives there were.
    pub among: u32,
    /// Which was chosen; 0 is harmless.
    pub value: u32,
}

/// The choices of a run that are not harmless: by label, and by how many choices of that label came before.
///
/// It is sparse and counts each label separately, so that a plan keeps its meaning when a world makes more choices.
pub type Plan = BTreeMap<(String, u32), u32>;

/// Kinds of faults, each with its odds: it happens once in so many times.
pub type Faults = BTreeMap<&'static str, u32>;

/// A fault of the environment that a choice can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvironmentFault {
    /// The label of the choice.
    pub label: &'static str,
    /// What happens.
    pub what: &'static str,
}

const fn fault(label: &'static str, what: &'static str) -> EnvironmentFault {
    EnvironmentFault { label, what }
}

/// Every kind.
pub const ENVIRONMENT_FAULTS: &[EnvironmentFault] = &[
    fault("bootstrap", "a service is not found for some time after its start"),
    fault("bytes lost", "what a dying node has sent does not arrive"),
    fault("clock at start", "a wall clock is wrong after a start"),
    fault("clock jump", "a wall clock jumps"),
    fault("crash", "a node dies when it is asked for an output"),
    fault("cut", "a link is cut while something is sent"),
    fault("disk fault", "a disk is full, busy, unreadable or failing for a while"),
    fault("late drain", "a driver asks late what its node wants"),
    fault("drift", "a machine's clocks run too fast or too slow"),
    fault("features", "a node starts with another set of features"),
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

impl EnvironmentFault {
    /// The name in scenario files.
    pub fn key(self) -> String {
        self.label.replace(' ', "-")
    }
}

/// The details that are chosen once a fault happens.
const DETAILS: [&str; 8] = [
    "clock",
    "hostile change",
    "hostile place",
    "disk fault time",
    "suspend time",
    "split where",
    "torn commit",
    "disk fault kind",
];

/// Makes choices and keeps them.
pub struct Choices {
    source: Source,
    made: Vec<Choice>,
}

enum Source {
    Harmless,
    Seed {
        entropy: Box<Entropy>,
        /// Swarm testing (Groce et al., ISSTA 2012): each run leaves a random half of the faults out, so that rare
        /// faults also occur without the common ones.
        left_out: BTreeMap<&'static str, bool>,
    },
    /// These kinds of faults, and no others.
    Faults {
        entropy: Box<Entropy>,
        faults: &'static Faults,
    },
    Bytes(std::vec::IntoIter<u8>),
    Plan {
        plan: Plan,
        asked: BTreeMap<&'static str, u32>,
    },
    Enumeration(Prefix),
}

/// The first choices of an enumerated run.
pub struct Prefix {
    labels: BTreeSet<&'static str>,
    values: std::vec::IntoIter<u32>,
}

impl Prefix {
    /// These values, for choices of these labels.
    pub fn new(labels: BTreeSet<&'static str>, values: Vec<u32>) -> Self {
        let values = values.into_iter();
        Self { labels, values }
    }

    fn next(&mut self, label: &str, among: u32) -> u32 {
        if !self.labels.contains(label) {
            return 0;
        }
        self.values.next().unwrap_or(0).min(among - 1)
    }
}

impl Choices {
    /// Only harmless choices.
    pub fn harmless() -> Self {
        Self::from(Source::Harmless)
    }

    /// As the seed decides.
    pub fn seeded(seed: u64) -> Self {
        Self::from(Source::Seed {
            entropy: Box::new(entropy(seed)),
            left_out: BTreeMap::new(),
        })
    }

    /// As the seed decides, among these faults.
    pub fn of(seed: u64, faults: &'static Faults) -> Self {
        Self::from(Source::Faults {
            entropy: Box::new(entropy(seed)),
            faults,
        })
    }

    /// As a fuzzer's bytes decide, one or two bytes for each choice. Harmless once they run out.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self::from(Source::Bytes(bytes.into_iter()))
    }

    /// As the plan says. Harmless where it says nothing.
    pub fn planned(plan: Plan) -> Self {
        Self::from(Source::Plan {
            plan,
            asked: BTreeMap::new(),
        })
    }

    /// The same choices again.
    pub fn made_before(made: &[Choice]) -> Self {
        Self::planned(plan_of(made))
    }

    /// As an enumeration decides.
    pub(crate) fn enumerated(prefix: Prefix) -> Self {
        Self::from(Source::Enumeration(prefix))
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

    /// True about once in `odds` times, if a seed or a fuzzer decides.
    pub fn one_in(&mut self, label: &'static str, odds: u32) -> bool {
        self.make(label, 2, |drawn| u32::from(drawn % odds == odds - 1)) == 1
    }

    /// `reduce` maps a uniformly drawn number to a choice.
    fn make(&mut self, label: &'static str, among: u32, reduce: impl Fn(u32) -> u32) -> u32 {
        let value = match &mut self.source {
            // Not kept: large worlds without faults make a great many.
            Source::Harmless => return 0,
            Source::Seed { entropy, left_out } => {
                let left_out = *left_out.entry(label).or_insert_with(|| entropy.below(2) == 0);
                let drawn = u32::try_from(entropy.below(1 << 32)).expect("32 bits");
                if left_out { 0 } else { reduce(drawn) }
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
                reduce(drawn)
            }
            Source::Plan { plan, asked } => {
                let nth = asked.entry(label).or_default();
                *nth += 1;
                plan.get(&(label.to_owned(), *nth - 1))
                    .map_or(0, |value| *value.min(&(among - 1)))
            }
            Source::Enumeration(prefix) => prefix.next(label, among),
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

/// The choices that are not harmless.
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
                0 => u32::from(choices.one_in("rare", 5)),
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
        assert_eq!(draw(&mut Choices::harmless()), [0; 100]);
    }

    #[test]
    fn bytes_choose_until_they_run_out() {
        let drawn = draw(&mut Choices::from_bytes(vec![4, 11, 12, 13, 5]));
        assert_eq!(drawn[..5], [1, 1, 2, 3, 0]);
        assert!(drawn[5..].iter().all(|value| *value == 0));
    }
}
