//! [`play`]: the script of the demo.

use std::time::Instant;

use sotto_api::{self as api, Body, Error, all};
use sotto_cli::{Outcome, Stop};

use super::lines::{LINES, NAMES, PETNAMES, REACTION, Speaker};
use super::network::{DemoNetwork, NetworkKind};
use super::participant::{Participant, failed};
use super::proof;
use super::report::{MessageReport, Report};
use super::sandbox::Sandbox;

/// Performs everything. An error is the demo's failure.
pub fn play(report: &Report, sandbox: &Sandbox, kind: NetworkKind) -> Outcome {
    report.heading("Two nodes on this machine, each a daemon with a store of its own")?;
    let network = DemoNetwork::made(kind, report, sandbox)?;
    let since = Instant::now();
    let mut ada = Participant::new(sandbox, &network, "Ada", NAMES[0])?;
    let mut grace = Participant::new(sandbox, &network, "Grace", NAMES[1])?;
    let addresses = format!("{}\n{}", ada.identity.onion, grace.identity.onion);
    report.done(
        "identities",
        since,
        "Ada and Grace have an identity and an encrypted store",
        &addresses,
    )?;

    start(report, sandbox, &network, [&mut ada, &mut grace])?;

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
        "both see the same safety number, so no one sits between their keys",
        &number,
    )?;

    report.heading("They talk")?;
    let ids = talk(report, &mut ada, &mut grace)?;

    report.heading("What was proven")?;
    proof::delivery(report, &mut ada, &mut grace, &ids)?;
    let secrets = proof::secrets(&ada, &grace, &invite)?;
    if let DemoNetwork::Sockets(eavesdropper) = &network {
        proof::wire(report, eavesdropper, &secrets)?;
    }
    proof::disk(report, sandbox, &mut ada, &mut grace, &secrets)
}

fn start(report: &Report, sandbox: &Sandbox, network: &DemoNetwork, participants: [&mut Participant; 2]) -> Outcome {
    let since = Instant::now();
    if let DemoNetwork::Sockets(eavesdropper) = network {
        for (here, other) in [
            (&participants[0], &participants[1]),
            (&participants[1], &participants[0]),
        ] {
            let tap = eavesdropper.tap(&here.socket_of(other), other.socket_of(other));
            tap.map_err(|error| Error::io("the eavesdropper", &error))?;
        }
    }
    let [ada, grace] = participants;
    ada.start(sandbox)?;
    grace.start(sandbox)?;
    match network {
        DemoNetwork::Sockets(_) => report.done(
            "daemons",
            since,
            "both daemons run; an eavesdropper on the wire copies every byte",
            "",
        )?,
        DemoNetwork::Tor(_) => {
            report.done("daemons", since, "both daemons run and look for the Tor network", "")?;
            let since = Instant::now();
            ada.until_reachable()?;
            grace.until_reachable()?;
            let what = "both onion services are published, and each has reached itself through Tor";
            report.done("reachable", since, what, "")?;
        }
    }
    Ok(())
}

fn befriend(ada: &mut Participant, grace: &mut Participant) -> Result<String, Error> {
    let invite = ada.client()?.call::<all::IdentityInvite>(&api::Nothing {})?.friend_code;
    let add = api::Add {
        code: invite.clone(),
        name: Some(PETNAMES[0].to_owned()),
        note: None,
    };
    grace.client()?.call::<all::Add>(&add)?;
    for participant in [&mut *ada, &mut *grace] {
        participant.until("the friendship", |event| {
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

fn safety_number(ada: &mut Participant, grace: &mut Participant) -> Result<String, Error> {
    let number = |participant: &mut Participant, other: &str| {
        let params = api::Mark {
            contact: other.to_owned(),
            ..Default::default()
        };
        Ok::<_, Error>(participant.client()?.call::<all::Verify>(&params)?.number)
    };
    let numbers = (number(ada, &grace.identity.onion)?, number(grace, &ada.identity.onion)?);
    if numbers.0 != numbers.1 {
        return Err(failed("the two participants see different safety numbers"));
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
fn talk(report: &Report, ada: &mut Participant, grace: &mut Participant) -> Result<Vec<String>, Stop> {
    let mut ids: Vec<String> = Vec::new();
    for &(who, line, answers) in LINES {
        let (speaker, listener) = match who {
            Speaker::Ada => (&mut *ada, &mut *grace),
            Speaker::Grace => (&mut *grace, &mut *ada),
        };
        let since = Instant::now();
        let send = api::Send {
            conversation: listener.identity.onion.clone(),
            text: line.to_owned(),
            reply_to: answers.map(|place| ids[place].clone()),
            wait: api::WaitFor::Delivered,
            timeout: Some(speaker.patience_seconds),
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
            conversation: speaker.identity.onion.clone(),
            ids: vec![id.clone()],
            receipt: Some(true),
        };
        listener.client()?.call::<all::Read>(&read)?;
        report.said(MessageReport {
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
        conversation: None,
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
