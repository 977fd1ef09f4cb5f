//! [`page`]: the event log page by page, with a gap in place of events that retention dropped.

use sotto_api::{self as api, Error};
use sotto_core::EventSeq;

use super::call::Call;
use super::view;

/// The position after which a reader starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// After this event.
    pub after: EventSeq,
    /// The reader was there before, so missing events are a gap. A new reader has missed nothing.
    pub known: bool,
}

/// Part of the log.
pub(crate) struct Page {
    /// Its events, but for those that are not shown.
    pub events: Vec<api::Event>,
    /// Where the log goes on.
    pub next: Start,
    /// There are events after this part.
    pub more: bool,
}

/// Up to `limit` events after a position, with a gap in front if some were dropped.
pub(crate) async fn page(call: &Call, start: Start, limit: u32) -> Result<Page, Error> {
    let Start { after, known } = start;
    let page = call.reads.read(move |reader| reader.events(after, limit)).await?;
    let missing = known && page.first.0 > after.0.saturating_add(1);
    let at = page.events.first().map(|event| event.row.at);
    let gap = at
        .filter(|_| missing)
        .map(|at| view::gap(after, page.first, view::time(at)));
    let next = Start {
        after: page.events.last().map_or(after, |event| event.row.seq),
        known: known || !page.events.is_empty(),
    };
    let rights = call.rights()?;
    let events = page.events.into_iter().filter_map(|event| view::event(call.us, event));
    let events = gap.into_iter().chain(events);
    Ok(Page {
        events: events.filter(|event| call.may_see(&rights, event)).collect(),
        more: next.after < page.last,
        next,
    })
}
