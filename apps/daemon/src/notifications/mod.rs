//! [`Notifications`]: what the desktop shows of what arrives. The daemon follows its own event log, so a notification does not
//! depend on an interface. What may be said is the user's choice, kept as records of the store; of a conversation that is muted, or that the
//! user looks at, nothing is shown.

mod burst;
mod desktop;
mod focus;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sotto_api::{self as api, Error, NotificationMode, Time};
use sotto_core::row::Event;
use sotto_core::{Command, ConversationId, EventSeq};
use sotto_io_sqlcipher::{EventView, Reader};
use tokio::time::sleep;

use super::authority::{conversation_id, decoded, encoded};
use super::read_pool::ReadPool;
use super::service::Service;
use super::view::{self, ApprovalChange};
use burst::{Burst, Happening, name_of};
use desktop::Desktop;
use focus::FocusList;

pub(crate) use focus::FocusGuard;

/// What the keys of its records begin with.
const RECORDS: &str = "notifications/";
const MODE: &str = "notifications/mode";
const MUTED: &str = "notifications/muted/";

/// How long the first notification waits for what arrives with it.
const GATHER: Duration = Duration::from_millis(300);

/// What arrives within this time of a notification is shown in its place.
const TOGETHER: Duration = Duration::from_secs(2);

/// Events read at once.
const PAGE: u32 = 256;

/// The notifications of a daemon.
#[derive(Debug)]
pub(crate) struct Notifications {
    /// As they are durable. Locked for moments only.
    settings: Mutex<Settings>,
    /// Held while the settings are changed.
    turn: tokio::sync::Mutex<()>,
    focus: Arc<FocusList>,
    desktop: Desktop,
}

#[derive(Debug, Default)]
struct Settings {
    mode: NotificationMode,
    muted: BTreeMap<ConversationId, MuteRecord>,
}

/// A muted conversation, as it is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct MuteRecord {
    /// In Unix milliseconds; for good if there is none.
    until: Option<u64>,
}

impl MuteRecord {
    fn is_over(self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Notifications {
    /// Reads the records.
    pub async fn load(reads: &ReadPool) -> Result<Self, Error> {
        let mut settings = Settings::default();
        for (key, value) in reads.read(|reader: &Reader| reader.records(RECORDS)).await? {
            if key == MODE {
                settings.mode = decoded(&key, &value)?;
            } else if let Some(name) = key.strip_prefix(MUTED) {
                settings.muted.insert(conversation_id(name)?, decoded(&key, &value)?);
            }
        }
        Ok(Self {
            settings: Mutex::new(settings),
            turn: tokio::sync::Mutex::default(),
            focus: Arc::default(),
            desktop: Desktop::default(),
        })
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        // They are never left half changed, so a poisoned lock is harmless.
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is shown of that conversation.
    pub fn is_muted(&self, conversation: &ConversationId) -> bool {
        let now = Time::now().millis();
        let settings = self.settings();
        settings
            .muted
            .get(conversation)
            .is_some_and(|record| !record.is_over(now))
    }

    /// The user looks at that conversation, or elsewhere, until the guard is dropped.
    pub fn focus(&self, conversation: Option<ConversationId>, locked: bool) -> FocusGuard {
        self.focus.enter(conversation, locked)
    }

    /// What a notification may say at this moment.
    fn mode(&self) -> NotificationMode {
        let mode = self.settings().mode;
        if self.focus.is_locked() {
            mode.min(NotificationMode::Count)
        } else {
            mode
        }
    }
}

/// Changes of the settings.
impl Service {
    /// Sets what a notification says.
    pub async fn set_notifications(&self, mode: NotificationMode) -> Result<(), Error> {
        let _turn = self.notifications.turn.lock().await;
        let records = vec![(String::from(MODE), encoded(&mode)?)];
        self.command(Command::PutRecords { records, event: None }).await?;
        self.notifications.settings().mode = mode;
        Ok(())
    }

    /// Mutes a conversation, until a moment or for good.
    pub async fn mute(&self, conversation: ConversationId, until: Option<Time>) -> Result<(), Error> {
        let until = until.map(Time::millis);
        self.put_mute(conversation, Some(MuteRecord { until })).await
    }

    /// Mutes a conversation no longer.
    pub async fn unmute(&self, conversation: ConversationId) -> Result<(), Error> {
        self.put_mute(conversation, None).await
    }

    async fn put_mute(&self, conversation: ConversationId, record: Option<MuteRecord>) -> Result<(), Error> {
        let _turn = self.notifications.turn.lock().await;
        let value = match &record {
            Some(record) => encoded(record)?,
            None => None,
        };
        let records = vec![(format!("{MUTED}{}", view::conversation(conversation)), value)];
        self.command(Command::PutRecords { records, event: None }).await?;
        let mut settings = self.notifications.settings();
        match record {
            Some(record) => settings.muted.insert(conversation, record),
            None => settings.muted.remove(&conversation),
        };
        Ok(())
    }

    /// The settings, and whether the desktop answers. It is asked unless there are no notifications.
    pub async fn shown_notifications(&self) -> Result<api::Notifications, Error> {
        let (mode, muted) = {
            let now = Time::now().millis();
            let settings = self.notifications.settings();
            let muted = settings.muted.iter().filter(|(_, record)| !record.is_over(now));
            let muted: Vec<_> = muted
                .map(|(conversation, record)| (*conversation, record.until))
                .collect();
            (settings.mode, muted)
        };
        if mode != NotificationMode::Off {
            self.notifications.desktop.probe().await;
        }
        let mut shown = Vec::new();
        for (conversation, until) in muted {
            shown.push(api::MutedConversation {
                conversation: self.conversation_shown(&view::conversation(conversation)).await?,
                until: until.map(Time::from_millis),
            });
        }
        Ok(api::Notifications {
            mode,
            muted: shown,
            desktop: self.notifications.desktop.shown(),
        })
    }
}

/// Following the log.
impl Service {
    /// Shows what arrives after that event, for as long as the node runs.
    pub async fn notify(self: Arc<Self>, mut after: EventSeq) {
        let mut newest = self.events.newest();
        newest.mark_changed();
        while newest.changed().await.is_ok() {
            if self.notifications.mode() == NotificationMode::Off {
                after = EventSeq(*newest.borrow_and_update());
                continue;
            }
            sleep(GATHER).await;
            let mut burst = Burst::default();
            let mut replaces = None;
            loop {
                let before = burst.len();
                newest.mark_unchanged();
                after = match self.gather(after, &mut burst).await {
                    Ok(after) => after,
                    Err(error) => {
                        tracing::warn!(kind = ?error.kind(), "the log cannot be read for notifications");
                        EventSeq(*newest.borrow())
                    }
                };
                if burst.len() == before {
                    break;
                }
                let mode = self.notifications.mode();
                if mode == NotificationMode::Off {
                    break;
                }
                replaces = self.notifications.desktop.show(burst.text(mode), replaces).await;
                sleep(TOGETHER).await;
            }
        }
    }

    /// Adds what has happened since that event; answers with the last event.
    async fn gather(&self, mut after: EventSeq, burst: &mut Burst) -> Result<EventSeq, Error> {
        loop {
            let page = self.reads.read(move |reader| reader.events(after, PAGE)).await?;
            let Some(last) = page.events.last().map(|event| event.row.seq) else {
                return Ok(after);
            };
            for happening in page.events.into_iter().filter_map(|event| self.happening(event)) {
                burst.add(happening);
            }
            after = last;
            if last >= page.last {
                return Ok(after);
            }
        }
    }

    /// What the user wants to know of an event.
    fn happening(&self, event: EventView) -> Option<Happening> {
        let EventView { row, peer, message } = event;
        match row.event {
            Event::MessageReceived { key } => {
                let message = message.filter(sotto_io_sqlcipher::MessageView::is_unread)?;
                let seen = self.notifications.focus.has(&key.conversation);
                if seen || self.notifications.is_muted(&key.conversation) {
                    return None;
                }
                Some(Happening::Message {
                    conversation: key.conversation,
                    name: name_of(&key.author, message.petname.as_deref(), message.claimed_name.as_deref()),
                    // The desktop may keep what it has shown, so what disappears is not shown to it.
                    text: (message.ttl == 0).then_some(message.text),
                })
            }
            Event::RequestReceived { contact } => {
                let claimed = peer.as_ref().and_then(|peer| peer.claimed_name.as_deref());
                let petname = peer.as_ref().and_then(|peer| peer.petname.as_deref());
                Some(Happening::Request(name_of(&contact, petname, claimed)))
            }
            Event::Application(event) if event.code == ApprovalChange::Requested as u32 => {
                let ConversationId::Direct(address) = event.conversation else {
                    return None;
                };
                let claimed = peer.as_ref().and_then(|peer| peer.claimed_name.as_deref());
                let petname = peer.as_ref().and_then(|peer| peer.petname.as_deref());
                Some(Happening::Approval(name_of(&address, petname, claimed)))
            }
            _ => None,
        }
    }
}
