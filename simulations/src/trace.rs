//! [`Trace`]: a run as text: which scenario, and its choices that are not harmless. Short enough to read, to send and
//! to keep.
//!
//! ```text
//! # no loss is broken: …
//! cut_in_the_middle --seed 7 --faulty
//! cut 3 = 1
//! slow link 12 = 4
//! ```

use std::fmt;
use std::str::FromStr;

use crate::choice::{Choice, Choices, Plan, plan_of};
use crate::run::{Outcome, Run, play};
use crate::scenario::Scenario;
use crate::world::{CrashPoint, InFlight};

/// A run, and its choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The run.
    pub run: Run,
    /// The choices that are not harmless.
    pub plan: Plan,
    /// What it has violated.
    pub why: String,
}

/// The text is not a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError(pub String);

impl Trace {
    /// Plays it.
    pub fn play(&self) -> Result<Outcome, String> {
        play(self.run, Choices::planned(self.plan.clone())).0
    }

    /// The trace of a run that has made these choices.
    pub fn made(run: Run, made: &[Choice], why: String) -> Self {
        let plan = plan_of(made);
        Self { run, plan, why }
    }

    /// Plays a run and returns its trace.
    pub fn of(run: Run) -> (Result<Outcome, String>, Self) {
        let (verdict, made) = play(run, run.choices());
        let why = verdict.as_ref().err().cloned().unwrap_or_default();
        (verdict, Self::made(run, &made, why))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.why.lines() {
            writeln!(f, "# {line}")?;
        }
        writeln!(f, "{}", self.run)?;
        for ((label, nth), value) in &self.plan {
            writeln!(f, "{label} {nth} = {value}")?;
        }
        Ok(())
    }
}

impl FromStr for Trace {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        let comments = text.lines().filter_map(|line| line.strip_prefix("# "));
        let why = comments.collect::<Vec<_>>().join("\n");
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let run = lines.next().unwrap_or_default().parse()?;
        let plan = lines.map(planned).collect::<Result<_, _>>()?;
        Ok(Self { run, plan, why })
    }
}

fn planned(line: &str) -> Result<((String, u32), u32), TraceError> {
    let read = || {
        let (name, value) = line.split_once(" = ")?;
        let (label, nth) = name.rsplit_once(' ')?;
        Some(((label.to_owned(), nth.parse().ok()?), value.parse().ok()?))
    };
    read().ok_or_else(|| TraceError(format!("no choice: {line}")))
}

impl FromStr for Run {
    type Err = TraceError;

    /// As its `Display`: a scenario's name, then options.
    fn from_str(text: &str) -> Result<Self, TraceError> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let scenario = Scenario::find(name).map_err(TraceError)?;
        let mut run = Run::fault_free(scenario);
        while let Some(option) = words.next() {
            let wrong = || TraceError(format!("not understood: {option}"));
            match option {
                "--faulty" => run.faulty = true,
                "--byzantine" => {
                    let byzantine = words.next().and_then(|name| name.parse().ok());
                    run.byzantine = Some(byzantine.ok_or_else(wrong)?);
                }
                "--signal" => run = run.over_signal(),
                "--seed" => run.seed = words.next().and_then(|seed| seed.parse().ok()).ok_or_else(wrong)?,
                #[cfg(feature = "sabotage")]
                "--break" => {
                    run.broken |= crate::rules::named(words.next().unwrap_or_default()).map_err(TraceError)?;
                }
                #[cfg(not(feature = "sabotage"))]
                "--break" => {
                    return Err(TraceError(
                        "rules can be broken only with `--features sabotage`".to_owned(),
                    ));
                }
                "--crash" => run.crash = Some(words.next().ok_or_else(wrong)?.parse()?),
                _ => return Err(wrong()),
            }
        }
        Ok(run)
    }
}

impl FromStr for CrashPoint {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        let read = || {
            let mut parts = text.split(':');
            let name = parts.next()?;
            let point = CrashPoint {
                peer: name.parse().ok()?,
                output: parts.next()?.parse().ok()?,
                in_flight: match parts.next()? {
                    "lost" => InFlight::Lost,
                    "durable" => InFlight::Durable,
                    _ => return None,
                },
                bytes_lost: match parts.next() {
                    None => false,
                    Some("cut") => true,
                    Some(_) => return None,
                },
            };
            parts.next().is_none().then_some(point)
        };
        read().ok_or_else(|| TraceError(format!("no crash point: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_reads_as_it_is_written() {
        let text = "# no loss is broken: \"one\"\none_message --seed 9 --faulty --signal --crash bob:4:durable:cut\n\
                    cut 3 = 1\nslow link 12 = 4\n";
        let trace: Trace = text.parse().expect("a trace");
        assert_eq!(trace.to_string(), text);
        assert_eq!(trace.plan[&("slow link".to_owned(), 12)], 4);
        for wrong in [
            "",
            "no_such_story",
            "one_message --loud",
            "one_message\ncut = 3",
            "one_message --crash eve:1:lost",
        ] {
            assert!(wrong.parse::<Trace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_run_comes_out_the_same_from_its_trace() {
        for seed in [1, 10] {
            let run = Run::faulty(Scenario::named("cut_in_the_middle").expect("in the library"), seed);
            let (outcome, trace) = Trace::of(run);
            let again: Trace = trace.to_string().parse().expect("just written");
            assert!(outcome.is_ok());
            assert_eq!(again.play(), outcome);
        }
    }
}
