//! `doctor.run`

use std::sync::Arc;

use sotto_api::{self as api, Error, Finding, Kind, Pause, Time, Verdict, all, span};
use sotto_io_sqlcipher::Reader;

use super::{Handle, Handled};
use crate::call::Call;
use crate::doctor::examine_files;
use crate::view;

impl Handle<all::DoctorRun> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::DoctorReport>, Error> {
        let call = self.clone();
        // The folder of the profile can be a slow disk.
        Ok(Handled::Pending(Box::pin(async move { call.examine().await })))
    }
}

impl Call {
    async fn examine(self: &Arc<Self>) -> Result<api::DoctorReport, Error> {
        let rights = self.rights()?;
        let mut findings = Vec::new();
        // An agent has its conversations, and not the user's files.
        if rights.agent().is_none_or(|record| record.admin) {
            let profile = self.profile.clone();
            let files = tokio::task::spawn_blocking(move || examine_files(&profile)).await;
            findings = files.map_err(|error| Error::internal(error.to_string()))?;
        }
        let status = self.node_status().await?;
        let now = Time::now();
        findings.extend(of_node(&status, now));
        findings.push(self.outbox_finding(status.queued, now).await?);
        findings.extend(self.paused_contacts(&status.storage).await?);
        if status.requests > 0 {
            let said = format!("{} to answer", status.requests);
            let hint = "sotto friends requests shows them";
            findings.push(Finding::careful("requests", said, hint, Kind::WrongState));
        }
        Ok(api::DoctorReport::new(findings, Some(status.version)))
    }

    async fn outbox_finding(&self, queued: u64, now: Time) -> Result<Finding, Error> {
        let rights = self.rights()?;
        let mut waiting = self.reads.read(Reader::outbox).await?;
        waiting.retain(|message| rights.reads(&view::conversation(message.key.conversation)));
        let waiting = self.shown(waiting).messages;
        let failed = waiting.iter().filter(|message| message.reason.is_some()).count();
        let Some(oldest) = waiting.iter().map(|message| message.sent_at).min() else {
            return Ok(Finding::good("outbox", "everything is delivered"));
        };
        let since = span(now.millis().saturating_sub(oldest.millis()));
        let failed = match failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let said = format!("{queued} wait{failed}, the oldest for {since}");
        let hint = "sotto outbox shows for which contacts, and why";
        Ok(Finding::careful("outbox", said, hint, Kind::WrongState))
    }

    /// Contacts of which nothing is taken.
    async fn paused_contacts(self: &Arc<Self>, storage: &api::Storage) -> Result<Vec<Finding>, Error> {
        if storage.paused_contacts == 0 {
            return Ok(Vec::new());
        }
        let rights = self.rights()?;
        let mut contacts = self.contacts(true).await?;
        self.disclose(&mut contacts).await?;
        let paused = contacts.friends.into_iter().filter_map(|contact| {
            let pause = contact.pause.filter(|_| rights.reads(&contact.who.contact))?;
            let said = format!("nothing that {} sends is taken: {}", contact.who, pause.words());
            let verdict = match pause {
                Pause::Pace => Verdict::Careful,
                Pause::Quota | Pause::Reserve => Verdict::Bad,
            };
            Some(Finding {
                verdict,
                contact: Some(contact.who),
                ..Finding::careful("contact", said, pause.hint(), Kind::RateLimited)
            })
        });
        Ok(paused.collect())
    }
}

/// What the node says of itself and its network.
fn of_node(status: &api::Status, now: Time) -> Vec<Finding> {
    let ago = |at: Time| span(now.millis().saturating_sub(at.millis()));
    let (version, process) = (&status.version, status.pid);
    let runs = format!("version {version}, process {process}, for {}", ago(status.started_at));
    let mut findings = vec![Finding::good("daemon", runs)];
    let (verdict, hint) = status.network.verdict();
    let proven = status.network.proven_at.map(|at| format!(", checked {} ago", ago(at)));
    findings.push(Finding {
        verdict,
        kind: (verdict != Verdict::Good).then_some(Kind::Network),
        hint,
        ..Finding::good("network", status.network.words() + &proven.unwrap_or_default())
    });
    if let Some(shown) = &status.elsewhere {
        let said = format!("{}, last {} ago", shown.words(), ago(shown.at));
        findings.push(Finding::bad("identity", said, api::Elsewhere::HINT, Kind::InUse));
    }
    findings.push(if status.clock_doubted {
        let said = "far ahead of when the node last ran; running timers wait until it is confirmed";
        let hint = "set this computer's clock; one that is right is confirmed within an hour, by Tor at once";
        Finding::careful("clock", said, hint, Kind::WrongState)
    } else {
        Finding::good("clock", "as the node expects it")
    });
    if status.log_lines_dropped > 0 {
        let said = format!("{} lines could not be written", status.log_lines_dropped);
        let hint = "free some space, or name another log_file in config.toml";
        findings.push(Finding::careful("log", said, hint, Kind::Io));
    }
    findings
}
