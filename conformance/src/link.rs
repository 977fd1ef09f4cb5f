//! [`TestLink`]: an authenticated link to the target. It sends frames, correct or not, checks every record that it receives, and
//! takes the steps of a contact: request, consent, delivery.

use std::time::{Duration, Instant};

use prost::Message as _;
use snow::TransportState;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Bundle, Ciphertext, Frame, Heartbeat, Hello, frame::Body};

use super::record_stream::{NextRecord, RecordStream};
use super::report::Failure;
use super::test_peer::TestPeer;
use super::token_bucket::TokenBucket;

/// Sizes that a record may have, its length included [L-11].
const SIZES: [usize; 15] = [
    512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536,
];
/// Bytes of a record beside its plaintext: length and tag.
const OVERHEAD: usize = 2 + 16;

/// What came from the target.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once, from the decoder to the caller")]
pub enum Received {
    /// A frame, `None` without a body.
    Frame(Option<Body>),
    /// The end of the link.
    End,
    /// Nothing within the timeout.
    Timeout,
}

/// An authenticated link.
pub struct TestLink {
    records: RecordStream,
    state: TransportState,
    bucket: TokenBucket,
    /// Frames received that no `expect` has taken, in order.
    pub received: Vec<Body>,
    /// Of every record received: the length of its frame and of the whole record.
    pub sizes: Vec<(usize, usize)>,
}

impl TestLink {
    /// A link after its handshake.
    pub fn new(records: RecordStream, state: TransportState, bucket: TokenBucket) -> Self {
        Self {
            records,
            state,
            bucket,
            received: Vec::new(),
            sizes: Vec::new(),
        }
    }

    /// The stream, for raw bytes.
    pub fn records(&mut self) -> &mut RecordStream {
        &mut self.records
    }

    /// Sends a frame, after waiting for a token of our bucket at the target.
    pub fn send(&mut self, body: Body) {
        if !matches!(body, Body::Ciphertext(_) | Body::Ack(_)) {
            self.bucket.take(1);
        }
        self.send_unmetered(body);
    }

    /// Sends a frame without a token.
    pub fn send_unmetered(&mut self, body: Body) {
        let plaintext = padded(&Frame { body: Some(body) }.encode_to_vec());
        self.send_plaintext(&plaintext);
    }

    /// Sends the bytes of a frame, correctly padded.
    pub fn send_encoded(&mut self, frame: &[u8]) {
        self.send_plaintext(&padded(frame));
    }

    /// Sends a record with this plaintext, which includes the padding.
    pub fn send_plaintext(&mut self, plaintext: &[u8]) {
        let record = self.seal(plaintext);
        self.records.write(&record);
    }

    /// The next record, with this plaintext.
    pub fn seal(&mut self, plaintext: &[u8]) -> Vec<u8> {
        super::noise::seal(&mut self.state, plaintext)
    }

    /// Waits for the next frame.
    pub fn next(&mut self, timeout: Duration) -> Result<Received, Failure> {
        let record = match self.records.next(timeout) {
            NextRecord::Record(record) => record,
            NextRecord::End(0) => return Ok(Received::End),
            NextRecord::Timeout(0) => return Ok(Received::Timeout),
            NextRecord::End(bytes) | NextRecord::Timeout(bytes) => {
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
        Ok(Received::Frame(frame.body))
    }

    /// Waits for the first frame for which `wanted` returns a value. Earlier frames are kept in `received`.
    pub fn expect<T>(&mut self, what: &str, mut wanted: impl FnMut(&Body) -> Option<T>) -> Result<T, Failure> {
        let deadline = Instant::now() + self.records.timeout;
        let from = self.received.len();
        loop {
            let end = match self.next(deadline.saturating_duration_since(Instant::now()))? {
                Received::Frame(Some(body)) => {
                    if let Some(found) = wanted(&body) {
                        return Ok(found);
                    }
                    self.received.push(body);
                    continue;
                }
                Received::Frame(None) => continue,
                Received::End => "the end of the link".to_owned(),
                Received::Timeout => format!("nothing more within {:?}", self.records.timeout),
            };
            let before = self.received[from..].iter().map(|body| name(body).to_owned());
            let actual: Vec<String> = before.chain([end]).collect();
            return Err(Failure::new(what, actual.join(", then ")));
        }
    }

    /// Waits for Hello, which must be the first frame.
    pub fn expect_hello(&mut self) -> Result<Hello, Failure> {
        let from = self.received.len();
        let hello = self.expect("Hello", |body| match body {
            Body::Hello(hello) => Some(hello.clone()),
            _ => None,
        })?;
        match self.received.get(from) {
            None => Ok(hello),
            Some(body) => Err(Failure::new("Hello before any other frame", name(body))),
        }
    }

    /// Waits for a ciphertext.
    pub fn expect_ciphertext(&mut self, what: &str) -> Result<Ciphertext, Failure> {
        self.expect(what, |body| match body {
            Body::Ciphertext(sealed) => Some(sealed.clone()),
            _ => None,
        })
    }

    /// Waits for exactly this acknowledgement.
    pub fn expect_ack(&mut self, session_epoch: u64, received: u64) -> Result<(), Failure> {
        let what = format!("Ack of {received} in session epoch {session_epoch}");
        self.expect(&what, |body| match body {
            Body::Ack(ack) => (ack.session_epoch == session_epoch && ack.received == received).then_some(()),
            _ => None,
        })
    }

    /// Waits for the status of a request.
    pub fn expect_request_status(&mut self, relationship: sotto_core::wire::link::Relationship) -> Result<(), Failure> {
        self.expect(&format!("RequestStatus {relationship:?}"), |body| match body {
            Body::RequestStatus(status) if status.relationship() == relationship => Some(()),
            _ => None,
        })
    }

    /// Waits for a bundle for us.
    pub fn expect_offer(&mut self, what: &str) -> Result<(u64, Bundle), Failure> {
        self.expect(what, |body| match body {
            Body::PreKeyOffer(offer) => Some((offer.session_epoch, offer.bundle.clone().unwrap_or_default())),
            _ => None,
        })
    }

    /// Checks that the link is up and that the target has handled every frame so far: it answers a heartbeat.
    pub fn expect_alive(&mut self, after: &str) -> Result<(), Failure> {
        self.send(Body::Heartbeat(Heartbeat { reply: true }));
        let what = format!("the link stays up after {after}, and a heartbeat is answered");
        self.expect(&what, |body| {
            matches!(body, Body::Heartbeat(Heartbeat { reply: false })).then_some(())
        })
    }

    /// Takes the ciphertexts out of `received`.
    pub fn ciphertexts(&mut self) -> Vec<Ciphertext> {
        let sealed = |body: &mut Body| matches!(body, Body::Ciphertext(_));
        let found = self.received.extract_if(.., sealed);
        found
            .filter_map(|body| match body {
                Body::Ciphertext(sealed) => Some(sealed),
                _ => None,
            })
            .collect()
    }

    /// Checks that no such frame was received.
    pub fn expect_none(&self, what: &str, predicate: impl Fn(&Body) -> bool) -> Result<(), Failure> {
        match self.received.iter().find(|body| predicate(body)) {
            None => Ok(()),
            Some(body) => Err(Failure::new(format!("no {what}"), name(body))),
        }
    }

    /// Waits for the target to end the link. Frames before the end are kept in `received`.
    pub fn expect_end(&mut self, after: &str) -> Result<(), Failure> {
        let expected = || format!("the link ends after {after}");
        let deadline = Instant::now() + self.records.timeout;
        loop {
            match self.next(deadline.saturating_duration_since(Instant::now()))? {
                Received::End => return Ok(()),
                Received::Timeout => {
                    let actual = format!("the link is still up after {:?}", self.records.timeout);
                    return Err(Failure::new(expected(), actual));
                }
                Received::Frame(Some(body)) => self.received.push(body),
                Received::Frame(None) => {}
            }
        }
    }

    /// Sends a request that is accepted at once, by invite or as a contact, and exchanges the first ciphertexts of the session.
    pub fn become_contact(&mut self, peer: &mut TestPeer, invite: &[u8]) -> Result<(), Failure> {
        let consent = self.request_session(peer, invite)?;
        self.send(Body::Ack(Ack {
            session_epoch: consent.session_epoch,
            received: 1,
        }));
        let timer = peer.encrypt_timer();
        self.deliver(peer, timer)
    }

    /// Sends a request that is accepted at once. Returns the consent, to which nothing was sent.
    pub fn request_session(&mut self, peer: &mut TestPeer, invite: &[u8]) -> Result<Ciphertext, Failure> {
        peer.session = None;
        let request = peer.request(invite);
        self.send(Body::Request(request));
        let consent = self.expect_ciphertext("consent to our request: the first ciphertext of a session")?;
        let content = peer.accept_session(&consent)?;
        match content.kind {
            Some(Kind::Accept(_)) => Ok(consent),
            other => Err(Failure::new("the content Accept", format!("{other:?}"))),
        }
    }

    /// Sends a ciphertext and waits for its acknowledgement. Takes the target's ciphertexts before that.
    pub fn deliver(&mut self, peer: &mut TestPeer, ciphertext: Ciphertext) -> Result<(), Failure> {
        let (session_epoch, sequence) = (ciphertext.session_epoch, ciphertext.sequence);
        self.send(Body::Ciphertext(ciphertext));
        self.expect_ack(session_epoch, sequence)?;
        if let Some(session) = &mut peer.session {
            session.acknowledged = sequence;
        }
        self.receive_ciphertexts(peer)
    }

    /// Decrypts and acknowledges the received ciphertexts of the session.
    fn receive_ciphertexts(&mut self, peer: &mut TestPeer) -> Result<(), Failure> {
        for ciphertext in self.ciphertexts() {
            let Some(session) = &peer.session else { break };
            let (session_epoch, received) = (session.session_epoch, session.received);
            // Others are of an older session or were taken before.
            if ciphertext.session_epoch == session_epoch && ciphertext.sequence > received {
                peer.decrypt(&ciphertext)?;
                self.send(Body::Ack(Ack {
                    session_epoch,
                    received: ciphertext.sequence,
                }));
            }
        }
        Ok(())
    }
}

/// The plaintext of an encoded frame: its length, the frame, and zeros up to the size of the record [L-11].
pub fn padded(frame: &[u8]) -> Vec<u8> {
    let size = record_size(frame.len());
    let mut plaintext = with_length(frame);
    plaintext.resize(size - OVERHEAD, 0);
    plaintext
}

/// The plaintext of an encoded frame without padding.
pub fn with_length(frame: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frame.len()).expect("a frame is shorter than 64 KiB");
    [&length.to_be_bytes()[..], frame].concat()
}

/// The size of the whole record for a frame of this length [L-11].
pub fn record_size(frame: usize) -> usize {
    let needed = OVERHEAD + 2 + frame;
    let size = SIZES.into_iter().find(|size| *size >= needed);
    size.expect("a frame that fits the longest record")
}

fn framed(plaintext: &[u8]) -> Option<&[u8]> {
    let (length, rest) = plaintext.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let padding = rest.get(length..)?;
    padding.iter().all(|byte| *byte == 0).then(|| &rest[..length])
}

/// The kind of a frame.
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
