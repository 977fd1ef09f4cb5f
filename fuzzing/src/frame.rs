//! Bytes as Protocol Buffers: a frame, a content or a bundle. A message that decodes is encoded to bytes that decode to the same, and
//! that are not much longer. A frame crosses a link unchanged, in a record of one of fifteen sizes.

use std::cell::RefCell;
use std::fmt::Debug;

use data_encoding::HEXLOWER;
use prost::Message;
use sotto_core::link::{Link, LinkEvent};
use sotto_core::wire::content::Content;
use sotto_core::wire::link::{Bundle, Frame};
use sotto_testkit::vectors::handshake::{core_dialer, core_listener};

/// Bytes of the longest frame.
const LONGEST: usize = 65_516;

pub(crate) fn run(bytes: &[u8]) {
    read_back::<Content>(bytes);
    read_back::<Bundle>(bytes);
    if let Some(frame) = read_back::<Frame>(bytes)
        && frame.encoded_len() <= LONGEST
    {
        LINK.with_borrow_mut(|link| cross(link, frame));
    }
}

fn read_back<M: Message + Default + PartialEq + Debug>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let written = message.encode_to_vec();
    assert_eq!(written.len(), message.encoded_len());
    // A negative number takes ten bytes, and may have come in five.
    assert!(written.len() <= 2 * bytes.len(), "the encoding has grown");
    let again = M::decode(written.as_slice());
    assert_eq!(again.as_ref(), Ok(&message));
    assert_eq!(again.map(|again| again.encode_to_vec()), Ok(written));
    Some(message)
}

thread_local! {
    /// An open link, used for many frames.
    static LINK: RefCell<[Link; 2]> = RefCell::new(established());
}

fn established() -> [Link; 2] {
    let (mut dialer, mut listener) = (core_dialer(), core_listener());
    for _ in 0..3 {
        carry(&mut dialer, &mut listener);
        carry(&mut listener, &mut dialer);
    }
    [dialer, listener]
}

/// Returns how many bytes were sent.
fn carry(from: &mut Link, to: &mut Link) -> usize {
    let bytes = from.transmit().unwrap_or_default();
    if !bytes.is_empty() {
        from.drained();
    }
    to.receive(&bytes);
    let event = to.event();
    assert!(
        matches!(event, Ok(None | Some(LinkEvent::Authenticated(_)))),
        "{event:?}"
    );
    bytes.len()
}

fn cross([from, to]: &mut [Link; 2], frame: Frame) {
    from.send(&frame);
    let record = from.transmit().expect("a frame waits");
    from.drained();
    let size = record.len();
    let power = size.is_power_of_two() || (size / 3).is_power_of_two() && size.is_multiple_of(3);
    assert!(power && (512..=65_536).contains(&size), "a record of {size} bytes");
    // The record arrives in two pieces.
    let (head, tail) = record.split_at(size / 3);
    to.receive(head);
    assert_eq!(to.event(), Ok(None));
    to.receive(tail);
    assert_eq!(to.event(), Ok(Some(LinkEvent::Frame(frame))));
    assert_eq!(to.event(), Ok(None));
}

/// The golden vectors.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let files = sotto_testkit::vectors::files();
    let texts = files
        .iter()
        .filter(|(name, _)| matches!(*name, "frames.json" | "contents.json"));
    texts
        .flat_map(|(_, text)| text.split("\"encoded\": \"").skip(1))
        .filter_map(|rest| HEXLOWER.decode(rest.split('"').next()?.as_bytes()).ok())
        .collect()
}
