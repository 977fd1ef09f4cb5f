//! [`Enumeration`]: all worlds with at most so many faults of some kinds, one after the other, depth first. The last
//! choice is increased first, and the choices after it start again at 0.

use std::collections::BTreeSet;

use crate::choice::{Choice, Choices, Prefix};

/// Enumerates the choices of some labels. All others stay harmless.
pub struct Enumeration {
    labels: BTreeSet<&'static str>,
    /// The most choices that are not harmless.
    faults: usize,
    next: Option<Vec<u32>>,
}

impl Enumeration {
    /// Begins with the world without a fault.
    pub fn new(labels: impl IntoIterator<Item = &'static str>, faults: usize) -> Self {
        Self {
            labels: labels.into_iter().collect(),
            faults,
            next: Some(Vec::new()),
        }
    }

    /// The choices of the next run; `None` after the last.
    pub fn choices(&self) -> Option<Choices> {
        let prefix = Prefix::new(self.labels.clone(), self.next.clone()?);
        Some(Choices::enumerated(prefix))
    }

    /// Goes on after a run that has made these choices.
    pub fn advance(&mut self, made: &[Choice]) {
        let made: Vec<_> = made
            .iter()
            .filter(|choice| self.labels.contains(choice.label))
            .collect();
        let can_increase = |place: &usize| {
            let before = made[..*place].iter().filter(|choice| choice.value > 0).count();
            made[*place].value + 1 < made[*place].among && before < self.faults
        };
        self.next = (0..made.len()).rev().find(can_increase).map(|place| {
            let mut next: Vec<u32> = made[..=place].iter().map(|choice| choice.value).collect();
            next[place] += 1;
            next
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sequence of a "world" with three choices. The third is made only after a harmless second.
    fn all(faults: usize) -> Vec<Vec<u32>> {
        let mut enumeration = Enumeration::new(["a", "b"], faults);
        let mut seen = Vec::new();
        while let Some(mut choices) = enumeration.choices() {
            let mut values = vec![
                choices.choose("a", 3),
                choices.choose("other", 9),
                choices.choose("b", 2),
            ];
            if values[2] == 0 {
                values.push(choices.choose("a", 2));
            }
            seen.push(values);
            enumeration.advance(choices.made());
        }
        seen
    }

    #[test]
    fn every_world_is_seen_once() {
        let with = |faults: usize| {
            let mut expected = Vec::new();
            for first in 0..3 {
                expected.extend([vec![first, 0, 0, 0], vec![first, 0, 0, 1], vec![first, 0, 1]]);
            }
            expected.retain(|values| values.iter().filter(|value| **value > 0).count() <= faults);
            expected
        };
        for faults in 0..4 {
            assert_eq!(all(faults), with(faults));
        }
    }
}
