//! What a run of the suite came to, for people.

use std::fmt;

/// What was expected, and what came instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the clause asks for.
    pub expected: String,
    /// What the target did.
    pub came: String,
}

impl Failure {
    /// Of these.
    pub fn new(expected: impl Into<String>, came: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            came: came.into(),
        }
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target does as the clause says.
    Passed,
    /// It does not.
    Failed(Failure),
    /// It is a slow case, and nobody asked for those.
    Slow,
    /// There was no invite to become a friend with.
    Uninvited,
}

/// One case of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its section of PROTOCOL.md.
    pub section: &'static str,
    /// Its id: a clause's number and its own.
    pub id: &'static str,
    /// What it says of the target.
    pub says: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every case, in the suite's order.
    pub lines: Vec<Line>,
}

impl Report {
    /// Whether the target passes: no case has failed, and none but slow ones was left out.
    pub fn passed(&self) -> bool {
        let right = |line: &Line| matches!(line.outcome, Outcome::Passed | Outcome::Slow);
        !self.lines.is_empty() && self.lines.iter().all(right)
    }

    /// How many cases came to such an outcome.
    pub fn count(&self, such: impl Fn(&Outcome) -> bool) -> usize {
        self.lines.iter().filter(|line| such(&line.outcome)).count()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match &self.outcome {
            Outcome::Passed => '✔',
            Outcome::Failed(_) => '✗',
            Outcome::Slow | Outcome::Uninvited => '–',
        };
        write!(f, "    {mark} {:<7} {}", self.id, self.says)?;
        match &self.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(Failure { expected, came }) => {
                write!(f, "\n        expected: {expected}\n        came:     {came}")
            }
            Outcome::Slow => f.write_str(" (slow: left out)"),
            Outcome::Uninvited => f.write_str(" (needs another invite: left out)"),
        }
    }
}

/// The summary line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.count(|outcome| *outcome == Outcome::Passed);
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        write!(f, "{} cases: {passed} passed, {failed} failed", self.lines.len())?;
        for (outcome, what) in [(Outcome::Slow, "slow"), (Outcome::Uninvited, "without an invite")] {
            match self.count(|other| *other == outcome) {
                0 => {}
                left_out => write!(f, ", {left_out} left out ({what})")?,
            }
        }
        Ok(())
    }
}
