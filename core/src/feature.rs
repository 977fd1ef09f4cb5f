//! Features: what a node understands beyond the version of the protocol. Each is a number that Hello says.

use std::ops::RangeInclusive;

/// Contents with `ignorable` set are dropped if their kind is not known.
pub const IGNORABLE_CONTENTS: u32 = 6;

/// Numbers that never become features. Each Hello says one of them, at random, so that no implementation comes to depend on
/// knowing every number that it hears.
pub(crate) const RESERVED: RangeInclusive<u32> = 1000..=1999;
