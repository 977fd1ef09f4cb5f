//! How fast the suite may talk: a target drops what finds a peer's bucket empty [N-1], and would seem to break other rules.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

/// Frames that a peer may say at once.
pub const BURST: u32 = 20;
/// Frames a second from then on.
const REFILL: u32 = 5;
/// What is never used up, because the target's clock and ours are two.
const SPARE: f64 = 1.0;

/// Our image of a bucket at the target.
#[derive(Clone)]
pub struct Pace {
    level: Rc<Cell<(f64, Instant)>>,
    /// Frames a second.
    refill: f64,
}

impl Pace {
    /// A full bucket, of a target whose clock runs so many times as fast as ours.
    pub fn new(haste: u32) -> Self {
        Self {
            level: Rc::new(Cell::new((f64::from(BURST), Instant::now()))),
            refill: f64::from(REFILL * haste),
        }
    }

    /// Waits until the bucket has room for so many frames, and takes them.
    pub fn pay(&self, frames: u32) {
        let frames = f64::from(frames);
        let (level, at) = self.level.get();
        let level = (level + at.elapsed().as_secs_f64() * self.refill).min(f64::from(BURST));
        let missing = (frames + SPARE - level).max(0.0);
        thread::sleep(Duration::from_secs_f64(missing / self.refill));
        self.level.set((level + missing - frames, Instant::now()));
    }

    /// Waits until the bucket is full.
    pub fn fill(&self) {
        let (level, at) = self.level.get();
        let level = level + at.elapsed().as_secs_f64() * self.refill;
        let missing = (f64::from(BURST) + SPARE - level).max(0.0);
        thread::sleep(Duration::from_secs_f64(missing / self.refill));
        self.level.set((f64::from(BURST), Instant::now()));
    }

    /// The bucket may be empty now.
    pub fn spent(&self) {
        self.level.set((0.0, Instant::now()));
    }
}
