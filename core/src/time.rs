//! Core's own clocks. The driver reads the real ones and hands both in with every input; core never asks for the time.
//!
//! `Monotonic` orders things inside one run and counts suspended time; `Wall` is what rows remember, and may jump.

use std::fmt;

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// `n` whole seconds.
    pub const fn seconds(n: u64) -> Self {
        Self(n.saturating_mul(1000))
    }

    /// `n` whole minutes.
    pub const fn minutes(n: u64) -> Self {
        Self::seconds(n.saturating_mul(60))
    }

    /// `n` whole hours.
    pub const fn hours(n: u64) -> Self {
        Self::minutes(n.saturating_mul(60))
    }
}

/// Milliseconds since some fixed moment of this run. Never decreases; includes time spent suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub u64);

/// Milliseconds since the Unix epoch, as the machine believes. May jump either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub u64);

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For timers.
    pub monotonic: Monotonic,
    /// For rows and people.
    pub wall: Wall,
}

macro_rules! clock_arithmetic {
    ($clock:ident) => {
        impl $clock {
            /// This moment plus `span`, saturating.
            #[must_use]
            pub const fn after(self, span: Millis) -> Self {
                Self(self.0.saturating_add(span.0))
            }

            /// How long after `earlier` this moment is; zero if it is not.
            pub const fn since(self, earlier: Self) -> Millis {
                Millis(self.0.saturating_sub(earlier.0))
            }
        }
    };
}
clock_arithmetic!(Monotonic);
clock_arithmetic!(Wall);

impl Now {
    /// When on the monotonic clock the wall clock will show `wall`, as far as can be known now.
    pub const fn monotonic_at(self, wall: Wall) -> Monotonic {
        self.monotonic.after(wall.since(self.wall))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
