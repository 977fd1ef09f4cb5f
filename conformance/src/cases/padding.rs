//! Section 3.3: what is in a record, and what a record looks like; and that a fault ends the link without a word.

use prost::Message as _;
use sotto_core::wire::link::{Frame, Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::line::{padded, record_size, with_length};
use crate::report::Failure;
use crate::world::{Side, World};

pub const CASES: &[Case] = &[
    case!(
        "L-10.1",
        "ends a link on a length that exceeds the record",
        length_exceeds
    ),
    case!(
        "L-10.2",
        "ends a link on padding whose last byte is not zero",
        last_byte
    ),
    case!(
        "L-10.3",
        "ends a link on padding whose first byte is not zero",
        first_byte
    ),
    case!(
        "L-11.1",
        Larger,
        "pads every record to the smallest size that holds it",
        right_sizes
    ),
    case!("L-11.2", "takes records of sizes that are none of those", other_sizes),
    case!("L-12.1", "ends a link on a record that was changed", changed),
    case!("L-12.2", "ends a link on a record that comes twice", twice),
    case!("L-12.3", "ends a link on a frame that does not decode", undecodable),
    case!("L-8.2", "ends a link on a fault without a word", without_a_word),
];

fn heartbeat() -> Vec<u8> {
    let body = Body::Heartbeat(Heartbeat { reply: true });
    Frame { body: Some(body) }.encode_to_vec()
}

/// A plaintext that ends the link.
fn refused(world: &mut World<'_>, plaintext: &[u8], what: &str) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    line.send_plaintext(plaintext);
    line.expect_end(what)
}

fn length_exceeds(world: &mut World<'_>) -> Result<(), Failure> {
    let frame = heartbeat();
    let mut plaintext = padded(&frame);
    let room = u16::try_from(plaintext.len() - 2).expect("a small record");
    plaintext[..2].copy_from_slice(&(room + 1).to_be_bytes());
    refused(world, &plaintext, "a length one beyond the record")?;
    plaintext[..2].copy_from_slice(&u16::MAX.to_be_bytes());
    refused(world, &plaintext, "a length of 65535")
}

fn last_byte(world: &mut World<'_>) -> Result<(), Failure> {
    let mut plaintext = padded(&heartbeat());
    *plaintext.last_mut().expect("padding") = 1;
    refused(world, &plaintext, "padding that ends in 1")
}

fn first_byte(world: &mut World<'_>) -> Result<(), Failure> {
    let frame = heartbeat();
    let mut plaintext = padded(&frame);
    plaintext[2 + frame.len()] = 0x80;
    refused(world, &plaintext, "padding that begins with 128")
}

fn right_sizes(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    // Hello, consent (a large frame), presence, Ack, heartbeat: small ones.
    let mut line = net.flowing(friend)?;
    line.expect_life("consent")?;
    for (frame, record) in &line.sizes {
        let right = record_size(*frame);
        if *record != right {
            return Err(Failure::new(
                format!("a record of {right} bytes for a frame of {frame}"),
                format!("one of {record}"),
            ));
        }
    }
    let large = line.sizes.iter().any(|(frame, _)| *frame > 1000);
    let small = line.sizes.iter().any(|(frame, _)| *frame < 400);
    (large && small)
        .then_some(())
        .ok_or_else(|| Failure::new("frames of several sizes", format!("{:?}", line.sizes)))
}

fn other_sizes(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let frame = with_length(&heartbeat());
    for padding in [0, 1, 300, 3000] {
        asker.pace.pay(1);
        line.send_plaintext(&[&frame[..], &vec![0; padding]].concat());
        let what = format!("an answer to a heartbeat with {padding} bytes of padding");
        line.expect(&what, |body| matches!(body, Body::Heartbeat(_)).then_some(()))?;
    }
    Ok(())
}

fn changed(world: &mut World<'_>) -> Result<(), Failure> {
    for at in [2, 100, 511] {
        let (net, asker) = world.asker()?;
        let (mut line, _) = net.greet(asker, Relationship::Requested)?;
        let mut record = line.seal(&padded(&heartbeat()));
        record[at] ^= 1;
        line.records().write(&record);
        line.expect_end(&format!("a record whose byte {at} was changed"))?;
    }
    Ok(())
}

fn twice(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let record = line.seal(&padded(&[]));
    line.records().write(&[&record[..], &record].concat());
    line.expect_end("the same record twice")
}

fn undecodable(world: &mut World<'_>) -> Result<(), Failure> {
    let frame = heartbeat();
    for (frame, what) in [
        (&[0xff; 30][..], "bytes that are no Protocol Buffers"),
        (&frame[..frame.len() - 1], "a frame that is cut off"),
        (&[0x3a, 0x02, 0x08], "a field that is longer than its frame"),
    ] {
        refused(world, &padded(frame), what)?;
    }
    Ok(())
}

fn without_a_word(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    // Whatever it had to say is said.
    line.expect_life("Hello")?;
    line.records().write(&[0, 20]);
    line.records().write(&[0x55; 20]);
    line.records().expect_end("a record that does not authenticate")
}
