//! No text and no key is in what a driver may print. Core itself prints nothing (`testkit/tests/dependencies.rs` checks
//! that it cannot), so only the `Debug` of its outputs is left.

use sotto_core::Output;
use sotto_core::row::Row;

use super::{Invariant, Observation, written};
use crate::world::World;

/// Shorter texts may occur by chance.
const LONG_ENOUGH: usize = 8;

#[derive(Default)]
pub struct Secrets;

impl Invariant for Secrets {
    fn name(&self) -> &'static str {
        "no secret printed"
    }

    fn observe(&mut self, observation: &Observation<'_>, _: &World) -> Result<(), String> {
        let Observation::Output(peer, output @ Output::Commit(_, batch)) = observation else {
            return Ok(());
        };
        let mut texts = written(batch).filter_map(|row| match row {
            Row::Message(row) => Some(&row.text),
            Row::Contact(row) => Some(&row.note),
            Row::Request(row) => Some(&row.note),
            _ => None,
        });
        let mut texts = texts.by_ref().filter(|text| text.len() >= LONG_ENOUGH);
        let mut printed = None;
        let shown = |text: &&String| {
            printed
                .get_or_insert_with(|| format!("{output:?}"))
                .contains(text.as_str())
        };
        match texts.find(shown) {
            Some(text) => Err(format!("{peer}'s output shows \"{text:.40}\" when it is printed")),
            None => Ok(()),
        }
    }
}
