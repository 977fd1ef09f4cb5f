//! `sotto-sim run`: many runs with faults, their totals, and the traces of those that failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Campaign, Progress, Scenario, Tally, Trace};

use crate::AGAIN;

#[derive(Args)]
pub struct CampaignArgs {
    /// How many seeds; 10, or without a limit if --hours is given
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first seed
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    from: u64,
    /// Only this scenario or scenario file; can be given more than once
    #[arg(long = "scenario", value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// One in so many runs uses libsignal; 0 is none
    #[arg(long, default_value_t = 10, value_name = "N")]
    signal_every: u64,
    /// One in so many runs has a byzantine node; 0 is none
    #[arg(long, default_value_t = 0, value_name = "N")]
    byzantine_every: u64,
    /// How many runs are played at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Begin no more runs after this long
    #[arg(long)]
    hours: Option<f64>,
    /// Stop when so many runs have failed
    #[arg(long, default_value_t = 10, value_name = "N")]
    failures: usize,
    /// Write the trace of each failed run into this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Break this rule in every node; `sabotage` lists the rules
    #[cfg(feature = "sabotage")]
    #[arg(long = "break", value_name = "RULE")]
    broken: Vec<String>,
}

impl CampaignArgs {
    /// True if all runs succeed.
    pub fn play(&self) -> Result<bool, String> {
        let campaign = Campaign {
            scenarios: match &self.scenarios[..] {
                [] => LIBRARY.iter().collect(),
                named => named
                    .iter()
                    .map(|name| Scenario::find(name))
                    .collect::<Result<_, _>>()?,
            },
            seeds: self.from..self.from.saturating_add(self.seeds.unwrap_or(if self.hours.is_some() {
                u64::MAX
            } else {
                10
            })),
            signal_every: self.signal_every,
            byzantine_every: self.byzantine_every,
            threads: self.threads,
            patience: self
                .hours
                .map(|hours| Duration::try_from_secs_f64(hours * 3600.0))
                .transpose()
                .map_err(|wrong| wrong.to_string())?,
            failures: self.failures.max(1),
            #[cfg(feature = "sabotage")]
            broken: crate::rules(&self.broken)?,
        };
        let tally = campaign.play(|progress| match progress {
            Progress::Minute(tally) => eprintln!("{}", figures(tally)),
            Progress::Failed(trace) => self.report(trace),
        });
        println!("{}", figures(&tally));
        let mut faults: Vec<_> = tally
            .faults
            .iter()
            .map(|(kind, times)| format!("{times} x {kind}"))
            .collect();
        if faults.is_empty() {
            faults.push("none".to_owned());
        }
        println!("faults: {}", faults.join(", "));
        Ok(tally.failed.is_empty())
    }

    /// Reports a failed run, and keeps its trace.
    fn report(&self, trace: &Trace) {
        println!("{}\nagain: {AGAIN} play {}", trace.why, trace.run);
        match self.keep.as_ref().map(|folder| keep(folder, trace)) {
            Some(Ok(path)) => println!("kept:  {AGAIN} replay {}", path.display()),
            Some(Err(wrong)) => println!("not kept: {wrong}"),
            None => {}
        }
    }
}

fn figures(tally: &Tally) -> String {
    format!(
        "{} runs, {} of them over libsignal, {} failed; {:.2} virtual years in {:.0} s, {:.0} runs a second",
        tally.runs,
        tally.over_signal,
        tally.failed.len(),
        tally.years(),
        tally.took.as_secs_f64(),
        tally.rate(),
    )
}

fn keep(folder: &Path, trace: &Trace) -> Result<PathBuf, String> {
    let scenario = Path::new(trace.run.scenario.name).file_stem().unwrap_or_default();
    let path = folder.join(format!("{}-{}.trace", scenario.display(), trace.run.seed));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, trace.to_string()))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
