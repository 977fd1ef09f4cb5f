//! [`TokenBucket`]: the suite's copy of a peer's token bucket at the target. A target drops the frames for which the bucket has no
//! token [N-1]; without this the suite would take that for a violation of other rules.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

/// Frames that a peer may send at once.
pub const BURST: u32 = 20;
/// Tokens a second.
const REFILL: u32 = 5;
/// Tokens that stay unused: those that only a `Hello` or a `Request` takes, and one because the target's clock and ours differ.
const RESERVE: f64 = 3.0;

/// A copy of a bucket at the target. Clones are the same bucket.
#[derive(Clone)]
pub struct TokenBucket {
    level: Rc<Cell<(f64, Instant)>>,
    /// Tokens a second.
    refill: f64,
}

impl TokenBucket {
    /// A full bucket, of a target whose clock runs this many times as fast as ours.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            level: Rc::new(Cell::new((f64::from(BURST), Instant::now()))),
            refill: f64::from(REFILL * clock_rate),
        }
    }

    /// Takes a token for each frame, after waiting until the bucket has as many.
    pub fn take(&self, frames: u32) {
        let frames = f64::from(frames);
        let (level, at) = self.level.get();
        let level = (level + at.elapsed().as_secs_f64() * self.refill).min(f64::from(BURST));
        let missing = (frames + RESERVE - level).max(0.0);
        thread::sleep(Duration::from_secs_f64(missing / self.refill));
        self.level.set((level + missing - frames, Instant::now()));
    }

    /// Waits until the bucket is full.
    pub fn wait_until_full(&self) {
        let (level, at) = self.level.get();
        let level = level + at.elapsed().as_secs_f64() * self.refill;
        let missing = (f64::from(BURST) + RESERVE - level).max(0.0);
        thread::sleep(Duration::from_secs_f64(missing / self.refill));
        self.level.set((f64::from(BURST), Instant::now()));
    }

    /// Notes that the bucket may be empty.
    pub fn drain(&self) {
        self.level.set((0.0, Instant::now()));
    }
}
