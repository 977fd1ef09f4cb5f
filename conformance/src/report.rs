//! [`Report`]: the results of a run.

use std::fmt;

/// What was expected, and what the target did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the clause requires.
    pub expected: String,
    /// What the target did.
    pub actual: String,
}

impl Failure {
    /// A failure.
    pub fn new(expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            actual: actual.into(),
        }
    }
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target keeps the clause.
    Passed,
    /// It violates the clause.
    Failed(Failure),
    /// Skipped, because slow cases were not requested.
    Slow,
    /// Skipped, because no invite is left for the contact that it needs.
    NoInvite,
}

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// Its section of PROTOCOL.md.
    pub section: &'static str,
    /// Its id: a clause's number and its own.
    pub id: &'static str,
    /// What it checks.
    pub claim: &'static str,
    /// The outcome.
    pub outcome: Outcome,
}

/// The results of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every case, in the suite's order.
    pub results: Vec<CaseResult>,
}

impl Report {
    /// Whether the target passes: no case has failed, and only slow cases were skipped.
    pub fn passed(&self) -> bool {
        let expected = |result: &CaseResult| matches!(result.outcome, Outcome::Passed | Outcome::Slow);
        !self.results.is_empty() && self.results.iter().all(expected)
    }

    /// How many outcomes satisfy the predicate.
    pub fn count(&self, predicate: impl Fn(&Outcome) -> bool) -> usize {
        self.results.iter().filter(|result| predicate(&result.outcome)).count()
    }
}

impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match &self.outcome {
            Outcome::Passed => '✔',
            Outcome::Failed(_) => '✗',
            Outcome::Slow | Outcome::NoInvite => '–',
        };
        write!(f, "    {mark} {:<7} {}", self.id, self.claim)?;
        match &self.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(Failure { expected, actual }) => {
                write!(f, "\n        expected: {expected}\n        actual:     {actual}")
            }
            Outcome::Slow => f.write_str(" (slow: left out)"),
            Outcome::NoInvite => f.write_str(" (needs another invite: left out)"),
        }
    }
}

/// The summary link.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.count(|outcome| *outcome == Outcome::Passed);
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        write!(f, "{} cases: {passed} passed, {failed} failed", self.results.len())?;
        for (outcome, what) in [(Outcome::Slow, "slow"), (Outcome::NoInvite, "without an invite")] {
            match self.count(|other| *other == outcome) {
                0 => {}
                left_out => write!(f, ", {left_out} left out ({what})")?,
            }
        }
        Ok(())
    }
}
