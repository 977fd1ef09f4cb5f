//! [`Bob`] while the interface is open: a daemon in this process, and a thread that answers as a person would, who reads, types, writes
//! and reacts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sotto_api::{self as api, Body, Error, Message, all};
use sotto_client::Profile;
use sotto_client::blocking::Client;
use sotto_daemon::{Host, Options};

use super::lines::{BOB_LIVE, BOB_REACTS};

/// How long he reads, and how long he types.
const READS: Duration = Duration::from_millis(600);
const TYPES: Duration = Duration::from_millis(1500);

/// How long one request waits for events, in seconds; in between, he looks whether it is over.
const LOOKS: u32 = 1;

/// Bob's daemon, and the person who uses it. Dropped, both end.
#[derive(Debug)]
pub(super) struct Bob {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    // After the thread, which needs it.
    _host: Host,
}

impl Bob {
    /// Starts both.
    pub fn start(profile: &Profile) -> Result<Self, Error> {
        let host = Host::start(profile, Options::default())?;
        let socket = profile.socket();
        let status = Client::connect(&socket)?.call::<all::NodeStatus>(&api::Nothing {})?;
        let over = Arc::new(AtomicBool::new(false));
        let person_over = over.clone();
        let thread = thread::Builder::new()
            .name(String::from("demo-bob"))
            // An error means that his daemon has ended.
            .spawn(move || {
                let lived = Client::connect(&socket).and_then(|client| {
                    let person = Person {
                        client,
                        seen: status.last_seq,
                        answers: 0,
                        over: person_over,
                    };
                    person.live()
                });
                drop(lived);
            })
            .map_err(|error| Error::io("no thread for Bob", &error))?;
        Ok(Self {
            over,
            thread: Some(thread),
            _host: host,
        })
    }
}

impl Drop for Bob {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The person who uses the daemon.
struct Person {
    client: Client,
    seen: u64,
    answers: usize,
    over: Arc<AtomicBool>,
}

impl Person {
    fn live(mut self) -> Result<(), Error> {
        while !self.is_over() {
            let wait = api::WaitEvents {
                since: Some(self.seen),
                timeout: Some(LOOKS),
                types: vec![String::from("message.received"), String::from("request.received")],
                ..api::WaitEvents::default()
            };
            let events = self.client.call::<all::EventsWait>(&wait)?;
            self.seen = events.next;
            for event in events.events {
                match event.body {
                    Body::MessageReceived {
                        message: Some(message), ..
                    } => self.answer(&message)?,
                    Body::RequestReceived { who } => {
                        let accept = api::Accept {
                            contact: who.contact,
                            name: None,
                        };
                        self.client.call::<all::Accept>(&accept)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, message: &Message) -> Result<(), Error> {
        self.pause(READS);
        let conversation = message.conversation.clone();
        self.client.call::<all::Read>(&api::MarkRead {
            conversation: conversation.clone(),
            ids: vec![message.id.clone()],
            receipt: Some(true),
        })?;
        if self.answers % 3 == 2 {
            self.client.call::<all::React>(&api::React {
                id: message.id.clone(),
                conversation: Some(conversation.clone()),
                emoji: Some(BOB_REACTS.to_owned()),
            })?;
        }
        let typing = |typing| api::Typing {
            conversation: conversation.clone(),
            typing,
        };
        self.client.call::<all::Typing>(&typing(true))?;
        self.pause(TYPES);
        self.client.call::<all::Send>(&api::Send {
            conversation: conversation.clone(),
            text: BOB_LIVE[self.answers % BOB_LIVE.len()].to_owned(),
            thread: message.thread.clone(),
            ..api::Send::default()
        })?;
        self.answers += 1;
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Lets a moment pass, or less if it is over.
    fn pause(&self, moment: Duration) {
        const STEP: Duration = Duration::from_millis(50);
        let mut left = moment;
        while !self.is_over() && !left.is_zero() {
            let step = left.min(STEP);
            thread::sleep(step);
            left -= step;
        }
    }
}
