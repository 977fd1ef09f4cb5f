//! [`Contract`]: the driver's contract (see [`sotto_core`]) as a ledger. It checks every input against the outputs before it.
//! It knows nothing of stores and streams, so it checks the simulator's host as well as a real driver.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::{Cause, CommandId, CommitId, Deadline, FetchId, Input, Intake, LinkId, Monotonic, Now, Output};

/// The outputs of one run of a node that have no completion yet.
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
    /// Records an output.
    pub fn output(&mut self, output: &Output) {
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

    /// Checks an input. `deadline` and `intake` are what the node reported just before it. The error says what is wrong.
    pub fn input(&mut self, input: &Input, now: Now, deadline: Option<Deadline>, intake: Intake) -> Result<(), String> {
        if now.monotonic < self.latest {
            return Err(format!(
                "the monotonic clock went back: {:?} after {:?}",
                now.monotonic, self.latest
            ));
        }
        self.latest = now.monotonic;
        let expected = match input {
            Input::Command(id, _) => self.commands.insert(*id),
            Input::Stored(id) => self.commits.remove(id),
            Input::Fetched(id, _) => self.fetches.remove(id),
            Input::Accepted(id, _) => {
                let new = matches!(id, LinkId::Accepted(_)) && !self.over.contains(id);
                new && self.links.insert(*id, Stream::default()).is_none()
            }
            Input::Connected(id) => self.is(*id, |stream| std::mem::take(&mut stream.dialling)),
            Input::Received(_, _) if intake == Intake::Busy => return Err("a busy node receives bytes".to_owned()),
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
            Input::Entropy(_) => true,
            Input::Tick => deadline.is_some_and(|deadline| deadline.at <= now.monotonic),
        };
        expected
            .then_some(())
            .ok_or_else(|| format!("unexpected input {}", short(input)))
    }

    /// The outputs without a completion, as text. Empty if there are none.
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
        // A node may name a link whose `Closed` is on its way.
        let _ = self.links.get_mut(&id).map(change);
    }

    fn is(&mut self, id: LinkId, test: impl FnOnce(&mut Stream) -> bool) -> bool {
        self.links.get_mut(&id).is_some_and(test)
    }
}

/// An input without its bytes and rows.
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
    use sotto_core::{CircuitId, DeadlineReason, OnionSecret};

    use super::*;

    const LINK: LinkId = LinkId::Dialled(1);

    fn now(millis: u64) -> Now {
        Now {
            monotonic: Monotonic(millis),
            ..Now::default()
        }
    }

    fn accepts(contract: &mut Contract, input: &Input) -> bool {
        contract.input(input, now(0), None, Intake::Welcome).is_ok()
    }

    #[test]
    fn an_output_is_completed_once() {
        let mut contract = Contract::default();
        assert!(
            !accepts(&mut contract, &Input::Stored(CommitId(1))),
            "nothing is in flight"
        );
        contract.output(&Output::Commit(CommitId(1), Batch::default()));
        assert_eq!(contract.open(), "CommitId(1)");
        assert!(accepts(&mut contract, &Input::Stored(CommitId(1))));
        assert_eq!(contract.open(), "");
        assert!(!accepts(&mut contract, &Input::Stored(CommitId(1))), "twice");
    }

    #[test]
    fn a_link_is_opened_used_and_closed_in_this_order() {
        let mut contract = Contract::default();
        contract.output(&Output::Dial(LINK, OnionSecret::from_seed(&[1; 32]).address()));
        assert!(!accepts(&mut contract, &Input::Received(LINK, vec![1])), "not open yet");
        assert!(accepts(&mut contract, &Input::Connected(LINK)));
        assert!(!accepts(&mut contract, &Input::Connected(LINK)), "twice");
        assert!(accepts(&mut contract, &Input::Received(LINK, vec![1])));
        assert!(
            !accepts(&mut contract, &Input::Drained(LINK)),
            "no transmit is in flight"
        );
        contract.output(&Output::Transmit(LINK, vec![1]));
        assert!(accepts(&mut contract, &Input::Drained(LINK)));
        contract.output(&Output::Hangup(LINK));
        assert!(accepts(&mut contract, &Input::Closed(LINK, Cause::HungUp)));
        assert!(!accepts(&mut contract, &Input::Received(LINK, vec![1])), "after Closed");
        assert!(!accepts(&mut contract, &Input::Closed(LINK, Cause::Ended)), "twice");
    }

    #[test]
    fn time_does_not_go_back_and_no_tick_is_early() {
        let mut contract = Contract::default();
        let due = Some(Deadline {
            at: Monotonic(10),
            reason: DeadlineReason::Retry,
        });
        assert!(contract.input(&Input::Tick, now(9), due, Intake::Welcome).is_err());
        assert!(contract.input(&Input::Tick, now(10), due, Intake::Welcome).is_ok());
        assert!(contract.input(&Input::Tick, now(10), None, Intake::Welcome).is_err());
        let accepted = Input::Accepted(LinkId::Accepted(1), CircuitId(1));
        assert!(
            contract.input(&accepted, now(9), None, Intake::Welcome).is_err(),
            "the monotonic clock goes back"
        );
        assert!(contract.input(&accepted, now(10), None, Intake::Welcome).is_ok());
        let bytes = Input::Received(LinkId::Accepted(1), vec![1]);
        assert!(contract.input(&bytes, now(10), None, Intake::Busy).is_err());
    }
}
