//! Command lines, with zeros between the words, and the texts that name a time or a contact. Global options survive being passed on
//! to another run of the program; a claimed name resolves nothing.

use std::process;

use clap::Parser as _;
use sotto::Cli;
use sotto_api::Time;
use sotto_core::row::Relationship;
use sotto_core::{FriendCode, OnionSecret};
use sotto_daemon::resolve::{Candidate, contact, normal, petname};

use crate::input::{Input, piece};

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 3 {
        0 => command_line(&String::from_utf8_lossy(input.rest())),
        1 => moment(&String::from_utf8_lossy(input.rest())),
        _ => name(&mut input),
    }
}

fn command_line(words: &str) {
    let words = ["sotto"]
        .into_iter()
        .chain(words.split('\0').filter(|word| !word.is_empty()));
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return assert!(!error.render().to_string().trim().is_empty()),
    };
    let mut repeated = process::Command::new("sotto");
    cli.global.repeat(&mut repeated);
    let words = [repeated.get_program()].into_iter().chain(repeated.get_args());
    let again = Cli::try_parse_from(words).expect("the arguments of one run are valid in another");
    let place = |cli: &Cli| {
        (
            cli.global.data_dir.clone(),
            cli.global.profile.clone(),
            cli.global.network.clone(),
        )
    };
    assert_eq!(place(&again), place(&cli));
}

fn moment(text: &str) {
    if let Ok(time) = text.parse::<Time>() {
        let written = time.to_string();
        assert_eq!(written.parse::<Time>().ok(), Some(time));
        assert_eq!(written.len(), "2026-01-31T09:05:07.250Z".len());
    }
}

fn name(input: &mut Input<'_>) {
    let mut text = || String::from_utf8_lossy(input.piece()).into_owned();
    let candidates: Vec<Candidate> = [1, 2, 3]
        .map(|seed| {
            let address = OnionSecret::from_seed(&[seed; 32]).address();
            Candidate::new(address, text(), text(), Relationship::Friend)
        })
        .into();
    let text = text();
    new_petname(&text, &candidates);
    let text = normal(&text);
    let ours: Vec<_> = candidates
        .iter()
        .filter(|one| !text.is_empty() && normal(&one.petname) == text)
        .collect();
    let code = text.parse::<FriendCode>().is_ok();
    match contact(&text, &candidates) {
        Ok(address) => {
            let one = candidates
                .iter()
                .find(|one| one.address == address)
                .expect("one of them");
            let full = address.to_string();
            let folded = text.to_lowercase();
            let named = normal(&one.petname).to_lowercase() == folded;
            assert!(named || code || full.starts_with(&folded), "{text:?} is not {one:?}");
            assert!(code || ours.is_empty() || ours.len() == 1 && ours[0].address == address);
        }
        Err(error) => {
            assert!(
                !error.message.is_empty() && (ours.len() != 1 || code),
                "{text:?}: {error}"
            );
        }
    }
}

/// A petname that is not refused names its contact as it was typed, unless another one has the same.
fn new_petname(text: &str, candidates: &[Candidate]) {
    let (mut candidates, address) = (candidates.to_vec(), candidates[0].address);
    let Ok(stored) = petname(text, address, address, &candidates) else {
        return;
    };
    assert_eq!(normal(&stored), stored, "it has one form");
    let claimed = candidates[0].claimed_name.clone();
    candidates[0] = Candidate::new(address, stored.clone(), claimed, Relationship::Friend);
    let alike = candidates.iter().filter(|one| normal(&one.petname) == stored);
    if alike.count() == 1 {
        for asked in [text, &stored] {
            assert_eq!(contact(asked, &candidates), Ok(address), "{asked:?}");
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let command_lines = [
        "send bob hello --ttl 60 --wait delivered",
        "--json --data-dir /tmp/x --profile work status",
        "--network=local:/tmp/net friends add sotto1 --name Bob",
        "history bob -n 5 --before 00112233445566778899aabbccddeeff",
        "listen --consumer agent --since 18446744073709551615 --ack",
        "--help",
        "--version",
        "sned bob",
        "daemon start --quiet",
        "edit file text --profile -work",
    ];
    let moments = [
        "2026-01-31T09:05:07.250Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999999+14:00",
    ];
    let address = OnionSecret::from_seed(&[2; 32]).address().to_string();
    let candidates = ["Bob", "", "", "bob", "Eve", "Bob"]
        .map(|name| piece(name.as_bytes()))
        .concat();
    let names = ["Bob", "bob", "Eve", &address, &address[..8], "nobody"];
    let prefixed = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    command_lines
        .iter()
        .map(|line| prefixed(0, line.replace(' ', "\0").as_bytes()))
        .chain(moments.iter().map(|text| prefixed(1, text.as_bytes())))
        .chain(
            names
                .iter()
                .map(|name| prefixed(2, &[candidates.clone(), piece(name.as_bytes())].concat())),
        )
        .collect()
}
