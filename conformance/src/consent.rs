//! What a friend of the target's says and hears on a link, step by step.

use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Ciphertext, frame::Body};

use super::line::Line;
use super::peer::Peer;
use super::report::Failure;

impl Peer {
    /// Asks, and is admitted at once, by invite or as a friend; the session's first ciphertexts are exchanged.
    pub fn enter(&mut self, line: &mut Line, invite: &[u8]) -> Result<(), Failure> {
        let consent = self.ask(line, invite)?;
        line.send(Body::Ack(Ack {
            session_epoch: consent.session_epoch,
            received: 1,
        }));
        let timer = self.say_timer();
        self.deliver(line, timer)
    }

    /// Asks, and is admitted at once; nothing is said after the consent, which is given.
    pub fn ask(&mut self, line: &mut Line, invite: &[u8]) -> Result<Ciphertext, Failure> {
        self.session = None;
        let request = self.request(invite);
        line.send(Body::Request(request));
        let sealed = line.expect_sealed("consent to our request: the first ciphertext of a session")?;
        let content = self.opened(&sealed)?;
        match content.kind {
            Some(Kind::Accept(_)) => Ok(sealed),
            other => Err(Failure::new("the content Accept", format!("{other:?}"))),
        }
    }

    /// Sends a ciphertext, and sees it acknowledged; takes what the target has said before that.
    pub fn deliver(&mut self, line: &mut Line, sealed: Ciphertext) -> Result<(), Failure> {
        let (session_epoch, sequence) = (sealed.session_epoch, sealed.sequence);
        line.send(Body::Ciphertext(sealed));
        line.expect_ack(session_epoch, sequence)?;
        if let Some(session) = &mut self.session {
            session.acknowledged = sequence;
        }
        self.take_all(line)
    }

    /// Takes the ciphertexts of the session that were heard by now, and acknowledges them.
    fn take_all(&mut self, line: &mut Line) -> Result<(), Failure> {
        for sealed in line.ciphertexts() {
            let Some(session) = &self.session else { break };
            let (session_epoch, received) = (session.session_epoch, session.received);
            // Others are of an older session, or were taken before.
            if sealed.session_epoch == session_epoch && sealed.sequence > received {
                self.take(&sealed)?;
                line.send(Body::Ack(Ack {
                    session_epoch,
                    received: sealed.sequence,
                }));
            }
        }
        Ok(())
    }
}
