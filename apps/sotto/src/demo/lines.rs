//! [`LINES`] of the conversation. None of them may be found on the wire or on disk.

/// Speaker speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    Ada,
    Grace,
}

/// The lines: the author, the text, and which earlier line it replies to.
pub const LINES: &[(Speaker, &str, Option<usize>)] = &[
    (Speaker::Ada, "Grace! Does the analytical engine hum tonight?", None),
    (Speaker::Grace, "Like a hive. I found a moth in relay 70.", Some(0)),
    (Speaker::Ada, "A moth? Tape it into the logbook at once.", Some(1)),
    (Speaker::Grace, "Done: first actual case of bug being found.", None),
    (Speaker::Ada, "Meet me at the observatory, quarter past nine.", None),
    (Speaker::Grace, "I will bring a nanosecond of copper wire.", Some(4)),
    (Speaker::Ada, "And I the notes on Bernoulli. Tell nobody.", None),
];
/// What Grace makes of the last line.
pub const REACTION: &str = "🦋";
/// What the two call themselves.
pub const NAMES: [&str; 2] = ["Ada Lovelace", "Grace Hopper"];
/// What they call each other.
pub const PETNAMES: [&str; 2] = ["my dear Countess", "the Rear Admiral"];
