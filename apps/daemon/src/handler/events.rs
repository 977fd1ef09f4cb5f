//! `events.*`

use std::sync::Arc;

use sotto_api::{self as api, Body, Error, all};
use sotto_core::{Command, EventSeq, Reply};
use tokio::time::{Instant, timeout_at};

use super::{Handle, Handled, limit, seconds};
use crate::call::Call;
use crate::page::{Start, page};
use crate::service::unexpected;
use crate::subscription::Subscription;

const PAGE: u32 = 100;
const DEFAULT_TIMEOUT: u32 = 30;

/// Where a consumer goes on. `since` overrides its position; without both it is the end of the log.
async fn start(call: &Call, consumer: Option<&str>, since: Option<u64>) -> Result<Start, Error> {
    let consumer = consumer.map(|consumer| call.consumer(consumer)).transpose()?;
    start_as(call, consumer.as_deref(), since).await
}

/// The same, by the consumer's name in the log.
pub(super) async fn start_as(call: &Call, consumer: Option<&str>, since: Option<u64>) -> Result<Start, Error> {
    if let Some(since) = since {
        return Ok(Start {
            after: EventSeq(since),
            known: since > 0,
        });
    }
    let Some(consumer) = consumer else {
        let end = call
            .reads
            .read(|reader| reader.events(EventSeq(u64::MAX), 0))
            .await?
            .last;
        return Ok(Start {
            after: end,
            known: true,
        });
    };
    check_consumer(consumer)?;
    let name = consumer.to_owned();
    let place = call.reads.read(move |reader| reader.consumer(&name)).await?;
    Ok(Start {
        after: place.unwrap_or_default(),
        known: place.is_some(),
    })
}

pub(super) fn check_consumer(name: &str) -> Result<(), Error> {
    if (1..=64).contains(&name.len()) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "consumer must be 1 to 64 bytes, not {}",
        name.len()
    )))
}

impl Handle<all::EventsList> for Call {
    async fn handle(self: &Arc<Self>, params: api::ListEvents) -> Result<Handled<api::Events>, Error> {
        let limit = limit(params.limit, PAGE)?;
        // A list without a position starts at the beginning, a wait at the end.
        let since = params.since.or(if params.consumer.is_none() { Some(0) } else { None });
        let mut start = start(self, params.consumer.as_deref(), since).await?;
        loop {
            let page = page(self, start, limit).await?;
            if page.events.is_empty() && page.more {
                start = page.next;
                continue;
            }
            return Ok(Handled::Done(api::Events {
                events: page.events,
                next: page.next.after.0,
                more: page.more,
            }));
        }
    }
}

impl Handle<all::EventsWait> for Call {
    async fn handle(self: &Arc<Self>, params: api::WaitEvents) -> Result<Handled<api::Events>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let patience = seconds("timeout", params.timeout, DEFAULT_TIMEOUT)?;
        if let Some(unknown) = params.types.iter().find(|name| !Body::TYPES.contains(&name.as_str())) {
            let known = Body::TYPES.join(", ");
            return Err(Error::invalid(format!("types: there is no event {unknown:?}")).hint(format!("one of {known}")));
        }
        let mut start = start(self, params.consumer.as_deref(), params.since).await?;
        let until = Instant::now() + patience;
        let (call, types) = (self.clone(), params.types);
        Ok(Handled::Pending(Box::pin(async move {
            let mut newest = call.events.newest();
            loop {
                newest.mark_unchanged();
                let page = page(&call, start, limit).await?;
                let (mut events, next, more) = (page.events, page.next.after.0, page.more);
                let wanted = |event: &api::Event| {
                    let name = event.body.type_name();
                    types.is_empty() || name == "gap" || types.iter().any(|wanted| wanted == name)
                };
                events.retain(wanted);
                if !events.is_empty() {
                    return Ok(api::Events { events, next, more });
                }
                start = page.next;
                if more {
                    continue;
                }
                // The timeout is over or the node has stopped. `next` skips the events of other types.
                if !matches!(timeout_at(until, newest.changed()).await, Ok(Ok(()))) {
                    return Ok(api::Events { events, next, more });
                }
            }
        })))
    }
}

impl Handle<all::EventsAck> for Call {
    async fn handle(self: &Arc<Self>, params: api::Acknowledge) -> Result<Handled<api::Acknowledged>, Error> {
        let api::Acknowledge { consumer, seq } = params;
        let of_log = self.consumer(&consumer)?;
        check_consumer(&of_log)?;
        let acknowledge = Command::AcknowledgeEvents {
            consumer: of_log,
            seq: EventSeq(seq),
        };
        match self.command(acknowledge).await? {
            Reply::Acknowledged(seq) => Ok(Handled::Done(api::Acknowledged { consumer, seq: seq.0 })),
            reply => Err(unexpected(&reply)),
        }
    }
}

impl Handle<all::EventsSubscribe> for Call {
    async fn handle(self: &Arc<Self>, params: api::Subscribe) -> Result<Handled<api::Subscribed>, Error> {
        let presence = params.presence.then(|| self.events.presence());
        let start = start(self, params.consumer.as_deref(), params.since).await?;
        let subscription = self.next_subscription();
        let subscribed = api::Subscribed {
            subscription,
            since: start.after.0,
        };
        let events = Subscription {
            id: subscription,
            start,
            presence,
        };
        Ok(Handled::Subscribed(subscribed, events))
    }
}
