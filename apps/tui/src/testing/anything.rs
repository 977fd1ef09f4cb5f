//! [`Trial`]: whatever happens to the interface, nothing panics, the cursor is on the screen, no cell reaches out of it, and the locked
//! screen shows nothing of content.

use crossterm::event::Event;
use sotto_api::{self as api, Body, Direction, MessageState, Presence, Reaction, Time};
use zeroize::Zeroizing;

use super::daemon::FakeDaemon;
use super::fixtures::{NOW, friend, message, name, onion};
use super::session::Session;
use crate::app::{Input, Start};
use crate::config::Config;
use crate::keys::{Builtin, Keymap};
use crate::linear::Narrator;
use crate::run;
use crate::text;
use crate::text::bidi::Reorder;
use crate::theme::{ColorDepth, Theme};

/// Slash commands, for what generates input.
pub const COMMANDS: &[&str] = &[
    "/help",
    "/palette",
    "/search message",
    "/find message",
    "/add code Peer",
    "/requests",
    "/identity",
    "/invite",
    "/invites",
    "/outbox",
    "/approvals",
    "/status",
    "/settings",
    "/name",
    "/availability",
    "/theme light",
    "/theme",
    "/lock",
    "/verify",
    "/timer 5m",
    "/timer",
    "/rename",
    "/mute",
    "/mark-read",
    "/block",
    "/remove",
    "/clear",
    "/threads",
    "/react 👍",
    "/reply",
    "/edit",
    "/delete",
    "/first-unread",
    "/mark-unread",
    "/raw",
    "/details",
    "/sort",
    "/sidebar",
];

const DEPTHS: [ColorDepth; 4] = [
    ColorDepth::True,
    ColorDepth::Ansi256,
    ColorDepth::Ansi16,
    ColorDepth::None,
];

const STATES: [MessageState; 6] = [
    MessageState::Queued,
    MessageState::Sent,
    MessageState::Delivered,
    MessageState::Read,
    MessageState::Failed,
    MessageState::Cancelled,
];

const PRESENCES: [Presence; 4] = [Presence::Online, Presence::Away, Presence::Offline, Presence::Unknown];

/// How the interface begins. Numbers choose from lists, and begin anew at their ends.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Setting {
    /// The theme; the last one is that for the terminal's background.
    pub theme: usize,
    /// The key map.
    pub keymap: usize,
    /// The colours of the terminal.
    pub depth: usize,
    /// Sotto reorders right-to-left text.
    pub reorders: bool,
    /// There are lines, and no keys.
    pub keyless: bool,
    /// There is no identity.
    pub first_run: bool,
    /// The mouse is on.
    pub mouse: bool,
    /// Columns and rows.
    pub size: (u16, u16),
}

/// What happens to the interface.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The terminal sends it.
    Terminal(Event),
    /// A line is written, where there are no keys.
    Line(String),
    /// A text is typed, letter by letter.
    Text(String),
    /// The same, and Enter.
    Command(String),
    /// The editor ends with a text.
    Edited(String),
    /// The terminal says whether its background is dark.
    Background(bool),
    /// A message arrives.
    Receive {
        /// Of Bob, else of Carol.
        of_bob: bool,
        /// What it says.
        text: String,
    },
    /// A message of Bob comes into another state.
    State {
        /// Which one, from the oldest.
        place: usize,
        /// Which state.
        state: usize,
    },
    /// A message of Bob disappears.
    Gone(usize),
    /// Bob comes or goes, and types.
    Presence {
        /// Which.
        presence: usize,
        /// He types.
        typing: bool,
    },
    /// A stranger who calls himself so asks to be a friend.
    Asks(String),
    /// The daemon goes away.
    Lose,
    /// It is there again.
    Find,
    /// It does not answer.
    Slow,
    /// It answers what it was asked.
    Release,
    /// So many milliseconds pass.
    Pass(u64),
}

/// A session in which anything can happen.
#[derive(Debug)]
pub struct Trial {
    session: Session,
    narrator: Option<Narrator>,
}

impl Trial {
    /// The conversation with Bob is open, unless there is no identity.
    pub fn new(setting: &Setting) -> Self {
        let mut config = Config::default();
        config.theme = Theme::NAMES
            .get(setting.theme % (Theme::NAMES.len() + 1))
            .map(|name| (*name).to_owned());
        let keymap = Builtin::ALL[setting.keymap % Builtin::ALL.len()];
        keymap.name().clone_into(&mut config.keys);
        config.keymap = Keymap::builtin(keymap);
        config.reorder = if setting.reorders {
            Reorder::Here
        } else {
            Reorder::Terminal
        };
        config.keyless = setting.keyless;
        config.mouse = setting.mouse;
        config.notify = true;
        config.lock_after = Some(30);
        let start = if setting.first_run {
            Start::FirstRun
        } else {
            Start::Connect
        };
        let depth = DEPTHS[setting.depth % DEPTHS.len()];
        let mut session = Session::with(config, depth, &start, world(), setting.size);
        if !setting.first_run {
            session.open("Bob");
        }
        let narrator = setting.keyless.then(Narrator::default);
        let mut trial = Self { session, narrator };
        trial.check();
        trial
    }

    /// Something happens; then a frame is drawn, and everything must hold.
    pub fn happen(&mut self, happening: Happening) {
        self.all_happen([happening]);
    }

    /// All of it happens before the next frame is drawn.
    pub fn all_happen(&mut self, happenings: impl IntoIterator<Item = Happening>) {
        happenings.into_iter().for_each(|happening| self.take(happening));
        self.check();
    }

    fn take(&mut self, happening: Happening) {
        let session = &mut self.session;
        match happening {
            Happening::Terminal(event) => {
                let mouse = matches!(event, Event::Mouse(_));
                session.input(run::input(event));
                if mouse {
                    session.copy_selected();
                }
            }
            Happening::Line(line) => session.input(Input::Line(Zeroizing::new(line))),
            Happening::Text(text) => session.write(&text),
            Happening::Command(command) => session.enter(&command),
            Happening::Edited(text) => session.input(Input::Edited(Ok(Some(text)))),
            Happening::Background(dark) => session.input(Input::Background(dark)),
            Happening::Lose => session.lose(),
            Happening::Find => session.find_again(),
            Happening::Slow => session.slow = true,
            Happening::Release => session.release(),
            Happening::Pass(milliseconds) => session.pass(milliseconds),
            of_others => self.befall(of_others),
        }
    }

    /// What others do.
    fn befall(&mut self, happening: Happening) {
        let session = &mut self.session;
        let bob = onion("bob");
        match happening {
            Happening::Receive { of_bob, text } => {
                // The user may have called them something else.
                let onion = if of_bob { bob } else { onion("carol") };
                let known = session.daemon.contacts.get(&onion);
                if let Some(petname) = known.and_then(|contact| contact.who.petname.clone()) {
                    session.receive(&petname, &text);
                }
            }
            Happening::State { place, state } => {
                let id = session.daemon.history[&bob].get(place).map(|it| it.id.clone());
                if let Some(id) = id {
                    let _ = session.daemon.put_state(&id, STATES[state % STATES.len()]);
                    session.settle();
                }
            }
            Happening::Gone(place) => {
                let history = session.daemon.history.get_mut(&bob).expect("Bob's");
                if place < history.len() {
                    let gone = history.remove(place);
                    session.daemon.tell(Body::MessageDisappeared {
                        id: gone.id,
                        conversation: gone.conversation,
                        author: gone.from,
                        direction: gone.direction,
                    });
                    session.settle();
                }
            }
            Happening::Presence { presence, typing } => {
                let who = session.daemon.contacts[&bob].who.clone();
                session.daemon.tell(Body::Presence {
                    who,
                    presence: PRESENCES[presence % PRESENCES.len()],
                    as_of: None,
                    typing,
                });
                session.settle();
            }
            Happening::Asks(claimed) => {
                let who = name(None, Some(&claimed), &onion("mallory"));
                session.daemon.requests = vec![api::FriendRequest {
                    who: who.clone(),
                    note: claimed,
                    received_at: Time::from_millis(NOW),
                }];
                session.daemon.tell(Body::RequestReceived { who });
                session.settle();
            }
            other => unreachable!("{other:?} is not of others"),
        }
    }

    /// What holds of every frame, and of every line that is read out.
    fn check(&mut self) {
        let (buffer, cursor) = self.session.frame();
        let (columns, rows) = self.session.app.size;
        // Smaller ones show nothing.
        assert!(
            cursor.is_some() || columns < 10 || rows < 4,
            "input methods and screen readers follow the cursor"
        );
        if let Some(cursor) = cursor {
            assert!(
                cursor.x < columns && cursor.y < rows,
                "the cursor is outside: {cursor} of {columns}×{rows}"
            );
        }
        for y in 0..rows {
            let mut x = 0;
            while x < columns {
                let symbol = buffer[(x, y)].symbol();
                assert!(
                    !symbol.chars().any(char::is_control),
                    "a control character is on the screen: {symbol:?}"
                );
                let width = u16::try_from(text::width(symbol)).expect("a width").max(1);
                assert!(x + width <= columns, "{symbol:?} at {x},{y} is wider than the screen");
                x += width;
            }
        }
        let lines = self.narrator.as_mut().map(|narrator| narrator.tell(&self.session.app));
        let lines = lines.unwrap_or_default();
        if self.session.app.locked {
            let screen = super::session::text(&buffer);
            for secret in ["Bob", "Carol", "secret"] {
                assert!(!screen.contains(secret), "the locked screen shows {secret}:\n{screen}");
                assert!(
                    !lines.concat().contains(secret),
                    "{secret} is read out while it is locked: {lines:?}"
                );
            }
        }
        for line in lines {
            assert!(!line.contains(['\n', '\r']), "one line is two: {line:?}");
        }
    }
}

/// Bob with messages of every kind, and Carol.
fn world() -> FakeDaemon {
    let (bob, carol) = (friend("Bob"), friend("Carol"));
    let mut of_bob: Vec<_> = (0..60)
        .map(|number| {
            let direction = if number % 3 == 0 { Direction::Out } else { Direction::In };
            let text = format!("message {number}, a secret");
            message(&bob, number, direction, &text, 100 - number as u64)
        })
        .collect();
    let quoted = of_bob[40].id.clone();
    of_bob[50].reply_to = Some(quoted);
    of_bob[51].thread = Some(String::from("a thread"));
    of_bob[52].expires_at = Some(Time::from_millis(NOW + 50_000));
    of_bob[53].edited_at = Some(Time::from_millis(NOW));
    of_bob[54].state = MessageState::Failed;
    of_bob[55].reactions = vec![Reaction {
        by: bob.who.contact.clone(),
        direction: Direction::In,
        emoji: String::from("👍"),
        at: Time::from_millis(NOW),
    }];
    let of_carol = vec![message(&carol, 0, Direction::In, "a secret of Carol", 500)];
    FakeDaemon::new().with(bob, of_bob).with(carol, of_carol)
}
