//! `sotto-sim run`: many bad worlds, what they came to, and the traces of those that failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Campaign, Progress, Scenario, Tally, Trace};

use crate::AGAIN;

#[derive(Args)]
pub struct ManyArgs {
    /// How many seeds; 10, or with --hours as many as can be
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    from: u64,
    /// Only this story or scenario file; can be given more than once
    #[arg(long = "story", value_name = "STORY")]
    stories: Vec<String>,
    /// One in so many worlds runs over libsignal; 0 is none
    #[arg(long, default_value_t = 10, value_name = "N")]
    signal_every: u64,
    /// In one in so many there is one more person, who means ill; 0 is none
    #[arg(long, default_value_t = 0, value_name = "N")]
    malice_every: u64,
    /// How many worlds are played at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Begin no more worlds after this long
    #[arg(long)]
    hours: Option<f64>,
    /// Stop when so many have failed
    #[arg(long, default_value_t = 10, value_name = "N")]
    failures: usize,
    /// Write the trace of each that fails into this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Break this rule in every node; `sabotage` names them
    #[cfg(feature = "sabotage")]
    #[arg(long = "break", value_name = "RULE")]
    broken: Vec<String>,
}

impl ManyArgs {
    /// True if all is well in all worlds.
    pub fn play(&self) -> Result<bool, String> {
        let campaign = Campaign {
            stories: match &self.stories[..] {
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
            malice_every: self.malice_every,
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
            Progress::Failed(trace) => self.tell(trace),
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

    /// Tells of a world that failed, and keeps its trace.
    fn tell(&self, trace: &Trace) {
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
        "{} worlds, {} of them over libsignal, {} failed; {:.2} virtual years in {:.0} s, {:.0} worlds a second",
        tally.worlds,
        tally.over_signal,
        tally.failed.len(),
        tally.years(),
        tally.took.as_secs_f64(),
        tally.rate(),
    )
}

fn keep(folder: &Path, trace: &Trace) -> Result<PathBuf, String> {
    let story = Path::new(trace.run.scenario.name).file_stem().unwrap_or_default();
    let path = folder.join(format!("{}-{}.trace", story.display(), trace.run.seed));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, trace.to_string()))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
