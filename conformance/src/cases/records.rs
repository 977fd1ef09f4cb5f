//! Section 3.1: records and their lengths.

use sotto_core::wire::link::{Frame, Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::Fixture;
use crate::initiator::{Deviations, MESSAGE_1, MESSAGE_3};
use crate::link::with_length;
use crate::report::Failure;
use prost::Message as _;

pub const CASES: &[Case] = &[
    case!(
        "L-1.1",
        "accepts a stream in any pieces, a byte at a time",
        byte_by_byte
    ),
    case!("L-1.2", "accepts many records in one piece of the stream", many_at_once),
    case!(
        "L-2.1",
        "ends a link whose first record is not 48 bytes long, after the two length bytes",
        first_length
    ),
    case!(
        "L-2.2",
        "ends a link whose third record is not 160 bytes long, after the two length bytes",
        third_length
    ),
    case!(
        "L-2.3",
        "ends a link whose later record is shorter than 18 or longer than 65534 bytes, after the two length bytes",
        later_length
    ),
    case!(
        "L-2.4",
        "accepts later records of 18 and of 65534 bytes",
        extreme_lengths
    ),
];

fn byte_by_byte(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    connector.bucket(requester).take(1);
    let mut initiator = connector.initiate(requester, Deviations::default())?;
    for byte in initiator.message_1() {
        initiator.records.write(&[byte]);
    }
    initiator.read_message_2()?;
    let mut link = initiator.finish(requester, &[]);
    link.expect_hello()?;
    let hello = Frame {
        body: Some(Body::Hello(requester.hello(Relationship::Requested))),
    };
    let record = link.seal(&with_length(&hello.encode_to_vec()));
    for byte in record {
        link.records().write(&[byte]);
    }
    link.expect_alive("a Hello that came byte by byte")
}

fn many_at_once(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    const MANY: u32 = 8;
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    connector.bucket(requester).take(MANY);
    let heartbeat = Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    };
    let records: Vec<Vec<u8>> = (0..MANY)
        .map(|_| link.seal(&with_length(&heartbeat.encode_to_vec())))
        .collect();
    link.records().write(&records.concat());
    for n in 1..=MANY {
        let what = format!("answer {n} to {MANY} heartbeats in one write");
        link.expect(&what, |body| matches!(body, Body::Heartbeat(_)).then_some(()))?;
    }
    Ok(())
}

fn first_length(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for length in wrong_lengths(MESSAGE_1) {
        let (connector, _) = fixture.stranger();
        let mut records = connector.records()?;
        records.write(&length.to_be_bytes());
        records.expect_end(&format!("the length bytes of a first record of {length} bytes"))?;
    }
    Ok(())
}

fn third_length(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for length in wrong_lengths(MESSAGE_3) {
        let (connector, mut stranger) = fixture.stranger();
        let mut initiator = connector.initiate(&mut stranger, Deviations::default())?;
        initiator.exchange_1_2()?;
        initiator.records.write(&length.to_be_bytes());
        let after = format!("the length bytes of a third record of {length} bytes");
        initiator.records.expect_end(&after)?;
    }
    Ok(())
}

fn wrong_lengths(right: usize) -> impl Iterator<Item = u16> {
    let right = u16::try_from(right).expect("a few bytes");
    [
        0,
        right - 1,
        right + 1,
        right | 0x100,
        u16::from_be_bytes(*b"GE"),
        u16::MAX,
    ]
    .into_iter()
}

fn later_length(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for length in [0, 17, u16::MAX] {
        let (connector, requester) = fixture.requester()?;
        let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
        link.records().write(&u16::to_be_bytes(length));
        link.expect_end(&format!("the length bytes of a record of {length} bytes"))?;
    }
    Ok(())
}

fn extreme_lengths(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    // An empty frame, and no padding; a heartbeat, and all the padding that there can be.
    link.send_plaintext(&[0, 0]);
    let heartbeat = Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    };
    let mut plaintext = with_length(&heartbeat.encode_to_vec());
    plaintext.resize(65_534 - 16, 0);
    connector.bucket(requester).take(1);
    link.send_plaintext(&plaintext);
    link.expect(
        "an answer to a heartbeat in the longest record, after the shortest one",
        |body| matches!(body, Body::Heartbeat(Heartbeat { reply: false })).then_some(()),
    )
}
