//! Section 3.3: the size of the record of a frame, and valid and invalid records.

use prost::Message;
use sotto_core::link::{Link, LinkEvent};
use sotto_core::wire::link::{Ciphertext, Frame, Heartbeat, frame::Body};

use super::handshake::{core_dialer, core_listener};
use super::json::{Json, hex, list, object};

/// The sizes of [L-11].
const SIZES: [usize; 15] = [
    512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536,
];

pub fn records() -> Json {
    let heartbeat = Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    }
    .encode_to_vec();
    let framed = |frame: &[u8], padding: &[u8]| {
        let length = u16::try_from(frame.len()).expect("short");
        [&length.to_be_bytes()[..], frame, padding].concat()
    };
    let taken = [
        (&heartbeat[..], 0, "not padded"),
        (&heartbeat[..], 300, "padded to no size of the table"),
        (&[], 0, "an empty frame: it has no known body and is ignored"),
        (
            &[0xf8, 0x07, 1],
            0,
            "field 127: the frame has no known body and is ignored",
        ),
    ]
    .map(|(frame, padding, what)| {
        object([
            ("what", what.into()),
            ("plaintext", hex(framed(frame, &vec![0; padding]))),
            ("frame", hex(frame)),
        ])
    });
    let refused = [
        (
            framed(&heartbeat, &[0, 0, 1]),
            "padding",
            "the padding's last byte is not zero",
        ),
        (
            framed(&heartbeat, &[1, 0, 0]),
            "padding",
            "the padding's first byte is not zero",
        ),
        (vec![0, 3, 1, 1], "padding", "the length exceeds what follows"),
        (vec![0xff; 4], "padding", "the length exceeds what follows"),
        (
            framed(&heartbeat[..heartbeat.len() - 1], &[]),
            "frame",
            "the frame is cut off",
        ),
        (framed(&[0xff; 30], &[]), "frame", "the frame is no protobuf"),
    ]
    .map(|(plaintext, reason, what)| {
        object([
            ("what", what.into()),
            ("plaintext", hex(plaintext)),
            ("reason", reason.into()),
        ])
    });
    object([
        (
            "about",
            "PROTOCOL.md [L-2], [L-10], [L-11]. A frame of at most longest_frame bytes, and no shorter size holds it, \
             travels in a record of record bytes, the length bytes included. A receiver takes the plaintexts of taken \
             (ending in that frame) and ends the link at those of refused. n is a record's length as its first two \
             bytes say it."
                .into(),
        ),
        ("sizes", list(sizes())),
        ("n_min", 18_u32.into()),
        ("n_max", 65_534_u32.into()),
        ("taken", list(taken)),
        ("refused", list(refused)),
    ])
}

/// Measured: the longest frame of each size.
fn sizes() -> Vec<Json> {
    let mut link = open();
    let mut size_of = |frame: usize| {
        link.send(&frame_of(frame));
        let bytes = link.transmit().expect("a record");
        link.drained();
        bytes.len()
    };
    let mut rows = Vec::new();
    for (n, size) in SIZES.into_iter().enumerate() {
        let longest = size - 20;
        assert_eq!(size_of(longest), size);
        if let Some(next) = SIZES.get(n + 1) {
            assert_eq!(size_of(longest + 1), *next);
        }
        rows.push(object([("record", size.into()), ("longest_frame", longest.into())]));
    }
    rows
}

/// A dialer with an open link.
fn open() -> Link {
    let (mut dialer, mut listener) = (core_dialer(), core_listener());
    listener.receive(&dialer.transmit().expect("message 1"));
    dialer.drained();
    assert_eq!(listener.event(), Ok(None));
    dialer.receive(&listener.transmit().expect("message 2"));
    assert!(matches!(dialer.event(), Ok(Some(LinkEvent::Authenticated(_)))));
    dialer.transmit().expect("message 3");
    dialer.drained();
    dialer
}

/// A frame of exactly this many bytes.
fn frame_of(bytes: usize) -> Frame {
    let sealed = |sequence, ciphertext| Frame {
        body: Some(Body::Ciphertext(Ciphertext {
            session_epoch: 1,
            sequence,
            ciphertext: vec![7; ciphertext],
        })),
    };
    // Where the length of the nested message grows by a byte, another sequence number compensates for it.
    let mut candidates = (bytes - 24..bytes).flat_map(|length| [0, 1, 128].map(|sequence| sealed(sequence, length)));
    candidates.find(|frame| frame.encoded_len() == bytes).expect("one fits")
}
