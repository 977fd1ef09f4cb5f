//! [`FreeSpace`]: tells the node how much room its store has, so that contacts cannot fill the disk.

use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::statvfs;
use sotto_core::Command;
use sotto_io_sqlcipher::Reader;
use sotto_io_tokio::NodeHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::read_pool::ReadPool;

/// Between two looks. The node itself subtracts what it writes in the meantime.
const PAUSE: Duration = Duration::from_secs(5);

/// What is measured, and the node that is told.
pub(crate) struct FreeSpace {
    pub node: NodeHandle,
    pub reads: ReadPool,
    pub folder: PathBuf,
    /// Bytes that are to be free on the disk.
    pub reserve: u64,
}

impl FreeSpace {
    /// Measures until the node ends. Each run of the node is told anew: before that it takes the room for enough.
    pub async fn watch(self) {
        let mut notices = self.node.subscribe();
        let mut ticks = interval(PAUSE);
        // After a sleep of the machine one look is enough.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                missed = notices.missed() => if missed.is_none() { return },
            }
            if let Some(free) = self.measure().await {
                // Between two runs, as after a commit that found the disk full, there is no node to tell.
                let _ = self.node.command(Command::FreeSpace(free)).await;
            }
        }
    }

    async fn measure(&self) -> Option<u64> {
        match statvfs(&self.folder) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                // What was deleted leaves room in the store's file. But the log beside it grows on the disk.
                let room = if free < self.reserve / 2 {
                    0
                } else {
                    self.reads.read(Reader::room).await.unwrap_or(0)
                };
                Some(free.saturating_add(room))
            }
            Err(error) => {
                tracing::warn!(%error, "the free space of the data folder cannot be measured");
                None
            }
        }
    }
}
