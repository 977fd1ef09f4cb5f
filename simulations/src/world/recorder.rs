//! [`Recorder`]: records the inputs and outputs of one node, until it stops.

use sotto_core::{Input, Limits, Now, Output};
use sotto_testkit::driver::{Recording, Step};
use sotto_testkit::memory_store::MemoryStore;

use super::{NodeIndex, World};

/// Records one node.
pub(super) struct Recorder {
    peer: NodeIndex,
    recording: Option<Recording>,
    /// The node was opened a second time.
    over: bool,
}

impl World {
    /// Records this node from its opening on.
    pub fn record(&mut self, peer: NodeIndex) {
        self.recorder = Some(Recorder {
            peer,
            recording: None,
            over: false,
        });
    }

    /// The recording.
    pub fn recording(&mut self) -> Option<Recording> {
        self.recorder.take()?.recording
    }
}

impl Recorder {
    pub fn opening(&mut self, peer: NodeIndex, disk: &MemoryStore, limits: &Limits, seed: [u8; 32], opened: Now) {
        if peer != self.peer {
            return;
        }
        self.over = self.recording.is_some();
        self.recording.get_or_insert_with(|| Recording {
            name: peer.to_string(),
            disk: disk.clone(),
            limits: limits.clone(),
            seed,
            opened,
            steps: Vec::new(),
        });
    }

    pub fn input(&mut self, peer: NodeIndex, input: &Input, now: Now) {
        self.write(peer, || Step::Input(input.clone(), now));
    }

    pub fn output(&mut self, peer: NodeIndex, output: &Output) {
        self.write(peer, || Step::Output(output.clone()));
    }

    fn write(&mut self, peer: NodeIndex, step: impl FnOnce() -> Step) {
        if peer == self.peer
            && !self.over
            && let Some(recording) = &mut self.recording
        {
            recording.steps.push(step());
        }
    }
}
