//! The event log, as it is read: page by page, with a word about what is no longer there.

use sotto_api::{self as api, Error};
use sotto_core::EventSeq;

use super::app::App;
use super::view;

/// Where somebody begins to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// After this event.
    pub after: EventSeq,
    /// They have been there: what is missing since is a gap. One who comes for the first time has missed nothing.
    pub known: bool,
}

/// Up to `limit` events after a place, with a gap in front if some were dropped; and the newest event's number.
pub(crate) async fn page(app: &App, start: Start, limit: u32) -> Result<(Vec<api::Event>, EventSeq), Error> {
    let Start { after, known } = start;
    let page = app.reads.read(move |reader| reader.events(after, limit)).await?;
    let missing = known && page.first.0 > after.0.saturating_add(1);
    let at = page.events.first().map(|event| event.row.at);
    let gap = at
        .filter(|_| missing)
        .map(|at| view::gap(after, page.first, view::time(at)));
    let events = gap
        .into_iter()
        .chain(page.events.into_iter().map(|event| view::event(app.us, event)))
        .collect();
    Ok((events, page.last))
}
