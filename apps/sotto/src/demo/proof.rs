//! What the demo claims, looked up: the state of every message on both sides, the bytes on the wire, the bytes on disk.

use std::path::PathBuf;
use std::time::Instant;

use sotto_api::{self as api, Body, Error, Message, MessageState, all};
use sotto_cli::Outcome;

use super::eavesdropper::Eavesdropper;
use super::lines::{LINES, NAMES, PETNAMES, REACTION};
use super::report::Report;
use super::search::{Searched, Secrets};
use super::side::{Side, failed};
use super::stage::Stage;

/// Every message is read, and both sides hold all of them, once, in the order in which they were said.
pub fn delivery(report: &Report, ada: &mut Side, grace: &mut Side, ids: &[String]) -> Outcome {
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
    let conversation = contacts
        .friends
        .first()
        .ok_or_else(|| failed("the friend is gone"))?
        .who
        .contact
        .clone();
    Ok(side
        .client()?
        .call::<all::History>(&api::History {
            conversation,
            limit: None,
            before: None,
        })?
        .messages)
}

/// Everything that nobody but the two may ever see.
pub fn secrets(ada: &Side, grace: &Side, invite: &str) -> Result<Secrets, Error> {
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

/// Looks while the daemons run, their journals being open, and again when they have ended in good order.
pub fn disk(report: &Report, stage: &Stage, ada: &mut Side, grace: &mut Side, secrets: &Secrets) -> Outcome {
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
