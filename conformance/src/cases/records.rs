//! Section 3.1: records and their lengths.

use sotto_core::wire::link::{Frame, Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::call::{CALL, CONFIRMATION, Lies};
use crate::line::with_length;
use crate::report::Failure;
use crate::world::World;
use prost::Message as _;

pub const CASES: &[Case] = &[
    case!("L-1.1", "takes a stream in any pieces, a byte at a time", byte_by_byte),
    case!("L-1.2", "takes many records from one piece of the stream", many_at_once),
    case!(
        "L-2.1",
        "ends a link whose first record has another length than 48, from its two length bytes alone",
        first_length
    ),
    case!(
        "L-2.2",
        "ends a link whose third record has another length than 160, from its two length bytes alone",
        third_length
    ),
    case!(
        "L-2.3",
        "ends a link whose later record is shorter than 18 bytes or longer than 65534, likewise",
        later_length
    ),
    case!("L-2.4", "takes later records of 18 and of 65534 bytes", extreme_lengths),
];

fn byte_by_byte(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    asker.pace.pay(1);
    let mut call = net.call(asker, Lies::default())?;
    for byte in call.first() {
        call.records.write(&[byte]);
    }
    call.hear_reply()?;
    let mut line = call.finish(asker, &[]);
    line.expect_hello()?;
    let hello = Frame {
        body: Some(Body::Hello(asker.hello(Relationship::Requested))),
    };
    let record = line.seal(&with_length(&hello.encode_to_vec()));
    for byte in record {
        line.records().write(&[byte]);
    }
    line.expect_life("a Hello that came byte by byte")
}

fn many_at_once(world: &mut World<'_>) -> Result<(), Failure> {
    const MANY: u32 = 8;
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    asker.pace.pay(MANY);
    let heartbeat = Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    };
    let records: Vec<Vec<u8>> = (0..MANY)
        .map(|_| line.seal(&with_length(&heartbeat.encode_to_vec())))
        .collect();
    line.records().write(&records.concat());
    for n in 1..=MANY {
        let what = format!("answer {n} to {MANY} heartbeats in one write");
        line.expect(&what, |body| matches!(body, Body::Heartbeat(_)).then_some(()))?;
    }
    Ok(())
}

fn first_length(world: &mut World<'_>) -> Result<(), Failure> {
    for length in wrong_lengths(CALL) {
        let (net, _) = world.stranger();
        let mut records = net.records()?;
        records.write(&length.to_be_bytes());
        records.expect_end(&format!("the length bytes of a first record of {length} bytes"))?;
    }
    Ok(())
}

fn third_length(world: &mut World<'_>) -> Result<(), Failure> {
    for length in wrong_lengths(CONFIRMATION) {
        let (net, mut stranger) = world.stranger();
        let mut call = net.call(&mut stranger, Lies::default())?;
        call.greet()?;
        call.records.write(&length.to_be_bytes());
        let after = format!("the length bytes of a third record of {length} bytes");
        call.records.expect_end(&after)?;
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

fn later_length(world: &mut World<'_>) -> Result<(), Failure> {
    for length in [0, 17, u16::MAX] {
        let (net, asker) = world.asker()?;
        let (mut line, _) = net.greet(asker, Relationship::Requested)?;
        line.records().write(&u16::to_be_bytes(length));
        line.expect_end(&format!("the length bytes of a record of {length} bytes"))?;
    }
    Ok(())
}

fn extreme_lengths(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    // An empty frame, and no padding; a heartbeat, and all the padding that there can be.
    line.send_plaintext(&[0, 0]);
    let heartbeat = Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    };
    let mut plaintext = with_length(&heartbeat.encode_to_vec());
    plaintext.resize(65_534 - 16, 0);
    asker.pace.pay(1);
    line.send_plaintext(&plaintext);
    line.expect(
        "an answer to a heartbeat in the longest record, after the shortest one",
        |body| matches!(body, Body::Heartbeat(Heartbeat { reply: false })).then_some(()),
    )
}
