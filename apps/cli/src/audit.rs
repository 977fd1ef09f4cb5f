//! `sotto audit`: what agents did, without texts.

use clap::{Args, Subcommand};
use sotto_api::{self as api, AuditEntry, Kind, all};

use super::context::Context;
use super::output::{Table, Tone, moment, short};
use super::stop::{Outcome, Stop};

/// `sotto audit`; alone, it shows the newest entries
#[derive(Args, Debug)]
pub struct Audit {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the newest entries
    Show {
        /// At most so many, 1 to 1000
        #[arg(long, short = 'n', value_name = "N")]
        limit: Option<u32>,
        /// Only what this agent did
        #[arg(long, value_name = "NAME")]
        agent: Option<String>,
    },
    /// Check that no entry was changed, removed or moved
    Verify,
}

impl Audit {
    /// Shows or checks.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let show = Command::Show {
            limit: None,
            agent: None,
        };
        match self.command.unwrap_or(show) {
            Command::Show { limit, agent } => {
                let log = client.call::<all::AuditShow>(&api::ShowAudit { limit, agent })?;
                if log.entries.is_empty() {
                    context.output.remark("no agent has done anything yet");
                }
                Ok(context.output.emit(&log, |log| table(&log.entries))?)
            }
            Command::Verify => {
                let verdict = client.call::<all::AuditVerify>(&api::Nothing {})?;
                context.output.emit(&verdict, |verdict| match &verdict.damage {
                    None => format!("{} entries, whole\n", verdict.entries),
                    Some(damage) => format!("{} at entry {}\n", Tone::Bad.paint(&damage.what), damage.number),
                })?;
                if verdict.intact {
                    Ok(())
                } else {
                    Err(Stop::Exit(Kind::Store.exit_code()))
                }
            }
        }
    }
}

fn table(entries: &[AuditEntry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "NUMBER",
        "AT",
        "BY",
        "METHOD",
        "CONVERSATION",
        "MESSAGE",
        "APPROVAL",
        "OUTCOME",
    ]);
    for entry in entries {
        let id = |id: &Option<String>| id.as_deref().map_or("-", short).to_owned();
        table.row([
            (Tone::Faint, entry.number.to_string()).into(),
            moment(entry.at).into(),
            (Tone::Author, entry.principal.as_str()).into(),
            entry.method.as_str().into(),
            id(&entry.conversation).into(),
            id(&entry.message).into(),
            id(&entry.approval).into(),
            entry.outcome.as_str().into(),
        ]);
    }
    table.render()
}
