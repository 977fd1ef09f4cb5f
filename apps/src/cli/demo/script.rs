//! What is performed, and what is looked up afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::eavesdropper::Eavesdropper;
use super::report::{Line, Report};
use super::search::{Searched, Secrets};
use super::stage::{self, Stage};
use crate::api::{self, Body, Error, Event, Kind, Message, MessageState, all};
use crate::cli::{Client, Outcome, Stop};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ada,
    Grace,
}

/// What is said: by whom, and which earlier line it answers.
const LINES: &[(Who, &str, Option<usize>)] = &[
    (Who::Ada, "Grace! Does the analytical engine hum tonight?", None),
    (Who::Grace, "Like a hive. I found a moth in relay 70.", Some(0)),
    (Who::Ada, "A moth? Tape it into the logbook at once.", Some(1)),
    (Who::Grace, "Done: first actual case of bug being found.", None),
    (Who::Ada, "Meet me at the observatory, quarter past nine.", None),
    (Who::Grace, "I shall bring a nanosecond of copper wire.", Some(4)),
    (Who::Ada, "And I the notes on Bernoulli. Tell nobody.", None),
];
const REACTION: &str = "🦋";
const NAMES: [&str; 2] = ["Ada Lovelace", "Grace Hopper"];
const PETNAMES: [&str; 2] = ["my dear Countess", "the Rear Admiral"];

/// How long anything may take before the demo calls it failed.
const PATIENCE_SECONDS: u32 = 10;

/// One of the two, as seen from outside: a folder and a connection to the daemon.
struct Side {
    name: &'static str,
    folder: PathBuf,
    key_file: PathBuf,
    network: PathBuf,
    identity: api::Identity,
    client: Option<Client>,
    /// The event log is read up to here.
    seen: u64,
}

/// Performs everything. An error is the demo's failure.
pub fn play(report: &Report, stage: &Stage) -> Outcome {
    report.heading("Two nodes on this machine, each a daemon with a store of its own")?;
    let since = Instant::now();
    let mut ada = Side::new(stage, "Ada", NAMES[0])?;
    let mut grace = Side::new(stage, "Grace", NAMES[1])?;
    let addresses = format!("{}\n{}", ada.identity.onion, grace.identity.onion);
    report.done(
        "identities",
        since,
        "Ada and Grace have an identity and an encrypted store",
        &addresses,
    )?;

    let since = Instant::now();
    let eavesdropper = Eavesdropper::default();
    for (here, other) in [(&ada, &grace), (&grace, &ada)] {
        let tap = eavesdropper.tap(&here.socket_of(other), other.socket_of(other));
        tap.map_err(|error| Error::io("the eavesdropper", &error))?;
    }
    ada.start(stage)?;
    grace.start(stage)?;
    report.done(
        "daemons",
        since,
        "both daemons run; an eavesdropper on the wire copies every byte",
        "",
    )?;

    let since = Instant::now();
    let invite = befriend(&mut ada, &mut grace)?;
    report.done(
        "friends",
        since,
        "Grace used Ada's friend code with a one-time invite: they are friends",
        &invite,
    )?;

    let since = Instant::now();
    let number = safety_number(&mut ada, &mut grace)?;
    report.done(
        "safety_number",
        since,
        "both see the same safety number, so nobody sits between their keys",
        &number,
    )?;

    report.heading("They talk")?;
    let ids = talk(report, &mut ada, &mut grace)?;

    report.heading("What was proven")?;
    prove_delivery(report, &mut ada, &mut grace, &ids)?;
    let secrets = secrets(&ada, &grace, &invite)?;
    prove_wire(report, &eavesdropper, &secrets)?;
    prove_disk(report, stage, &mut ada, &mut grace, &secrets)
}

impl Side {
    fn new(stage: &Stage, name: &'static str, claimed: &str) -> Result<Self, Error> {
        let folder = stage.folder(&format!("{name}/data"))?;
        let network = stage.folder(&format!("{name}/net"))?;
        let key_file = stage.folder(&format!("{name}/key"))?.join("key");
        let identity: api::Identity = stage::sotto(&[
            "--data-dir",
            text(&folder)?,
            "init",
            "--name",
            claimed,
            "--key-file",
            text(&key_file)?,
        ])?;
        Ok(Self {
            name,
            folder,
            key_file,
            network,
            identity,
            client: None,
            seen: 0,
        })
    }

    /// Where, in this side's network folder, `other` is found.
    fn socket_of(&self, other: &Self) -> PathBuf {
        self.network.join(&other.identity.onion)
    }

    fn start(&mut self, stage: &Stage) -> Result<(), Error> {
        let network = format!("local:{}", text(&self.network)?);
        let arguments = [
            "--data-dir",
            text(&self.folder)?,
            "--network",
            &network,
            "daemon",
            "run",
            "--key-file",
            text(&self.key_file)?,
        ];
        let log = self.folder.join("stderr.log");
        self.client = Some(stage.daemon(&arguments, &log, &self.folder.join("sotto.sock"))?);
        Ok(())
    }

    fn client(&mut self) -> Result<&mut Client, Error> {
        self.client
            .as_mut()
            .ok_or_else(|| Error::internal("the daemon was not started"))
    }

    /// Reads the log until `wanted` finds in it what it wants.
    fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> Result<T, Error> {
        let patience = Instant::now() + Duration::from_secs(PATIENCE_SECONDS.into());
        while Instant::now() < patience {
            let wait = api::WaitEvents {
                since: Some(self.seen),
                limit: Some(1),
                timeout: Some(1),
                ..Default::default()
            };
            let events = self.client()?.call::<all::EventsWait>(&wait)?;
            self.seen = events.next;
            if let Some(found) = events.events.iter().find_map(&mut wanted) {
                return Ok(found);
            }
        }
        Err(failed(format!("{} never saw {what}", self.name)))
    }
}

fn befriend(ada: &mut Side, grace: &mut Side) -> Result<String, Error> {
    let invite = ada.client()?.call::<all::IdentityInvite>(&api::Nothing {})?.friend_code;
    let add = api::Add {
        code: invite.clone(),
        name: Some(PETNAMES[0].to_owned()),
        note: None,
    };
    grace.client()?.call::<all::Add>(&add)?;
    for side in [&mut *ada, &mut *grace] {
        side.until("the friendship", |event| {
            matches!(event.body, Body::ContactAdded { .. }).then_some(())
        })?;
    }
    let rename = api::Rename {
        contact: grace.identity.onion.clone(),
        name: PETNAMES[1].to_owned(),
    };
    ada.client()?.call::<all::Rename>(&rename)?;
    Ok(invite)
}

fn safety_number(ada: &mut Side, grace: &mut Side) -> Result<String, Error> {
    let number = |side: &mut Side, other: &str| {
        let params = api::Mark {
            contact: other.to_owned(),
            ..Default::default()
        };
        Ok::<_, Error>(side.client()?.call::<all::Verify>(&params)?.number)
    };
    let numbers = (number(ada, &grace.identity.onion)?, number(grace, &ada.identity.onion)?);
    if numbers.0 != numbers.1 {
        return Err(failed("the two sides see different safety numbers"));
    }
    Ok(numbers
        .0
        .as_bytes()
        .chunks(5)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect::<Vec<_>>()
        .join(" "))
}

/// Says every line, checks that it arrives as it was said, and reads it. The last one gets a reaction.
fn talk(report: &Report, ada: &mut Side, grace: &mut Side) -> Result<Vec<String>, Stop> {
    let mut ids: Vec<String> = Vec::new();
    for &(who, line, answers) in LINES {
        let (speaker, listener) = match who {
            Who::Ada => (&mut *ada, &mut *grace),
            Who::Grace => (&mut *grace, &mut *ada),
        };
        let since = Instant::now();
        let send = api::Send {
            contact: listener.identity.onion.clone(),
            text: line.to_owned(),
            reply_to: answers.map(|place| ids[place].clone()),
            wait: api::WaitFor::Delivered,
            timeout: Some(PATIENCE_SECONDS),
            ..Default::default()
        };
        let id = speaker.client()?.call::<all::Send>(&send)?.id;
        let delivered_ms = since.elapsed().as_millis();
        let message = listener.until("the message", |event| match &event.body {
            Body::MessageReceived {
                message: Some(message), ..
            } => Some((**message).clone()),
            _ => None,
        })?;
        if (message.id.as_str(), message.text.as_str(), &message.reply_to) != (id.as_str(), line, &send.reply_to) {
            return Err(failed(format!("{} got something else than what was said", listener.name)).into());
        }
        let read = api::MarkRead {
            contact: speaker.identity.onion.clone(),
            ids: vec![id.clone()],
            receipt: Some(true),
        };
        listener.client()?.call::<all::Read>(&read)?;
        report.said(Line {
            step: "message",
            from: speaker.name,
            text: line,
            delivered_ms,
        })?;
        ids.push(id);
    }
    let last = ids.last().cloned().unwrap_or_default();
    let since = Instant::now();
    let emoji = Some(REACTION.to_owned());
    grace.client()?.call::<all::React>(&api::React {
        id: last.clone(),
        contact: None,
        emoji,
    })?;
    ada.until("the reaction", |event| match &event.body {
        Body::MessageReacted {
            message: Some(message), ..
        } => message
            .reactions
            .iter()
            .any(|reaction| reaction.emoji == REACTION)
            .then_some(()),
        _ => None,
    })?;
    report.done(
        "reaction",
        since,
        &format!("Grace reacted with {REACTION}, and Ada sees it"),
        "",
    )?;
    Ok(ids)
}

/// Every message is read, and both sides hold all of them, once, in the order in which they were said.
fn prove_delivery(report: &Report, ada: &mut Side, grace: &mut Side, ids: &[String]) -> Outcome {
    let since = Instant::now();
    for side in [ada, grace] {
        let mut messages = history(side)?;
        while let Some(unread) = messages.iter().find(|message| message.state != MessageState::Read) {
            let id = unread.id.clone();
            side.until("the read receipt", |event| match &event.body {
                Body::MessageState {
                    id: of,
                    state: MessageState::Read,
                    ..
                } => (*of == id).then_some(()),
                _ => None,
            })?;
            messages = history(side)?;
        }
        let held: Vec<(&str, &str)> = messages
            .iter()
            .map(|message| (message.id.as_str(), message.text.as_str()))
            .collect();
        let said: Vec<(&str, &str)> = ids
            .iter()
            .zip(LINES)
            .map(|(id, (_, text, _))| (id.as_str(), *text))
            .collect();
        if held != said {
            return Err(failed(format!("{}'s history is not what was said", side.name)).into());
        }
    }
    let what = format!(
        "delivered: {} of {} messages, each once, in order, and read",
        ids.len(),
        LINES.len()
    );
    Ok(report.done("delivered", since, &what, "")?)
}

fn history(side: &mut Side) -> Result<Vec<Message>, Error> {
    let contacts = side.client()?.call::<all::List>(&api::List { all: false })?;
    let contact = contacts
        .friends
        .first()
        .ok_or_else(|| failed("the friend is gone"))?
        .who
        .contact
        .clone();
    Ok(side
        .client()?
        .call::<all::History>(&api::History {
            contact,
            limit: None,
            before: None,
        })?
        .messages)
}

/// Everything that nobody but the two may ever see.
fn secrets(ada: &Side, grace: &Side, invite: &str) -> Result<Secrets, Error> {
    let mut secrets = Secrets::default();
    for (_, line, _) in LINES {
        secrets.add(line);
    }
    for name in NAMES.iter().chain(&PETNAMES) {
        secrets.add(name);
    }
    secrets.add(REACTION);
    secrets.add(invite);
    for side in [ada, grace] {
        let key = std::fs::read(&side.key_file).map_err(|error| Error::io(side.key_file.display(), &error))?;
        secrets.add(key);
        secrets.add(&side.identity.fingerprint);
        if let Ok(fingerprint) = data_encoding::HEXLOWER_PERMISSIVE.decode(side.identity.fingerprint.as_bytes()) {
            secrets.add(fingerprint);
        }
    }
    Ok(secrets)
}

fn prove_wire(report: &Report, eavesdropper: &Eavesdropper, secrets: &Secrets) -> Outcome {
    let since = Instant::now();
    let heard = eavesdropper.heard();
    let bytes: usize = heard.iter().map(Vec::len).sum();
    if bytes < LINES.iter().map(|(_, line, _)| line.len()).sum() {
        return Err(failed("the eavesdropper heard too little: the messages went another way").into());
    }
    if heard.iter().any(|recording| secrets.find(recording).is_some()) {
        return Err(failed("a text, a name or a key stands readable on the wire").into());
    }
    let what = "encrypted on the wire: the eavesdropper heard no text, name or key";
    let detail = format!(
        "{bytes} bytes in {} streams; not even 12 bytes in a row of any text",
        heard.len()
    );
    Ok(report.done("wire", since, what, &detail)?)
}

/// Looks while the daemons run, their journals being open, and again when they have ended in good order.
fn prove_disk(report: &Report, stage: &Stage, ada: &mut Side, grace: &mut Side, secrets: &Secrets) -> Outcome {
    let since = Instant::now();
    let folders = [ada.folder.clone(), grace.folder.clone()];
    let running = search(&folders, secrets)?;
    for side in [ada, grace] {
        side.client()?.call::<all::DaemonStop>(&api::Nothing {})?;
    }
    stage.settle()?;
    let ended = search(&folders, secrets)?;
    let what = "encrypted at rest: no file of either node holds one, while in use and after";
    let (files, bytes) = (running.files + ended.files, running.bytes + ended.bytes);
    let detail = format!("{files} files, {} KiB searched", bytes / 1024);
    Ok(report.done("disk", since, what, &detail)?)
}

fn search(folders: &[PathBuf], secrets: &Secrets) -> Result<Searched, Error> {
    let mut all = Searched::default();
    for folder in folders {
        let searched = secrets
            .search_files(folder)
            .map_err(|error| Error::io(folder.display(), &error))?;
        if let Some(file) = searched.found.first() {
            return Err(failed(format!(
                "a text, a name or a key stands readable in {}",
                file.display()
            )));
        }
        all.files += searched.files;
        all.bytes += searched.bytes;
    }
    if all.files < folders.len() {
        return Err(failed("there was no store to search"));
    }
    Ok(all)
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str()
        .ok_or_else(|| Error::internal("the temporary folder's name is not UTF-8"))
}

/// A claim of the demo does not hold.
fn failed(what: impl Into<String>) -> Error {
    Error::new(Kind::Internal, what)
}
