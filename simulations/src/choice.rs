//! The one source of choice. Whatever a world does not have to do in one way, it asks here: how long bytes travel, where
//! they are split, whether a dial is refused. 0 always means that nothing bad happens, so a failing run is made simpler by
//! lowering its choices.

use std::collections::BTreeMap;

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
    Recorded(std::vec::IntoIter<u32>),
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

    /// As they were made before; harmless ones when those run out.
    pub fn recorded(values: Vec<u32>) -> Self {
        Self::from(Source::Recorded(values.into_iter()))
    }

    fn from(source: Source) -> Self {
        Self {
            source,
            made: Vec::new(),
        }
    }

    /// A number below `among`.
    pub fn choose(&mut self, label: &'static str, among: u32) -> u32 {
        let value = match &mut self.source {
            Source::Calm => 0,
            Source::Seed { entropy, left_out } => {
                let left_out = *left_out.entry(label).or_insert_with(|| entropy.below(2) == 0);
                if left_out {
                    0
                } else {
                    u32::try_from(entropy.below(u64::from(among))).expect("below a u32")
                }
            }
            Source::Recorded(values) => values.next().unwrap_or(0).min(among.saturating_sub(1)),
        };
        self.made.push(Choice { label, among, value });
        value
    }

    /// True about once in `among` times.
    pub fn rarely(&mut self, label: &'static str, among: u32) -> bool {
        self.choose(label, among) == among - 1
    }

    /// Every choice so far.
    pub fn made(&self) -> &[Choice] {
        &self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(choices: &mut Choices) -> Vec<u32> {
        (0..100).map(|n| choices.choose(["a", "b", "c"][n % 3], 10)).collect()
    }

    #[test]
    fn a_recorded_run_makes_the_same_choices_as_the_seed_it_was_recorded_from() {
        // Of ten seeds, some leave a label out and some do not.
        let drawn: Vec<_> = (0..10).map(|seed| draw(&mut Choices::seeded(seed))).collect();
        assert!(drawn.iter().any(|values| values.iter().any(|v| *v > 0)));
        for (seed, values) in (0..10).zip(drawn) {
            assert_eq!(draw(&mut Choices::seeded(seed)), values);
            assert_eq!(draw(&mut Choices::recorded(values.clone())), values);
        }
        assert_eq!(draw(&mut Choices::calm()), [0; 100]);
    }
}
