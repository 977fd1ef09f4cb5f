//! What a driver owes its node, as a ledger of what is open: every input is held against the outputs before it. It knows
//! nothing of stores and streams, so a simulator's host can be held to it as well as a real driver.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::{Cause, CommandId, CommitId, Deadline, FetchId, Input, Intake, LinkId, Monotonic, Now, Output};

/// What is open in one run of a node.
#[derive(Debug, Default)]
pub struct Contract {
    commits: BTreeSet<CommitId>,
    fetches: BTreeSet<FetchId>,
    links: BTreeMap<LinkId, Stream>,
    over: BTreeSet<LinkId>,
    commands: BTreeSet<CommandId>,
    latest: Monotonic,
}

#[derive(Debug, Default)]
struct Stream {
    dialling: bool,
    transmitting: bool,
    hung_up: bool,
}

impl Contract {
    /// The node wants something.
    pub fn wanted(&mut self, output: &Output) {
        match output {
            Output::Commit(id, _) => _ = self.commits.insert(*id),
            Output::Fetch(id, _) => _ = self.fetches.insert(*id),
            Output::Dial(id, _) => {
                let dialling = Stream {
                    dialling: true,
                    ..Stream::default()
                };
                self.links.insert(*id, dialling);
            }
            Output::Transmit(id, _) => self.on(*id, |stream| stream.transmitting = true),
            Output::Hangup(id) => self.on(*id, |stream| stream.hung_up = true),
            Output::Reply(..) | Output::Notify(_) => {}
        }
    }

    /// The node is told something; `deadline` and `intake` are what it said just before. An error says what is wrong.
    pub fn told(&mut self, input: &Input, now: Now, deadline: Option<Deadline>, intake: Intake) -> Result<(), String> {
        if now.monotonic < self.latest {
            return Err(format!(
                "the monotonic clock went back: {:?} after {:?}",
                now.monotonic, self.latest
            ));
        }
        self.latest = now.monotonic;
        let right = match input {
            Input::Command(id, _) => self.commands.insert(*id),
            Input::Stored(id) => self.commits.remove(id),
            Input::Fetched(id, _) => self.fetches.remove(id),
            Input::Accepted(id) => {
                let new = matches!(id, LinkId::Accepted(_)) && !self.over.contains(id);
                new && self.links.insert(*id, Stream::default()).is_none()
            }
            Input::Connected(id) => self.is(*id, |stream| std::mem::take(&mut stream.dialling)),
            Input::Received(_, _) if intake == Intake::Busy => return Err("a busy node is fed bytes".to_owned()),
            Input::Received(id, bytes) => !bytes.is_empty() && self.is(*id, |stream| !stream.dialling),
            Input::Drained(id) => self.is(*id, |stream| std::mem::take(&mut stream.transmitting)),
            Input::Closed(id, cause) => {
                self.over.insert(*id);
                self.links.remove(id).is_some_and(|stream| match cause {
                    Cause::Unreachable => stream.dialling,
                    Cause::Ended => true,
                    Cause::HungUp => stream.hung_up,
                })
            }
            Input::Tick => deadline.is_some_and(|deadline| deadline.at <= now.monotonic),
        };
        right
            .then_some(())
            .ok_or_else(|| format!("nothing called for {}", short(input)))
    }

    /// What has not been completed yet; empty if there is nothing.
    pub fn open(&self) -> String {
        let mut open: Vec<String> = Vec::new();
        open.extend(self.commits.iter().map(|id| format!("{id:?}")));
        open.extend(self.fetches.iter().map(|id| format!("{id:?}")));
        for (id, stream) in &self.links {
            if stream.dialling || stream.transmitting || stream.hung_up {
                open.push(format!("{id:?} {stream:?}"));
            }
        }
        open.join(", ")
    }

    fn on(&mut self, id: LinkId, change: impl FnOnce(&mut Stream)) {
        // A node may speak of a link whose `Closed` is on its way.
        let _ = self.links.get_mut(&id).map(change);
    }

    fn is(&mut self, id: LinkId, test: impl FnOnce(&mut Stream) -> bool) -> bool {
        self.links.get_mut(&id).is_some_and(test)
    }
}

/// In a few words.
pub(super) fn short(input: &Input) -> String {
    match input {
        Input::Received(id, bytes) => format!("Received({id:?}, {} bytes)", bytes.len()),
        Input::Fetched(id, _) => format!("Fetched({id:?})"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::row::Batch;
    use sotto_core::{DeadlineReason, OnionSecret};

    use super::*;

    const LINK: LinkId = LinkId::Dialled(1);

    fn now(millis: u64) -> Now {
        Now {
            monotonic: Monotonic(millis),
            ..Now::default()
        }
    }

    fn tell(contract: &mut Contract, input: &Input) -> bool {
        contract.told(input, now(0), None, Intake::Welcome).is_ok()
    }

    #[test]
    fn a_completion_is_owed_once() {
        let mut contract = Contract::default();
        assert!(
            !tell(&mut contract, &Input::Stored(CommitId(1))),
            "nothing is in flight"
        );
        contract.wanted(&Output::Commit(CommitId(1), Batch::default()));
        assert_eq!(contract.open(), "CommitId(1)");
        assert!(tell(&mut contract, &Input::Stored(CommitId(1))));
        assert_eq!(contract.open(), "");
        assert!(!tell(&mut contract, &Input::Stored(CommitId(1))), "twice");
    }

    #[test]
    fn a_link_is_opened_used_and_closed_in_that_order() {
        let mut contract = Contract::default();
        contract.wanted(&Output::Dial(LINK, OnionSecret::from_seed(&[1; 32]).address()));
        assert!(!tell(&mut contract, &Input::Received(LINK, vec![1])), "not open yet");
        assert!(tell(&mut contract, &Input::Connected(LINK)));
        assert!(!tell(&mut contract, &Input::Connected(LINK)), "twice");
        assert!(tell(&mut contract, &Input::Received(LINK, vec![1])));
        assert!(!tell(&mut contract, &Input::Drained(LINK)), "nothing is being written");
        contract.wanted(&Output::Transmit(LINK, vec![1]));
        assert!(tell(&mut contract, &Input::Drained(LINK)));
        contract.wanted(&Output::Hangup(LINK));
        assert!(tell(&mut contract, &Input::Closed(LINK, Cause::HungUp)));
        assert!(!tell(&mut contract, &Input::Received(LINK, vec![1])), "after its end");
        assert!(!tell(&mut contract, &Input::Closed(LINK, Cause::Ended)), "twice");
    }

    #[test]
    fn clocks_and_ticks_keep_to_the_deadline() {
        let mut contract = Contract::default();
        let due = Some(Deadline {
            at: Monotonic(10),
            reason: DeadlineReason::Retry,
        });
        assert!(contract.told(&Input::Tick, now(9), due, Intake::Welcome).is_err());
        assert!(contract.told(&Input::Tick, now(10), due, Intake::Welcome).is_ok());
        assert!(contract.told(&Input::Tick, now(10), None, Intake::Welcome).is_err());
        let accepted = Input::Accepted(LinkId::Accepted(1));
        assert!(
            contract.told(&accepted, now(9), None, Intake::Welcome).is_err(),
            "back in time"
        );
        assert!(contract.told(&accepted, now(10), None, Intake::Welcome).is_ok());
        let bytes = Input::Received(LinkId::Accepted(1), vec![1]);
        assert!(contract.told(&bytes, now(10), None, Intake::Busy).is_err());
    }
}
