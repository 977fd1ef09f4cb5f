//! Nothing secret is in what a driver may print: no text, no key. Core itself prints nothing (`testkit/tests/dependencies.rs`
//! holds it to having nothing to print with), so what drivers could log of it is what its outputs show of themselves.

use sotto_core::Output;
use sotto_core::row::Row;

use super::{Invariant, Seen, written};
use crate::World;

/// Shorter words may stand anywhere.
const LONG_ENOUGH: usize = 8;

#[derive(Default)]
pub struct Secrets;

impl Invariant for Secrets {
    fn name(&self) -> &'static str {
        "no secret printed"
    }

    fn observe(&mut self, seen: &Seen<'_>, _: &World) -> Result<(), String> {
        let Seen::Output(peer, output @ Output::Commit(_, batch)) = seen else {
            return Ok(());
        };
        let mut texts = written(batch).filter_map(|row| match row {
            Row::Message(row) if row.text.len() >= LONG_ENOUGH => Some(&row.text),
            _ => None,
        });
        let mut printed = None;
        let shown = |text: &&String| {
            printed
                .get_or_insert_with(|| format!("{output:?}"))
                .contains(text.as_str())
        };
        match texts.find(shown) {
            Some(text) => Err(format!("{peer}'s output shows \"{text:.40}\" to whoever prints it")),
            None => Ok(()),
        }
    }
}
