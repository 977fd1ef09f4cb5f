//! The proof of what the demo claims: the state of every message on both participants, the bytes on the wire, the bytes on disk.

use std::path::PathBuf;
use std::time::Instant;

use sotto_api::{self as api, Body, Error, Message, MessageState, all};
use sotto_cli::Outcome;

use super::eavesdropper::Eavesdropper;
use super::lines::{LINES, NAMES, PETNAMES, REACTION};
use super::participant::{Participant, failed};
use super::report::Report;
use super::sandbox::Sandbox;
use super::search::{Searched, Secrets};

/// Every message is read, and both participants hold all of them, once, in the order in which they were said.
pub fn delivery(report: &Report, ada: &mut Participant, grace: &mut Participant, ids: &[String]) -> Outcome {
    let since = Instant::now();
    for participant in [ada, grace] {
        let mut messages = history(participant)?;
        while let Some(unread) = messages.iter().find(|message| message.state != MessageState::Read) {
            let id = unread.id.clone();
            participant.until("the read receipt", |event| match &event.body {
                Body::MessageState {
                    id: of,
                    state: MessageState::Read,
                    ..
                } => (*of == id).then_some(()),
                _ => None,
            })?;
            messages = history(participant)?;
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
            return Err(failed(format!("{}'s history is not what was said", participant.name)).into());
        }
    }
    let what = format!(
        "delivered: {} of {} messages, each once, in order, and read",
        ids.len(),
        LINES.len()
    );
    Ok(report.done("delivered", since, &what, "")?)
}

fn history(participant: &mut Participant) -> Result<Vec<Message>, Error> {
    let contacts = participant.client()?.call::<all::List>(&api::List { all: false })?;
    let conversation = contacts
        .friends
        .first()
        .ok_or_else(|| failed("the friend is gone"))?
        .who
        .contact
        .clone();
    Ok(participant
        .client()?
        .call::<all::History>(&api::History {
            conversation,
            ..api::History::default()
        })?
        .messages)
}

/// Everything that only the two participants may ever see.
pub fn secrets(ada: &Participant, grace: &Participant, invite: &str) -> Result<Secrets, Error> {
    let mut secrets = Secrets::default();
    for (_, line, _) in LINES {
        secrets.add(line);
    }
    for name in NAMES.iter().chain(&PETNAMES) {
        secrets.add(name);
    }
    secrets.add(REACTION);
    secrets.add(invite);
    for participant in [ada, grace] {
        let key =
            std::fs::read(&participant.key_file).map_err(|error| Error::io(participant.key_file.display(), &error))?;
        secrets.add(key);
        secrets.add(&participant.identity.fingerprint);
        if let Ok(fingerprint) = data_encoding::HEXLOWER_PERMISSIVE.decode(participant.identity.fingerprint.as_bytes())
        {
            secrets.add(fingerprint);
        }
    }
    Ok(secrets)
}

/// The eavesdropper heard a lot, and none of it can be read.
pub fn wire(report: &Report, eavesdropper: &Eavesdropper, secrets: &Secrets) -> Outcome {
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

/// Searches while the daemons run with open journals, and again after they have stopped.
pub fn disk(
    report: &Report,
    sandbox: &Sandbox,
    ada: &mut Participant,
    grace: &mut Participant,
    secrets: &Secrets,
) -> Outcome {
    let since = Instant::now();
    let folders = [ada.folder.clone(), grace.folder.clone()];
    let running = search(&folders, secrets)?;
    for participant in [ada, grace] {
        participant.client()?.call::<all::DaemonStop>(&api::Nothing {})?;
    }
    sandbox.settle()?;
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
