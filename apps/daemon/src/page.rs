//! [`page`]: the event log page by page, with a gap in place of events that retention dropped, or that a restored log never had.

use std::sync::Arc;
use std::time::Duration;

use sotto_api::{self as api, Error};
use sotto_core::EventSeq;
use sotto_io_sqlcipher::EventsView;
use tokio::sync::Mutex;
use tokio::time::Instant;

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

/// The page that was read last. Subscribers that are all at the end of the log ask for the same one, one after the other.
#[derive(Debug, Default)]
pub(crate) struct PageCache(Mutex<Option<CachedPage>>);

#[derive(Debug)]
struct CachedPage {
    after: EventSeq,
    limit: u32,
    /// The newest event when it was read: what changes a message is an event.
    newest: u64,
    read_at: Instant,
    page: Arc<EventsView>,
}

impl PageCache {
    /// How long a page is good for: a name can change without an event.
    const FRESH: Duration = Duration::from_millis(200);

    /// Events of a page that is kept.
    const EVENTS: usize = 16;

    /// Up to `limit` events after a position, as they stood a moment ago. Readers that come meanwhile wait for the first.
    async fn read(&self, call: &Call, after: EventSeq, limit: u32) -> Result<Arc<EventsView>, Error> {
        let mut cached = self.0.lock().await;
        let newest = *call.events.newest().borrow();
        if let Some(cached) = cached.as_ref()
            && (cached.after, cached.limit, cached.newest) == (after, limit, newest)
            && cached.read_at.elapsed() < Self::FRESH
        {
            return Ok(cached.page.clone());
        }
        let page = Arc::new(call.reads.read(move |reader| reader.events(after, limit)).await?);
        // A long page is one reader's that catches up, and would be held in memory for nothing.
        *cached = (page.events.len() <= Self::EVENTS).then(|| CachedPage {
            after,
            limit,
            newest,
            read_at: Instant::now(),
            page: page.clone(),
        });
        Ok(page)
    }
}

/// Up to `limit` events after a position, with a gap in front if some were dropped. A position beyond the end is one in another
/// log than this, which was restored from a backup: a gap says so and leads back to the end. Without it the reader would pass over
/// what comes, up to its position.
pub(crate) async fn page(call: &Call, start: Start, limit: u32) -> Result<Page, Error> {
    let Start { after, known } = start;
    let page = call.pages.read(call, after, limit).await?;
    let rights = call.rights()?;
    if after > page.last {
        return Ok(Page {
            events: vec![view::restored_gap(after, page.last)],
            next: Start {
                after: page.last,
                known: true,
            },
            more: false,
        });
    }
    let missing = known && page.first.0 > after.0.saturating_add(1);
    let at = page.events.first().map(|event| event.row.at);
    let gap = at
        .filter(|_| missing)
        .map(|at| view::gap(after, page.first, view::time(at)));
    let next = Start {
        after: page.events.last().map_or(after, |event| event.row.seq),
        known: known || !page.events.is_empty(),
    };
    let events = page
        .events
        .iter()
        .filter_map(|event| view::event(call.us, event.clone()));
    let events = gap.into_iter().chain(events);
    Ok(Page {
        events: events.filter(|event| call.may_see(&rights, event)).collect(),
        more: next.after < page.last,
        next,
    })
}
