//! `sotto doctor`: checks the profile, the daemon and the network, and says what is wrong and what to do. It needs no
//! daemon and changes nothing.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use serde::Serialize;
use sotto_api::{self as api, Error, Kind, Phase, Reachability, Time, all};
use sotto_client::blocking::Client;
use sotto_client::{Lock, Profile};

use super::context::Context;
use super::output::{Table, Tone, moment, span, who};
use super::stop::Outcome;
use super::stop::Stop;

/// Free space below which a store soon cannot commit.
const LITTLE_SPACE: u64 = 64 << 20;

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    /// Nothing is wrong.
    healthy: bool,
    findings: Vec<Finding>,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct Finding {
    subject: &'static str,
    verdict: Verdict,
    said: String,
    /// What to do; empty if nothing is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
    #[serde(skip)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    /// It works, but the user should know.
    Careful,
    Bad,
}

/// Checks the profile that the options name.
pub fn run(context: &Context) -> Outcome {
    let mut report = Report {
        healthy: true,
        findings: Vec::new(),
    };
    report.examine(context, &context.profile()?);
    report.healthy = report.findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    context.output.emit(&report, text)?;
    // The other findings often follow from the first.
    match report.findings.iter().find(|finding| finding.verdict == Verdict::Bad) {
        Some(finding) => Err(Stop::Exit(finding.kind.exit_code())),
        None => Ok(()),
    }
}

impl Report {
    fn examine(&mut self, context: &Context, profile: &Profile) {
        if let Err(error) = profile.require() {
            return self.bad("identity", &error);
        }
        self.good("identity", format!("in {}", profile.folder().display()));
        self.config(context, profile);
        self.permissions(profile);
        self.space(profile.folder());
        self.store(profile);
        match Client::connect(&profile.socket()) {
            Ok(mut client) => {
                let found = context.identify(&mut client).and_then(|()| self.daemon(&mut client));
                if let Err(error) = found {
                    self.no_daemon(profile, &error);
                }
            }
            Err(error) => self.no_daemon(profile, &error),
        }
    }

    fn config(&mut self, context: &Context, profile: &Profile) {
        match context.program.check_config(&profile.config_file()) {
            Ok(network) => self.good("configuration", format!("network = \"{network}\"")),
            Err(error) => return self.bad("configuration", &error),
        }
        match context.program.check_key_file(&profile.config_file()) {
            Ok(Some(file)) => self.good("key", format!("in {}, which only you can read", file.display())),
            Ok(None) => self.good("key", String::from("no file is named, so a passphrase is asked for")),
            Err(error) => self.bad("key", &error),
        }
    }

    /// Other users of this machine must not be able to read the files.
    fn permissions(&mut self, profile: &Profile) {
        match open_to_others(profile.folder()) {
            Ok(open) if open.is_empty() => self.good("permissions", String::from("only you can open the files")),
            Ok(open) => {
                let names: Vec<String> = open.iter().map(|path| path.display().to_string()).collect();
                let said = format!("other users can open {}", names.join(", "));
                let hint = format!("chmod -R go= {}", profile.folder().display());
                self.add("permissions", Verdict::Careful, said, hint, Kind::Io);
            }
            Err(error) => self.bad("permissions", &Error::io(profile.folder().display(), &error)),
        }
    }

    fn space(&mut self, folder: &Path) {
        match statvfs(folder) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                let said = format!("{} MiB free", free >> 20);
                if free < LITTLE_SPACE {
                    let hint = String::from(
                        "free some space: with a full disk nothing is sent or received, though nothing is lost",
                    );
                    return self.add("disk", Verdict::Bad, said, hint, Kind::Io);
                }
                self.good("disk", said);
            }
            Err(error) => self.bad("disk", &Error::io(folder.display(), &error.into())),
        }
    }

    /// Which files hold the messages, and how they are copied.
    fn store(&mut self, profile: &Profile) {
        let database = profile.database();
        let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        let log = database.with_extension("db-wal");
        // A daemon that has ended in order leaves no log.
        if length(&log) > 0 && matches!(Lock::holder(&profile.lock_file()), Ok(None)) {
            let said = format!("{} holds what is not yet in sotto.db", log.display());
            let hint = String::from(
                "copy neither of the two files alone; sotto daemon start, then sotto daemon stop makes them one",
            );
            return self.add("store", Verdict::Careful, said, hint, Kind::Store);
        }
        let size = length(&database) >> 10;
        self.good(
            "store",
            format!("{size} KiB in sotto.db; sotto backup FILE copies it whole"),
        );
    }

    fn no_daemon(&mut self, profile: &Profile, error: &Error) {
        match Lock::holder(&profile.lock_file()) {
            Ok(Some(holder)) if error.kind() == Kind::NoDaemon => {
                let said = format!("process {holder} holds the profile, but does not answer");
                let hint = String::from("it may still be starting; if this stays, end it with sotto daemon stop");
                self.add("daemon", Verdict::Bad, said, hint, Kind::InUse);
            }
            _ => self.bad("daemon", error),
        }
    }

    fn daemon(&mut self, client: &mut Client) -> Result<(), Error> {
        let status = client.call::<all::NodeStatus>(&api::Nothing {})?;
        let said = format!(
            "version {}, process {}, since {}",
            status.version,
            status.pid,
            moment(status.started_at)
        );
        if status.version == env!("CARGO_PKG_VERSION") {
            self.good("daemon", said);
        } else {
            let hint = format!("this is version {}: restart the daemon", env!("CARGO_PKG_VERSION"));
            self.add("daemon", Verdict::Careful, said, hint, Kind::Internal);
        }
        self.network(&status.network);
        if let Some(shown) = &status.elsewhere {
            let (said, hint) = (elsewhere_in_words(shown), ELSEWHERE_HINT.to_owned());
            self.add("identity", Verdict::Bad, said, hint, Kind::InUse);
        }
        self.outbox(client, &status)?;
        self.pauses(client, &status.storage)?;
        if status.requests > 0 {
            let said = format!("{} to answer", status.requests);
            let hint = String::from("sotto friends requests shows them");
            self.add("requests", Verdict::Careful, said, hint, Kind::WrongState);
        }
        Ok(())
    }

    /// Contacts of which nothing is taken.
    fn pauses(&mut self, client: &mut Client, storage: &api::Storage) -> Result<(), Error> {
        if storage.paused_contacts == 0 {
            return Ok(());
        }
        let all = client.call::<all::List>(&api::List { all: true })?;
        for contact in all.friends {
            let Some(pause) = contact.pause else { continue };
            let them = &contact.who;
            let name = who(them.petname.as_deref(), them.claimed_name.as_deref(), &them.contact);
            let said = format!("nothing that {name} sends is taken: {}", pause_in_words(pause));
            let verdict = match pause {
                api::Pause::Pace => Verdict::Careful,
                api::Pause::Quota | api::Pause::Reserve => Verdict::Bad,
            };
            self.add(
                "contact",
                verdict,
                said,
                pause_hint(pause).to_owned(),
                Kind::RateLimited,
            );
        }
        Ok(())
    }

    fn network(&mut self, network: &api::Network) {
        let verdict = match (&network.problem, network.phase, network.reachability) {
            (Some(_), Phase::Ready, Reachability::Reachable | Reachability::Degraded) => Verdict::Careful,
            (Some(_), ..) | (None, _, Reachability::Unreachable) => Verdict::Bad,
            (None, Phase::Ready, Reachability::Reachable) => Verdict::Good,
            (None, ..) => Verdict::Careful,
        };
        let hint = match (&network.problem, verdict) {
            (Some(problem), _) => problem.clone(),
            (None, Verdict::Good) => String::new(),
            (None, _) if network.phase != Phase::Ready => {
                String::from("it is still starting; messages wait in the outbox")
            }
            (None, _) => String::from("whether peers can reach you is being checked; this takes a minute"),
        };
        self.add("network", verdict, network_in_words(network), hint, Kind::Network);
    }

    fn outbox(&mut self, client: &mut Client, status: &api::Status) -> Result<(), Error> {
        let waiting = client.call::<all::Outbox>(&api::ListOutbox {
            conversation: None,
            limit: Some(1000),
        })?;
        let failed = waiting
            .messages
            .iter()
            .filter(|message| message.reason.is_some())
            .count();
        let oldest = waiting.messages.iter().map(|message| message.sent_at).min();
        match oldest {
            None => self.good("outbox", String::from("everything is delivered")),
            Some(oldest) => {
                let since = span(Time::now().millis().saturating_sub(oldest.millis()));
                let failed = if failed == 0 {
                    String::new()
                } else {
                    format!(", {failed} failed")
                };
                let said = format!("{} wait{failed}, the oldest for {since}", status.queued);
                let hint = String::from("sotto outbox shows for which contacts, and why");
                self.add("outbox", Verdict::Careful, said, hint, Kind::WrongState);
            }
        }
        Ok(())
    }

    fn good(&mut self, subject: &'static str, said: String) {
        self.add(subject, Verdict::Good, said, String::new(), Kind::Internal);
    }

    fn bad(&mut self, subject: &'static str, error: &Error) {
        self.add(
            subject,
            Verdict::Bad,
            error.message.clone(),
            error.data.hint.clone(),
            error.kind(),
        );
    }

    fn add(&mut self, subject: &'static str, verdict: Verdict, said: String, hint: String, kind: Kind) {
        self.findings.push(Finding {
            subject,
            verdict,
            said,
            hint,
            kind,
        });
    }
}

/// Why nothing that a contact sends is taken.
pub const fn pause_in_words(pause: api::Pause) -> &'static str {
    match pause {
        api::Pause::Pace => "it has sent very much in a short time",
        api::Pause::Quota => "its messages take up the whole quota",
        api::Pause::Reserve => "the disk is nearly full",
    }
}

/// What to do about it.
const fn pause_hint(pause: api::Pause) -> &'static str {
    match pause {
        api::Pause::Pace => "it goes on by itself; what is not taken stays with them",
        api::Pause::Quota => {
            "sotto delete CONTACT --all deletes their messages here; or set contact_quota_mib in config.toml. What is not taken stays with them"
        }
        api::Pause::Reserve => {
            "free some space, delete messages, or set reserve_mib in config.toml; what is not taken stays with them"
        }
    }
}

/// What to do about a second machine.
pub const ELSEWHERE_HINT: &str = "run sotto daemon stop on one of the two machines, and never run that copy again: contacts reach only \
                                  one of them at a time, and each breaks the other's sessions";

/// What shows that another machine has this profile's identity.
pub fn elsewhere_in_words(shown: &api::Elsewhere) -> String {
    let at = moment(shown.at);
    match &shown.contact {
        None => format!("another machine answers at your address, last seen {at}"),
        Some(contact) => {
            format!("another machine runs with your identity: {contact} has heard from it, last seen {at}")
        }
    }
}

/// The state of the network in one line.
pub fn network_in_words(network: &api::Network) -> String {
    let phase = match network.phase {
        Phase::Starting => "starting".to_owned(),
        Phase::Offline => "offline".to_owned(),
        Phase::Bootstrapping => format!("bootstrapping, {} %", network.percent),
        Phase::Publishing => "publishing your address".to_owned(),
        Phase::Ready => match network.reachability {
            Reachability::Reachable => "reachable".to_owned(),
            Reachability::Degraded => "was reachable, but the last probe failed".to_owned(),
            Reachability::Unreachable => "not reachable".to_owned(),
            Reachability::Unknown => "up, not yet known to be reachable".to_owned(),
        },
        Phase::Stopping => "stopping".to_owned(),
    };
    let doing = network.doing.as_ref().map(|doing| format!(" ({doing})"));
    let proven = network.proven_at.map(|at| format!(", checked {}", moment(at)));
    format!(
        "{}: {phase}{}{}",
        network.kind,
        doing.unwrap_or_default(),
        proven.unwrap_or_default()
    )
}

/// The files in the folder that other users can open. The socket's own mode is what counts for it, as for any file.
fn open_to_others(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let loose = |path: &Path| Ok::<_, io::Error>(fs::symlink_metadata(path)?.permissions().mode() & 0o077 != 0);
    if loose(folder)? {
        found.push(folder.to_owned());
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                continue;
            }
            match loose(&entry.path()) {
                Ok(true) => found.push(entry.path()),
                Ok(false) => {}
                // Journals come and go.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            if kind.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(found)
}

fn text(report: &Report) -> String {
    let mut table = Table::bare();
    for finding in &report.findings {
        let (tone, mark) = match finding.verdict {
            Verdict::Good => (Tone::Good, "ok"),
            Verdict::Careful => (Tone::Warning, "look"),
            Verdict::Bad => (Tone::Bad, "wrong"),
        };
        table.row([
            (tone, mark).into(),
            finding.subject.into(),
            finding.said.as_str().into(),
        ]);
        if !finding.hint.is_empty() {
            table.row(["".into(), "".into(), (Tone::Faint, finding.hint.as_str()).into()]);
        }
    }
    table.render()
}
