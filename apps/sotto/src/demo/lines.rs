//! What is said, and nothing of which may be found on the wire or on a disk.

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ada,
    Grace,
}

/// What is said: by whom, and which earlier line it answers.
pub const LINES: &[(Who, &str, Option<usize>)] = &[
    (Who::Ada, "Grace! Does the analytical engine hum tonight?", None),
    (Who::Grace, "Like a hive. I found a moth in relay 70.", Some(0)),
    (Who::Ada, "A moth? Tape it into the logbook at once.", Some(1)),
    (Who::Grace, "Done: first actual case of bug being found.", None),
    (Who::Ada, "Meet me at the observatory, quarter past nine.", None),
    (Who::Grace, "I shall bring a nanosecond of copper wire.", Some(4)),
    (Who::Ada, "And I the notes on Bernoulli. Tell nobody.", None),
];
/// What Grace makes of the last line.
pub const REACTION: &str = "🦋";
/// What the two call themselves.
pub const NAMES: [&str; 2] = ["Ada Lovelace", "Grace Hopper"];
/// What they call each other.
pub const PETNAMES: [&str; 2] = ["my dear Countess", "the Rear Admiral"];
