//! Section 3.3: the content and the size of a record; a fault ends the link without a byte.

use prost::Message as _;
use sotto_core::wire::link::{Frame, Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::link::{padded, record_size, with_length};
use crate::report::Failure;

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
    case!("L-11.2", "accepts records of other sizes", other_sizes),
    case!("L-12.1", "ends a link on a record that was changed", changed),
    case!("L-12.2", "ends a link on a repeated record", twice),
    case!("L-12.3", "ends a link on a frame that does not decode", undecodable),
    case!("L-8.2", "ends a link on a fault without sending a byte", without_a_word),
];

fn heartbeat() -> Vec<u8> {
    let body = Body::Heartbeat(Heartbeat { reply: true });
    Frame { body: Some(body) }.encode_to_vec()
}

/// A plaintext that ends the link.
fn refused(fixture: &mut Fixture<'_>, plaintext: &[u8], what: &str) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    link.send_plaintext(plaintext);
    link.expect_end(what)
}

fn length_exceeds(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let frame = heartbeat();
    let mut plaintext = padded(&frame);
    let room = u16::try_from(plaintext.len() - 2).expect("a small record");
    plaintext[..2].copy_from_slice(&(room + 1).to_be_bytes());
    refused(fixture, &plaintext, "a length one beyond the record")?;
    plaintext[..2].copy_from_slice(&u16::MAX.to_be_bytes());
    refused(fixture, &plaintext, "a length of 65535")
}

fn last_byte(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let mut plaintext = padded(&heartbeat());
    *plaintext.last_mut().expect("padding") = 1;
    refused(fixture, &plaintext, "padding that ends in 1")
}

fn first_byte(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let frame = heartbeat();
    let mut plaintext = padded(&frame);
    plaintext[2 + frame.len()] = 0x80;
    refused(fixture, &plaintext, "padding that begins with 128")
}

fn right_sizes(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    // Hello, consent (a large frame), presence, Ack, heartbeat: small ones.
    let mut link = connector.session_link(friend)?;
    link.expect_alive("consent")?;
    for (frame, record) in &link.sizes {
        let right = record_size(*frame);
        if *record != right {
            return Err(Failure::new(
                format!("a record of {right} bytes for a frame of {frame}"),
                format!("one of {record}"),
            ));
        }
    }
    let large = link.sizes.iter().any(|(frame, _)| *frame > 1000);
    let small = link.sizes.iter().any(|(frame, _)| *frame < 400);
    (large && small)
        .then_some(())
        .ok_or_else(|| Failure::new("frames of several sizes", format!("{:?}", link.sizes)))
}

fn other_sizes(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let frame = with_length(&heartbeat());
    for padding in [0, 1, 300, 3000] {
        connector.bucket(requester).take(1);
        link.send_plaintext(&[&frame[..], &vec![0; padding]].concat());
        let what = format!("an answer to a heartbeat with {padding} bytes of padding");
        link.expect(&what, |body| matches!(body, Body::Heartbeat(_)).then_some(()))?;
    }
    Ok(())
}

fn changed(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for at in [2, 100, 511] {
        let (connector, requester) = fixture.requester()?;
        let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
        let mut record = link.seal(&padded(&heartbeat()));
        record[at] ^= 1;
        link.records().write(&record);
        link.expect_end(&format!("a record whose byte {at} was changed"))?;
    }
    Ok(())
}

fn twice(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let record = link.seal(&padded(&[]));
    link.records().write(&[&record[..], &record].concat());
    link.expect_end("the same record twice")
}

fn undecodable(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let frame = heartbeat();
    for (frame, what) in [
        (&[0xff; 30][..], "bytes that are no Protocol Buffers"),
        (&frame[..frame.len() - 1], "a frame that is cut off"),
        (&[0x3a, 0x02, 0x08], "a field that is longer than its frame"),
    ] {
        refused(fixture, &padded(frame), what)?;
    }
    Ok(())
}

fn without_a_word(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    // Everything that the target sends on its own has come.
    link.expect_alive("Hello")?;
    link.records().write(&[0, 20]);
    link.records().write(&[0x55; 20]);
    link.records().expect_end("a record that does not authenticate")
}
