//! All worlds with at most so many faults of some kinds, one after the other: the last choice is counted up first, as on an
//! odometer, and what follows it begins anew.

use std::collections::BTreeSet;

use crate::choice::{Choice, Choices, Digits};

/// Counts through the choices of some labels; all others stay harmless.
pub struct Odometer {
    labels: BTreeSet<&'static str>,
    /// Most choices that are not harmless.
    faults: usize,
    shown: Option<Vec<u32>>,
}

impl Odometer {
    /// From the world without a fault on.
    pub fn new(labels: impl IntoIterator<Item = &'static str>, faults: usize) -> Self {
        Self {
            labels: labels.into_iter().collect(),
            faults,
            shown: Some(Vec::new()),
        }
    }

    /// The choices of the next run; `None` when all have been.
    pub fn choices(&self) -> Option<Choices> {
        let digits = Digits::new(self.labels.clone(), self.shown.clone()?);
        Some(Choices::counted(digits))
    }

    /// Counts on from what that run has chosen.
    pub fn count(&mut self, made: &[Choice]) {
        let made: Vec<_> = made
            .iter()
            .filter(|choice| self.labels.contains(choice.label))
            .collect();
        let turns = |place: &usize| {
            let before = made[..*place].iter().filter(|choice| choice.value > 0).count();
            made[*place].value + 1 < made[*place].among && before < self.faults
        };
        self.shown = (0..made.len()).rev().find(turns).map(|place| {
            let mut shown: Vec<u32> = made[..=place].iter().map(|choice| choice.value).collect();
            shown[place] += 1;
            shown
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sequence that a "world" with three choices can make; the third is asked for only after a harmless second.
    fn all(faults: usize) -> Vec<Vec<u32>> {
        let mut odometer = Odometer::new(["a", "b"], faults);
        let mut seen = Vec::new();
        while let Some(mut choices) = odometer.choices() {
            let mut values = vec![
                choices.choose("a", 3),
                choices.choose("other", 9),
                choices.choose("b", 2),
            ];
            if values[2] == 0 {
                values.push(choices.choose("a", 2));
            }
            seen.push(values);
            odometer.count(choices.made());
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
