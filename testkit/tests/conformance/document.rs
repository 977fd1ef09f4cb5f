//! Section 10 of PROTOCOL.md: it names every clause with MUST, every case of the suite, and files that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost::Message as _;
use sotto_conformance::SECTIONS;
use sotto_core::Limits;
use sotto_core::wire::link::Request;

const DOCUMENT: &str = include_str!("../../../core/PROTOCOL.md");

/// A row of the table: the cases, and the files.
type Shown<'d> = (Vec<&'d str>, Vec<&'d str>);

/// The clauses of the document, with their text.
fn clauses() -> BTreeMap<&'static str, String> {
    let (rules, _) = DOCUMENT.split_once("\n## 9.").expect("section 9");
    let mut clauses: BTreeMap<&str, String> = BTreeMap::new();
    let mut current = None;
    for line in rules.lines() {
        if let Some((number, _)) = line.strip_prefix("**[").and_then(|rest| rest.split_once("]**")) {
            assert!(!clauses.contains_key(number), "[{number}] is there twice");
            current = Some(number);
        } else if line.starts_with('#') {
            current = None;
        }
        if let Some(number) = current {
            clauses.entry(number).or_default().push_str(line);
        }
    }
    clauses
}

fn table() -> BTreeMap<&'static str, Shown<'static>> {
    let (_, section) = DOCUMENT.split_once("\n## 10.").expect("section 10");
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| clause"));
    let cells = |cell: &'static str| {
        cell.split(',')
            .map(|part| part.trim().trim_matches('`'))
            .filter(|part| !part.is_empty())
    };
    let mut table = BTreeMap::new();
    for row in rows {
        let columns: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [clause, wire, elsewhere] = columns[..] else {
            panic!("three columns in {row}")
        };
        let earlier = table.insert(clause, (cells(wire).collect(), cells(elsewhere).collect()));
        assert!(earlier.is_none(), "{clause} is there twice");
    }
    table
}

fn cases() -> BTreeSet<&'static str> {
    let ids: Vec<&str> = SECTIONS
        .iter()
        .flat_map(|section| section.cases)
        .map(|case| case.id)
        .collect();
    let set: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(set.len(), ids.len(), "an id is there twice");
    set
}

#[test]
fn every_clause_that_must_hold_is_shown_somewhere() {
    let (clauses, table) = (clauses(), table());
    let must: Vec<_> = clauses
        .iter()
        .filter(|(_, text)| text.contains("MUST"))
        .map(|(number, _)| *number)
        .collect();
    assert!(must.len() > 20, "they are found at all: {must:?}");
    for clause in must {
        assert!(
            table.contains_key(clause),
            "[{clause}] says MUST, and section 10 does not say what shows it"
        );
    }
    for (clause, (wire, elsewhere)) in &table {
        assert!(clauses.contains_key(clause), "there is no [{clause}]");
        assert!(!wire.is_empty() || !elsewhere.is_empty(), "nothing shows [{clause}]");
    }
}

#[test]
fn the_document_and_the_suite_have_the_same_cases() {
    let table = table();
    for (clause, (wire, _)) in &table {
        for case in wire {
            let node = case.strip_prefix(clause).and_then(|rest| rest.strip_prefix('.'));
            assert!(
                node.is_some_and(|number| number.parse::<u32>().is_ok()),
                "{case} is not a case of [{clause}]"
            );
        }
    }
    let listed: BTreeSet<&str> = table.values().flat_map(|(wire, _)| wire).copied().collect();
    assert_eq!(listed, cases());
}

#[test]
fn what_is_said_to_be_elsewhere_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    for (clause, (_, elsewhere)) in table() {
        for path in elsewhere {
            assert!(
                root.join(path).is_file(),
                "[{clause}] is to be shown by {path}, which is not there"
            );
        }
    }
}

/// Section 8 says what a stranger and a contact can cost at most. The sentences are made here from the limits and from what is
/// stored and sent, and stand in the document.
#[test]
fn what_is_said_of_costs_follows_from_the_limits() {
    let limits = Limits::default();
    let (_, section) = DOCUMENT.split_once("**Denial of service.**").expect("in section 8");
    let (section, _) = section.split_once("**Deniability.**").expect("the next paragraph");
    let section = section.split_whitespace().collect::<Vec<_>>().join(" ");

    // The largest request that is taken, by the numbers of section 7.
    let request = Request {
        session_epoch: 1 << 62,
        bundle: None,
        name: "n".repeat(64),
        note: "n".repeat(500),
        invite: vec![0; 16],
        number: u32::MAX,
    };
    let request_bytes = request.encoded_len() + 2048;
    // A window of the largest records.
    let window_bytes = limits.window * 65_536;
    let hour = limits.contact_pace;
    let quota_hours = (limits.contact_quota - hour) / hour;
    // What is left of the log after the first sixteenth goes at a 128th an hour.
    let log_hours = (limits.events - limits.events / 16) / (limits.events / 128);

    for sentence in [
        format!(
            "one of {} handshake slots for {} s",
            limits.unauthenticated_links,
            limits.handshake.0 / 1000
        ),
        format!("one of the {} links that all strangers share", limits.stranger_links),
        format!(
            "one request (at most {} kB) among {}",
            request_bytes.div_ceil(1000),
            limits.requests
        ),
        format!(
            "at most {} requests, and as many events, an hour",
            limits.requests_per_hour
        ),
        format!("fills {} GiB in {quota_hours} hours", limits.contact_quota >> 30),
        format!("its window (at most {} MiB) is sent again", window_bytes >> 20),
        format!(
            "a sixteenth of the event log at once and the rest in {} days",
            log_hours.div_ceil(24)
        ),
    ] {
        let sentence = sentence.replace(" in 5 days", " in five days");
        assert!(section.contains(&sentence), "{sentence:?} is not in {section}");
    }
}
