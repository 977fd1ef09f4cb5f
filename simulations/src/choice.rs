//! The one source of choice. Whatever a world does not have to do in one way, it asks here: how long bytes travel, where
//! they are split, whether a dial is refused. 0 always means that nothing bad happens, so a failing run is made simpler by
//! deleting and lowering its choices (`shrink`), and what is left is short enough to keep ([`Plan`]).
//!
//! Four things can feed it: a seed, for many worlds; the bytes of a fuzzer; a plan, to repeat one world; and an
//! [`Odometer`](crate::Odometer), for all worlds with at most so many faults of some kinds.

use std::collections::BTreeMap;

use sotto_core::Entropy;

use crate::odometer::Digits;

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
    Bytes(std::vec::IntoIter<u8>),
    Plan {
        plan: Plan,
        asked: BTreeMap<&'static str, u32>,
    },
    Odometer(Digits),
}

impl Choices {
    /// Nothing bad happens.
    pub fn calm() -> Self {
        Self::from(Source::Calm)
    }

    /// As the seed has it.
    pub fn seeded(seed: u64) -> Self {
        let mut bytes = *b"sotto simulation choices........";
        bytes[24..].copy_from_slice(&seed.to_le_bytes());
        Self::from(Source::Seed {
            entropy: Box::new(Entropy::from_seed(bytes)),
            left_out: BTreeMap::new(),
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
            Source::Calm => 0,
            Source::Seed { entropy, left_out } => {
                let left_out = *left_out.entry(label).or_insert_with(|| entropy.below(2) == 0);
                let drawn = u32::try_from(entropy.below(1 << 32)).expect("32 bits");
                if left_out { 0 } else { settle(drawn) }
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
