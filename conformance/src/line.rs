//! An open link to the target: frames both ways, each way's records looked at.

use std::time::{Duration, Instant};

use prost::Message as _;
use snow::TransportState;
use sotto_core::wire::link::{Bundle, Ciphertext, Frame, Heartbeat, Hello, RequestStatus, frame::Body};

use super::pace::Pace;
use super::records::{Came, Records};
use super::report::Failure;

/// Sizes that a record may have, its length included [L-11].
const SIZES: [usize; 15] = [
    512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536,
];
/// Bytes of a record that are not of its plaintext.
const AROUND: usize = 2 + 16;

/// What the target said.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once, from the decoder to whoever asked")]
pub enum Heard {
    /// A frame, `None` without a body.
    Frame(Option<Body>),
    /// The link has ended.
    End,
    /// Nothing more within the patience.
    Silence,
}

/// An authenticated link.
pub struct Line {
    records: Records,
    state: TransportState,
    pace: Pace,
    /// What was heard and nobody has asked for, in order.
    pub heard: Vec<Body>,
    /// Of every record heard: the bytes of its frame, and of the whole record.
    pub sizes: Vec<(usize, usize)>,
}

impl Line {
    /// The handshake is over.
    pub fn new(records: Records, state: TransportState, pace: Pace) -> Self {
        Self {
            records,
            state,
            pace,
            heard: Vec::new(),
            sizes: Vec::new(),
        }
    }

    /// The stream, for whoever is done with frames.
    pub fn records(&mut self) -> &mut Records {
        &mut self.records
    }

    /// Sends a frame, waiting until the target's bucket for us pays for it.
    pub fn send(&mut self, body: Body) {
        if !matches!(body, Body::Ciphertext(_) | Body::Ack(_)) {
            self.pace.pay(1);
        }
        self.send_unpaced(body);
    }

    /// Sends a frame at once.
    pub fn send_unpaced(&mut self, body: Body) {
        let plaintext = padded(&Frame { body: Some(body) }.encode_to_vec());
        self.send_plaintext(&plaintext);
    }

    /// Sends an encoded frame, whatever it is, well padded.
    pub fn send_encoded(&mut self, frame: &[u8]) {
        self.send_plaintext(&padded(frame));
    }

    /// Sends a record of this plaintext, padding and all.
    pub fn send_plaintext(&mut self, plaintext: &[u8]) {
        let record = self.seal(plaintext);
        self.records.write(&record);
    }

    /// The next record, of this plaintext.
    pub fn seal(&mut self, plaintext: &[u8]) -> Vec<u8> {
        crate::noise::seal(&mut self.state, plaintext)
    }

    /// The next frame of the target's, or what came in its place.
    pub fn next(&mut self, patience: Duration) -> Result<Heard, Failure> {
        let record = match self.records.next(patience) {
            Came::Record(record) => record,
            Came::End(0) => return Ok(Heard::End),
            Came::Silence(0) => return Ok(Heard::Silence),
            Came::End(bytes) | Came::Silence(bytes) => {
                return Err(Failure::new("whole records", format!("{bytes} bytes of one")));
            }
        };
        let mut plaintext = vec![0; record.len()];
        let length = self
            .state
            .read_message(&record, &mut plaintext)
            .map_err(|_| Failure::new("records that authenticate", "one that does not"))?;
        let frame = framed(&plaintext[..length])
            .ok_or_else(|| Failure::new("a length, a frame and zeros in each record", "something else"))?;
        self.sizes.push((frame.len(), record.len() + 2));
        let frame = Frame::decode(frame).map_err(|error| Failure::new("a Frame", error.to_string()))?;
        Ok(Heard::Frame(frame.body))
    }

    /// The first frame of which `wanted` makes something; what comes before it is kept in `heard`.
    pub fn expect<T>(&mut self, what: &str, mut wanted: impl FnMut(&Body) -> Option<T>) -> Result<T, Failure> {
        let deadline = Instant::now() + self.records.patience;
        let from = self.heard.len();
        loop {
            let end = match self.next(deadline.saturating_duration_since(Instant::now()))? {
                Heard::Frame(Some(body)) => {
                    if let Some(found) = wanted(&body) {
                        return Ok(found);
                    }
                    self.heard.push(body);
                    continue;
                }
                Heard::Frame(None) => continue,
                Heard::End => "the link's end".to_owned(),
                Heard::Silence => format!("nothing more within {:?}", self.records.patience),
            };
            let before = self.heard[from..].iter().map(|body| name(body).to_owned());
            let came: Vec<String> = before.chain([end]).collect();
            return Err(Failure::new(what, came.join(", then ")));
        }
    }

    /// Their Hello, which is to be the first frame.
    pub fn expect_hello(&mut self) -> Result<Hello, Failure> {
        let from = self.heard.len();
        let hello = self.expect("Hello", |body| match body {
            Body::Hello(hello) => Some(hello.clone()),
            _ => None,
        })?;
        match self.heard.get(from) {
            None => Ok(hello),
            Some(body) => Err(Failure::new("Hello before any other frame", name(body))),
        }
    }

    /// A ciphertext.
    pub fn expect_sealed(&mut self, what: &str) -> Result<Ciphertext, Failure> {
        self.expect(what, |body| match body {
            Body::Ciphertext(sealed) => Some(sealed.clone()),
            _ => None,
        })
    }

    /// An acknowledgement of just this.
    pub fn expect_ack(&mut self, session_epoch: u64, received: u64) -> Result<(), Failure> {
        let what = format!("Ack of {received} in session epoch {session_epoch}");
        self.expect(&what, |body| match body {
            Body::Ack(ack) => (ack.session_epoch == session_epoch && ack.received == received).then_some(()),
            _ => None,
        })
    }

    /// What became of a request.
    pub fn expect_answer(&mut self, relationship: sotto_core::wire::link::Relationship) -> Result<(), Failure> {
        let wanted = RequestStatus {
            relationship: relationship.into(),
        };
        self.expect(&format!("RequestStatus {relationship:?}"), |body| {
            (*body == Body::RequestStatus(wanted)).then_some(())
        })
    }

    /// A bundle for us.
    pub fn expect_offer(&mut self, what: &str) -> Result<(u64, Bundle), Failure> {
        self.expect(what, |body| match body {
            Body::PreKeyOffer(offer) => Some((offer.session_epoch, offer.bundle.clone().unwrap_or_default())),
            _ => None,
        })
    }

    /// That the link still lives, and all that was said on it has been looked at: the target answers a heartbeat.
    pub fn expect_life(&mut self, after: &str) -> Result<(), Failure> {
        self.send(Body::Heartbeat(Heartbeat { reply: true }));
        let what = format!("the link lives on after {after}, and a heartbeat is answered");
        self.expect(&what, |body| {
            matches!(body, Body::Heartbeat(Heartbeat { reply: false })).then_some(())
        })
    }

    /// The ciphertexts that were heard and that nobody has asked for.
    pub fn ciphertexts(&mut self) -> Vec<Ciphertext> {
        let sealed = |body: &mut Body| matches!(body, Body::Ciphertext(_));
        let found = self.heard.extract_if(.., sealed);
        found
            .filter_map(|body| match body {
                Body::Ciphertext(sealed) => Some(sealed),
                _ => None,
            })
            .collect()
    }

    /// That nothing of this kind was heard.
    pub fn expect_none(&self, what: &str, such: impl Fn(&Body) -> bool) -> Result<(), Failure> {
        match self.heard.iter().find(|body| such(body)) {
            None => Ok(()),
            Some(body) => Err(Failure::new(format!("no {what}"), name(body))),
        }
    }

    /// That the target ends the link. What it had to say before is heard out.
    pub fn expect_end(&mut self, after: &str) -> Result<(), Failure> {
        let expected = || format!("the link ends after {after}");
        let deadline = Instant::now() + self.records.patience;
        loop {
            match self.next(deadline.saturating_duration_since(Instant::now()))? {
                Heard::End => return Ok(()),
                Heard::Silence => {
                    let came = format!("it is still up after {:?}", self.records.patience);
                    return Err(Failure::new(expected(), came));
                }
                Heard::Frame(Some(body)) => self.heard.push(body),
                Heard::Frame(None) => {}
            }
        }
    }
}

/// An encoded frame with its length, and zeros up to the size that its record is to have.
pub fn padded(frame: &[u8]) -> Vec<u8> {
    let size = record_size(frame.len());
    let mut plaintext = with_length(frame);
    plaintext.resize(size - AROUND, 0);
    plaintext
}

/// An encoded frame with its length, and no padding.
pub fn with_length(frame: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frame.len()).expect("a frame is shorter than 64 KiB");
    [&length.to_be_bytes()[..], frame].concat()
}

/// The whole size of the record that a frame of this length is to have [L-11].
pub fn record_size(frame: usize) -> usize {
    let needed = AROUND + 2 + frame;
    let size = SIZES.into_iter().find(|size| *size >= needed);
    size.expect("a frame that fits the longest record")
}

fn framed(plaintext: &[u8]) -> Option<&[u8]> {
    let (length, rest) = plaintext.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let padding = rest.get(length..)?;
    padding.iter().all(|byte| *byte == 0).then(|| &rest[..length])
}

/// A frame's kind.
pub fn name(body: &Body) -> &'static str {
    match body {
        Body::Hello(_) => "Hello",
        Body::Request(_) => "Request",
        Body::RequestStatus(_) => "RequestStatus",
        Body::PreKeyOffer(_) => "PreKeyOffer",
        Body::Ciphertext(_) => "Ciphertext",
        Body::Ack(_) => "Ack",
        Body::Heartbeat(_) => "Heartbeat",
        Body::Presence(_) => "Presence",
        Body::Typing(_) => "Typing",
    }
}
