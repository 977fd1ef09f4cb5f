//! [`shrink()`]: simplifies a failing run. Choices are deleted, many at a time and then one by one, and lowered, until
//! the run fails no longer without any of them.

use crate::choice::{Choices, Plan};
use crate::run::play;
use crate::trace::Trace;

/// The most runs that shrinking may take.
const PATIENCE: u32 = 3000;

/// A trace that violates the same property with as few choices as can be found. The run must have failed.
pub fn shrink(trace: &Trace) -> Trace {
    let mut search = Search {
        best: trace.clone(),
        rule: rule(&trace.why).to_owned(),
        left: PATIENCE,
    };
    search.drop_labels();
    loop {
        let before = (search.best.plan.clone(), search.left);
        search.delete();
        search.lower();
        if search.best.plan == before.0 || search.left == 0 {
            return search.best;
        }
    }
}

/// Which property was violated, without the time and the details.
fn rule(why: &str) -> &str {
    let what = why.split_once(": ").map_or(why, |(_, what)| what);
    what.split_once(':').map_or(what, |(rule, _)| rule)
}

struct Search {
    best: Trace,
    rule: String,
    left: u32,
}

impl Search {
    /// Keeps the plan if it violates the same property.
    fn tries(&mut self, plan: Plan) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        match play(self.best.run, Choices::planned(plan.clone())).0 {
            Err(why) if rule(&why) == self.rule => {
                (self.best.plan, self.best.why) = (plan, why);
                true
            }
            _ => false,
        }
    }

    /// Drops all choices of one label.
    fn drop_labels(&mut self) {
        let mut labels: Vec<String> = self.best.plan.keys().map(|(label, _)| label.clone()).collect();
        labels.dedup();
        for label in labels {
            let mut plan = self.best.plan.clone();
            plan.retain(|(of, _), _| *of != label);
            self.tries(plan);
        }
    }

    /// Deletes ranges of choices, from half of all down to single ones.
    fn delete(&mut self) {
        let mut length = self.best.plan.len().div_ceil(2);
        while length > 0 {
            let mut from = 0;
            while from < self.best.plan.len() {
                let places = self.best.plan.iter().enumerate();
                let kept = places.filter(|(place, _)| !(from..from + length).contains(place));
                let plan = kept.map(|(_, (name, value))| (name.clone(), *value)).collect();
                if !self.tries(plan) {
                    from += length;
                }
            }
            length /= 2;
        }
    }

    /// Lowers to 1, else to half, else by one.
    fn lower(&mut self) {
        for name in self.best.plan.keys().cloned().collect::<Vec<_>>() {
            while let Some(value) = self.best.plan.get(&name).copied().filter(|value| *value > 1) {
                let lowered = [1, value / 2, value - 1].into_iter().any(|lower| {
                    let mut plan = self.best.plan.clone();
                    plan.insert(name.clone(), lower);
                    self.tries(plan)
                });
                if !lowered {
                    break;
                }
            }
        }
    }
}
