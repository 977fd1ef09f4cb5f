//! [`App`]: the state of the interface. It is driven like the protocol's core, without I/O: [`App::handle`] takes an [`Input`],
//! what follows from it are [`Effect`]s, and [`App::deadline`] says when time alone changes something. So nothing is read from
//! the daemon or a disk between a key and its frame, and tests play whole sessions.

mod answers;
mod choices;
pub mod conversations;
pub mod dialog;
pub mod dialogs;
mod drafts;
mod edits;
mod events;
mod input;
mod io;
pub mod name;
mod outgoing;
pub mod pane;
mod recent;
mod status;
mod verbs;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::tz::TimeZone;
use sotto_api::{self as api, Error, Identity, Kind as ErrorKind, Secret, Status, Time};

use crate::action::Action;
use crate::composer::Composer;
use crate::config::Config;
use crate::daemon::Call;
use crate::keys::Chord;
use crate::markdown;
use crate::query::Query;
use crate::request::Request;
use crate::theme::{ColorDepth, Theme};
use crate::view::message::Body;

use conversations::Conversations;
use dialog::{Dialog, Kind, Numbers};
use drafts::Drafts;
use edits::Edits;
use outgoing::Outgoing;
use pane::{Page, Pane};
use status::StatusClock;

pub use io::{Effect, HostTask, Hosted, Input, Part, Purpose};

/// Where keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The list of conversations.
    List,
    /// The messages.
    Messages,
    /// The composer.
    #[default]
    Composer,
}

/// How the connection to the daemon is.
#[derive(Clone, Debug)]
pub enum Connection {
    /// Not there yet.
    Waiting,
    /// There.
    Up,
    /// Gone, since when and why.
    Down { since: u64, why: Error },
}

/// What the composer does when it submits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// Send a message.
    #[default]
    Send,
    /// Send a message that replies to one.
    Reply { id: String, quote: String },
    /// Replace the text of one.
    Edit { id: String },
}

/// A line that goes away by itself.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// It is about something that went wrong.
    pub error: bool,
    /// When it goes, in milliseconds since the Unix epoch.
    until: u64,
    /// What it is about: it goes before, once that is over.
    about: About,
}

/// What a notice is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum About {
    /// Something that has happened, and stays true.
    #[default]
    Past,
    /// What no daemon has taken.
    Kept,
    /// The draft of a conversation, beside that of another window.
    DraftBeside(String),
    /// What an agent wants to send: the id of its approval.
    Approval(String),
}

/// How long a notice stays, in milliseconds.
const NOTICE: u64 = 6000;

/// How long a text rests before it is kept as a draft.
const DRAFT: u64 = 400;

/// Between two words to the contact that the user is typing.
const TYPING: u64 = 5000;

/// What the terminal and the system say of how things look.
#[derive(Clone, Debug)]
pub struct Looks {
    /// The theme, reduced to the terminal's colours.
    pub theme: Theme,
    /// How many those are.
    pub depth: ColorDepth,
    /// The user's time zone.
    pub zone: TimeZone,
}

/// How the interface begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A daemon answers.
    Connect,
    /// The store opens without a question: a daemon is started.
    Host,
    /// The store opens with a passphrase.
    Passphrase,
    /// There is no identity.
    FirstRun,
}

/// The state of the interface.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct App {
    /// What the configuration says.
    pub config: Config,
    /// How it looks.
    pub theme: Theme,
    /// How many colours the terminal has.
    pub depth: ColorDepth,
    /// The user's time zone.
    pub zone: TimeZone,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Milliseconds since the Unix epoch.
    pub now: u64,
    /// The connection to the daemon.
    pub connection: Connection,
    /// The daemon runs in this process.
    pub hosting: bool,
    /// The program around the interface is asked whether it still does.
    watching: bool,
    /// There is a passphrase that could unlock the interface.
    lockable: bool,
    /// The user wants it locked, and it is not known whether there is a passphrase now.
    lock_asked: bool,
    /// Who the user is.
    pub me: Option<Identity>,
    /// The state of the node.
    pub status: Option<Status>,
    /// What `sotto doctor` finds, as of the last time that the status panel was looked at.
    doctor: Option<api::DoctorReport>,
    /// The list at the left.
    pub conversations: Conversations,
    /// Requests of peers that wait for an answer.
    pub requests: Vec<api::FriendRequest>,
    /// What agents want to send.
    pub approvals: Vec<api::Approval>,
    /// The open conversation.
    pub pane: Option<Pane>,
    /// The place that is chosen in the list, while the list has the focus.
    pub chosen: usize,
    /// Where keys go.
    pub focus: Focus,
    /// The text that is written.
    pub composer: Composer,
    /// What it is written for.
    pub intent: Intent,
    /// What is open above, the uppermost last.
    pub dialogs: Vec<Dialog>,
    /// A line that goes away.
    pub notice: Option<Notice>,
    /// Nothing of content is shown.
    pub locked: bool,
    /// The list is shown also where there is little room, or hidden where there is much.
    pub sidebar: Option<bool>,
    /// The keys that were pressed of a sequence.
    pub pending: Vec<Chord>,
    /// Whose name the open conversation's contact claims, who has no petname: once for many frames, it takes all names.
    pub imitates: Option<String>,
    /// The conversation that this was looked up for.
    imitates_for: Option<String>,
    /// Texts that messages reply to, by id.
    pub quotes: HashMap<String, Option<String>>,
    /// Messages whose quotes were asked for, and whether one has changed since: then the answer can be older.
    quotes_asked: HashMap<String, bool>,
    /// A part of the screen that the mouse selects.
    pub drag: Option<Drag>,
    /// The text in that part is to be copied once it is drawn.
    copy_drag: bool,
    /// What the desktop shows of what arrives.
    pub notifications: Option<api::Notifications>,
    /// What rows are chosen by where there are no keys.
    numbers: Numbers,
    invites: Vec<api::UnusedInvite>,
    outbox: Vec<api::Message>,
    found: Vec<Found>,
    /// Places of messages that have gone, the last ones of them: a search that was made before can still find them.
    gone: VecDeque<String>,
    drafts: Drafts,
    edits: Edits,
    /// What was sent in conversations that are not open, for the composer's history.
    histories: HashMap<String, Vec<String>>,
    /// The messages that drafts reply to, as the store has them, by conversation.
    replies: BTreeMap<String, String>,
    /// Edits and replies that were begun in conversations that are not open.
    begun: HashMap<String, Begun>,
    /// The conversation whose draft has changed, and when it is kept.
    unsaved: Option<(String, u64)>,
    outgoing: Outgoing,
    /// Items that the daemon has not taken, for when it is back.
    unkept: BTreeMap<String, Option<String>>,
    /// What was put last in the place of each such item, until the store has it.
    last_put: BTreeMap<String, Option<String>>,
    /// What has changed since it was read.
    stale: BTreeSet<Part>,
    /// What is being read.
    in_flight: BTreeSet<Part>,
    status_clock: StatusClock,
    window_focused: bool,
    used_at: u64,
    typing_at: u64,
    /// The daemon that answers tells contacts when the user types: its setting `typing` is on.
    tells_typing: bool,
    /// Marked as read here, and the answer is not there yet.
    reading: bool,
    sends: u64,
    /// Conversations that were opened.
    panes: u64,
    title: String,
    /// The passphrase that the daemon is asked about.
    proving: Option<Secret>,
    /// What the daemon was told that the user looks at.
    told_focus: Option<api::SetFocus>,
    /// What the new user is called.
    first_name: String,
    effects: VecDeque<Effect>,
    /// The interface has ended.
    pub ended: bool,
}

/// What was begun in a conversation.
#[derive(Debug, Default)]
struct Begun {
    intent: Intent,
    /// The text of an edit.
    text: String,
}

impl Begun {
    fn is_about(&self, message: &str) -> bool {
        match &self.intent {
            Intent::Send => false,
            Intent::Reply { id, .. } | Intent::Edit { id } => id == message,
        }
    }
}

/// A message that a search of all conversations has found.
#[derive(Debug)]
struct Found {
    message: api::Message,
    /// Its text around the first hit: to look for that takes a while in long texts.
    excerpt: String,
}

/// A part of the screen: from where to where, in columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drag {
    /// Where the button was pressed.
    pub from: (u16, u16),
    /// Where the mouse is.
    pub to: (u16, u16),
}

impl App {
    /// An interface at its start.
    pub fn new(config: Config, looks: Looks, size: (u16, u16), start: &Start, now: u64) -> Self {
        let Looks { theme, depth, zone } = looks;
        let mut app = Self {
            config,
            theme,
            depth,
            zone,
            size,
            now,
            connection: Connection::Waiting,
            hosting: false,
            watching: false,
            lockable: false,
            lock_asked: false,
            me: None,
            status: None,
            doctor: None,
            conversations: Conversations::default(),
            requests: Vec::new(),
            approvals: Vec::new(),
            pane: None,
            chosen: 0,
            focus: Focus::Composer,
            composer: Composer::message(),
            intent: Intent::Send,
            dialogs: Vec::new(),
            notice: None,
            locked: false,
            sidebar: None,
            pending: Vec::new(),
            imitates: None,
            imitates_for: None,
            quotes: HashMap::new(),
            quotes_asked: HashMap::new(),
            drag: None,
            copy_drag: false,
            notifications: None,
            numbers: Numbers::default(),
            invites: Vec::new(),
            outbox: Vec::new(),
            found: Vec::new(),
            gone: VecDeque::new(),
            drafts: Drafts::default(),
            edits: Edits::default(),
            histories: HashMap::new(),
            replies: BTreeMap::new(),
            begun: HashMap::new(),
            unsaved: None,
            outgoing: Outgoing::default(),
            unkept: BTreeMap::new(),
            last_put: BTreeMap::new(),
            stale: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            status_clock: StatusClock::default(),
            window_focused: true,
            used_at: now,
            typing_at: 0,
            tells_typing: false,
            reading: false,
            sends: 0,
            panes: 0,
            title: String::new(),
            proving: None,
            told_focus: None,
            first_name: String::new(),
            effects: VecDeque::new(),
            ended: false,
        };
        app.start(start);
        app
    }

    fn start(&mut self, start: &Start) {
        match start {
            Start::Connect => self.effect(Effect::Connect),
            Start::Host => self.begin(HostTask::Start(None), "Opening the store…"),
            Start::Passphrase => self.open(dialogs::open_store()),
            Start::FirstRun => self.open(dialogs::welcome()),
        }
    }

    /// The next thing to do for the interface.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input, now: u64) {
        self.now = now;
        match input {
            Input::Key(key) => self.key(key),
            Input::Line(line) => self.line(&line),
            Input::Paste(text) => self.paste(&text),
            Input::Mouse(mouse) => self.mouse(mouse),
            Input::Resize(columns, rows) => self.size = (columns, rows),
            Input::Focus(focused) => {
                self.window_focused = focused;
                self.used_at = now;
            }
            Input::Background(dark) => self.fit_background(dark),
            Input::Report(report) => self.report(report),
            Input::Hosted(outcome) => self.hosted(outcome),
            Input::Edited(outcome) => self.edited(outcome),
            Input::Stop => self.effect(Effect::Suspend),
            Input::End => self.end(),
            Input::Tick => {}
        }
    }

    /// What is due, what was changed, and what the screen needs. Called before each frame; `lay_out` is the view's.
    pub fn settle(&mut self) {
        self.drop_notice();
        self.conversations.settle();
        self.look_up_name();
        self.lock_when_idle();
        self.give_up_sending();
        self.keep_draft(false);
        self.keep_reply();
        self.end_left_edit();
        self.send_next();
        self.refresh();
        self.lay_out();
        self.load_pages();
        self.mark_read();
        self.tell_focus();
        self.entitle();
        if self.config.keyless {
            self.dialogs.iter_mut().for_each(|open| self.numbers.assign(open));
        }
    }

    /// When time alone changes something, in milliseconds since the Unix epoch.
    pub fn deadline(&self) -> u64 {
        let mut deadline = next_minute(self.now);
        if matches!(self.connection, Connection::Up) {
            deadline = deadline.min(self.status_clock.due().max(self.now + 1));
        }
        if let Some(notice) = &self.notice {
            deadline = deadline.min(notice.until);
        }
        if let Some((_, at)) = &self.unsaved {
            deadline = deadline.min(*at);
        }
        if let Some(at) = self.edits.due() {
            deadline = deadline.min(at);
        }
        if let Some(at) = self.outgoing.deadline(self.now, self.is_up()) {
            deadline = deadline.min(at);
        }
        if let Some(idle) = self.idle_limit() {
            deadline = deadline.min(self.used_at + idle);
        }
        if self.counts_down() {
            deadline = deadline.min((self.now / 1000 + 1) * 1000);
        }
        deadline
    }

    /// Something on the screen disappears within minutes, second by second.
    fn counts_down(&self) -> bool {
        let soon = self.now + 100_000;
        self.pane.as_ref().is_some_and(|pane| {
            let expires = |message: &api::Message| message.expires_at.is_some_and(|at| at.millis() < soon);
            pane.items().iter().any(|(item, _)| expires(item.message))
        })
    }

    fn idle_limit(&self) -> Option<u64> {
        let minutes = self
            .config
            .lock_after
            .filter(|_| !self.locked && self.lockable && self.me.is_some())?;
        Some(u64::from(minutes) * 60_000)
    }

    fn lock_when_idle(&mut self) {
        if self.idle_limit().is_some_and(|idle| self.now >= self.used_at + idle) {
            self.lock();
        }
    }

    fn effect(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    fn call(&mut self, request: Request, purpose: Purpose) {
        self.effect(Effect::Call(Call { request, purpose }));
    }

    /// Says something for a few seconds.
    pub fn say(&mut self, text: impl Into<String>) {
        self.say_of(About::Past, text);
    }

    /// Says something for a few seconds, unless it is over before.
    fn say_of(&mut self, about: About, text: impl Into<String>) {
        let until = self.now + NOTICE;
        self.notice = Some(Notice {
            text: text.into(),
            error: false,
            until,
            about,
        });
    }

    /// Says that what was written is kept here.
    fn say_kept(&mut self) {
        self.say_of(About::Kept, "Kept: it is sent when the daemon answers again.");
    }

    /// A notice goes after its time, or once what it says is not true any more.
    fn drop_notice(&mut self) {
        let holds = self.notice.as_ref().is_some_and(|notice| match &notice.about {
            About::Past | About::Approval(_) => true,
            About::Kept => self.kept() > 0,
            About::DraftBeside(conversation) => self.here() == Some(conversation) && self.drafts.has_two(conversation),
        });
        self.notice.take_if(|notice| notice.until <= self.now || !holds);
    }

    /// That is over: a notice about it goes.
    fn is_over(&mut self, about: &About) {
        self.notice.take_if(|notice| notice.about == *about);
    }

    /// Says what went wrong, for a few seconds.
    fn complain(&mut self, text: impl Into<String>) {
        let until = self.now + 2 * NOTICE;
        self.notice = Some(Notice {
            text: text.into(),
            error: true,
            until,
            about: About::Past,
        });
    }

    fn complain_of(&mut self, error: &Error) {
        self.complain(explained(error));
    }

    /// Opens a dialog above everything else, but none above the lock: an answer can come late.
    fn open(&mut self, dialog: Dialog) {
        let about_content = !dialog.kind.stays() && !matches!(dialog.kind, Kind::Quit | Kind::DaemonEnded);
        if !(self.locked && about_content) {
            self.dialogs.push(Dialog {
                looked_at: true,
                ..dialog
            });
        }
    }

    /// Closes all dialogs; the lock stays.
    fn close_all(&mut self) {
        self.dialogs.clear();
        if self.locked {
            self.open(dialogs::locked());
        }
    }

    /// Messages that no daemon has taken.
    pub fn kept(&self) -> usize {
        self.outgoing.len()
    }

    /// The same, if that is worth a word: an answer takes a moment.
    pub fn kept_shown(&self) -> usize {
        let shown = !self.is_up() || self.outgoing.is_late(self.now);
        if shown { self.kept() } else { 0 }
    }

    /// A daemon answers.
    const fn is_up(&self) -> bool {
        matches!(self.connection, Connection::Up)
    }

    /// Sends what was written first and waits.
    fn send_next(&mut self) {
        if self.is_up()
            && let Some(unsent) = self.outgoing.next(self.now)
        {
            self.call(unsent.request(), Purpose::Sent(unsent));
        }
    }

    /// What the author of a message is called now; the message has the name of the time when it was read.
    pub fn author(&self, message: &api::Message) -> name::Name {
        let known = self.conversations.entry(&message.from).map(|entry| entry.name.clone());
        known.unwrap_or_else(|| name::Name::from(message))
    }

    fn close(&mut self) {
        self.dialogs.pop();
    }

    fn begin(&mut self, task: HostTask, doing: &str) {
        let mut dialog = Dialog::new(Kind::Starting, "Sotto").text(doing);
        dialog.busy = true;
        self.dialogs.clear();
        self.open(dialog);
        self.effect(Effect::Host(task));
    }

    /// Nothing is there yet to be shown behind the questions of the start.
    pub fn first_run(&self) -> bool {
        self.dialogs.first().is_some_and(|open| open.kind.stays())
    }

    /// The id of the open conversation.
    pub fn here(&self) -> Option<&str> {
        self.pane.as_ref().map(|pane| pane.conversation.as_str())
    }

    /// The moment, as the API has it.
    pub const fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    /// Asks for what was read once and has changed since; each at most once at a time.
    fn refresh(&mut self) {
        if !matches!(self.connection, Connection::Up) {
            return;
        }
        let up = self.status.as_ref().is_some_and(|status| status.network.reachable);
        if self.status_clock.strikes(up, self.used_at, self.now) {
            self.stale.insert(Part::Status);
        }
        let due: Vec<Part> = self.stale.difference(&self.in_flight).copied().collect();
        for part in due {
            self.stale.remove(&part);
            self.in_flight.insert(part);
            if part == Part::Contacts {
                self.conversations.ask();
            }
            self.call(part.request(), Purpose::Part(part));
        }
    }

    /// Reads everything that is shown: after a start, and when the daemon is back.
    fn read_everything(&mut self) {
        self.in_flight.clear();
        self.conversations.renumber();
        self.gone.clear();
        self.quotes.clear();
        self.quotes_asked
            .values_mut()
            .for_each(|has_changed| *has_changed = true);
        if let Intent::Reply { id, .. } = &self.intent {
            let id = id.clone();
            self.forget_quote(&id);
        }
        self.forget_layout();
        self.stale.extend([
            Part::Contacts,
            Part::Requests,
            Part::Threads,
            Part::Approvals,
            Part::Notifications,
            Part::Status,
        ]);
        self.call(Request::Identity(api::Nothing {}), Purpose::Identity);
        if self.me.is_none() {
            self.call(Request::Items(api::ListItems::default()), Purpose::Items);
        }
        if let Some(pane) = &mut self.pane {
            pane.renumber();
            // What is looked at stays: the window is read again where it is.
            let newest = pane.is_at_bottom() || !pane.loaded;
            self.ask_page(if newest { Page::Newest } else { Page::Again });
        }
    }

    /// Opens a conversation; its draft comes into the composer.
    pub fn open_conversation(&mut self, id: &str) {
        if self.here() == Some(id) && self.pane.as_ref().is_some_and(|pane| pane.thread.is_none()) {
            self.focus = Focus::Composer;
            return;
        }
        self.open_pane(id, None);
    }

    fn open_pane(&mut self, id: &str, thread: Option<String>) {
        let same = self.here() == Some(id);
        if !same {
            self.keep_draft(true);
            self.stop_typing();
            self.set_intent_aside();
            self.take_intent_up(id);
            let history = self.histories.remove(id).unwrap_or_default();
            let before = self.composer.exchange_history(history);
            if let Some(left) = self.here().map(str::to_owned) {
                self.histories.insert(left, before);
            }
            // Another window may have written here meanwhile.
            let prefix = Drafts::key(id);
            let list = api::ListItems { prefix, after: None };
            let purpose = Purpose::Draft {
                conversation: id.to_owned(),
                text: self.drafts.text(id).to_owned(),
            };
            self.call(Request::Draft(list), purpose);
        }
        self.panes += 1;
        self.pane = Some(Pane::new(self.panes, id.to_owned(), thread, self.zone.clone()));
        self.focus = Focus::Composer;
        self.chosen = self.conversations.place(id).unwrap_or(self.chosen);
        self.ask_page(Page::Newest);
    }

    /// An edit or a reply that was begun stays with its conversation.
    fn set_intent_aside(&mut self) {
        let intent = std::mem::take(&mut self.intent);
        if let Some(left) = self.here().map(str::to_owned).filter(|_| intent != Intent::Send) {
            let text = self.composer.text().to_owned();
            self.begun.insert(left, Begun { intent, text });
        }
    }

    /// Goes on with what was begun in a conversation. The text of an edit is no draft.
    fn take_intent_up(&mut self, id: &str) {
        let begun = self.begun.remove(id).unwrap_or_default();
        let text = match &begun.intent {
            Intent::Edit { .. } => begun.text.as_str(),
            Intent::Send | Intent::Reply { .. } => self.drafts.text(id),
        };
        self.composer.set_text(text);
        self.take_intent(id, begun.intent);
    }

    /// Goes on with what was begun. Of a reply that the store has kept only the message's id is known.
    fn take_intent(&mut self, conversation: &str, intent: Intent) {
        if let Intent::Reply { id, quote } = &intent
            && quote.is_empty()
        {
            self.ask_quote(id.clone(), conversation.to_owned());
        }
        self.intent = intent;
    }

    /// Asks for a message that is quoted: once, until the answer is here.
    fn ask_quote(&mut self, id: String, conversation: String) {
        if self.quotes_asked.contains_key(&id) {
            return;
        }
        self.quotes_asked.insert(id.clone(), false);
        let which = api::MessageOnly {
            id: id.clone(),
            conversation: Some(conversation.clone()),
        };
        self.call(Request::Message(which), Purpose::Quote { id, conversation });
    }

    /// Keeps the message that the draft of the open conversation replies to.
    fn keep_reply(&mut self) {
        let Some(here) = self.here().map(str::to_owned) else {
            return;
        };
        let now = match &self.intent {
            Intent::Reply { id, .. } => Some(id.clone()),
            Intent::Send | Intent::Edit { .. } => None,
        };
        if self.replies.get(&here) == now.as_ref() {
            return;
        }
        let key = format!("{REPLY_KEY}{}", item_key(&here));
        self.store(key, now.clone());
        match now {
            Some(id) => self.replies.insert(here, id),
            None => self.replies.remove(&here),
        };
    }

    fn ask_page(&mut self, page: Page) {
        let Some(pane) = &mut self.pane else { return };
        let window = pane.window();
        let conversation = pane.conversation.clone();
        let mut history = api::History {
            conversation: conversation.clone(),
            limit: Some(pane::PAGE),
            thread: pane.thread.clone(),
            ..api::History::default()
        };
        match (&page, pane.ends()) {
            (Page::Newest | Page::First(_), _) => {}
            (Page::Again, _) => history.before = pane.after_edge().map(api::Message::place),
            (Page::Older, Some((first, _))) => history.before = Some(first.place()),
            (Page::Newer, Some((_, last))) => history.after = Some(last.place()),
            (Page::Around(id), _) => history.before = Some(id.clone()),
            (Page::Older | Page::Newer, None) => return,
        }
        pane.ask();
        let request = match &page {
            Page::First(id) => Request::Message(api::MessageOnly {
                id: id.rsplit_once('/').map_or(id.as_str(), |(_, id)| id).to_owned(),
                conversation: Some(conversation),
            }),
            _ => Request::History(history),
        };
        self.call(request, Purpose::Page { page, window });
    }

    fn load_pages(&mut self) {
        if !matches!(self.connection, Connection::Up) {
            return;
        }
        if let Some(page) = self.pane.as_mut().and_then(Pane::page_to_load) {
            self.ask_page(page);
        }
    }

    /// Lays out what the screen shows of the messages.
    fn lay_out(&mut self) {
        let area = crate::view::areas(self).messages;
        let Some(pane) = &mut self.pane else { return };
        pane.resize(area.width, usize::from(area.height));
        let (quotes, theme, reorder) = (&self.quotes, &self.theme, self.config.reorder);
        let mut missing = Vec::new();
        pane.settle(&mut |message, raw, width| {
            let quote = message.reply_to.as_ref().and_then(|id| {
                let known = quotes.get(id);
                if known.is_none() {
                    missing.push(id.clone());
                }
                known?.as_deref()
            });
            Body::of(message, raw, width, quote, theme, reorder)
        });
        let conversation = pane.conversation.clone();
        for id in missing {
            if self.quotes.contains_key(&id) {
                continue;
            }
            // An own message comes first, and one of another author may hide one that is not in the window.
            let here = self.pane.as_ref().and_then(|pane| pane.message(&id));
            let here = here
                .filter(|message| message.direction == api::Direction::Out)
                .map(quoted);
            if here.is_none() {
                self.ask_quote(id.clone(), conversation.clone());
            } else if let Some(pane) = &mut self.pane {
                pane.forget_layout();
            }
            self.quotes.insert(id, here);
        }
    }

    /// The messages of the open conversation are before the user's eyes.
    fn sees_messages(&self) -> bool {
        self.window_focused && !self.locked && crate::view::areas(self).messages.height > 0
    }

    /// Compares the claimed name of the open conversation with the petnames of other contacts.
    fn look_up_name(&mut self) {
        let changed = self.conversations.names_have_changed();
        let here = self.here();
        if !changed && self.imitates_for.as_deref() == here {
            return;
        }
        let contact = here
            .and_then(|here| self.conversations.entry(here))
            .and_then(|entry| entry.contact.as_ref())
            .filter(|contact| contact.who.petname.is_none());
        self.imitates = contact.and_then(|contact| self.conversations.imitated_by(&contact.who));
        self.imitates_for = self.here().map(str::to_owned);
    }

    /// Marks what is on the screen as read, while the user can see it.
    fn mark_read(&mut self) {
        let visible = self.sees_messages() && self.dialogs.is_empty();
        if !visible || self.reading || !matches!(self.connection, Connection::Up) {
            return;
        }
        let Some(pane) = &self.pane else { return };
        let mut ids = pane.unread_on_screen();
        if ids.is_empty() {
            return;
        }
        ids.truncate(256);
        let conversation = pane.conversation.clone();
        self.reading = true;
        let read = api::MarkRead {
            conversation,
            ids: ids.clone(),
            receipt: None,
        };
        self.call(Request::Read(read), Purpose::Read(ids));
    }

    /// Tells the daemon what the user looks at: of that, the desktop shows nothing.
    fn tell_focus(&mut self) {
        if !matches!(self.connection, Connection::Up) {
            return;
        }
        let looks = self.window_focused && !self.locked;
        let focus = api::SetFocus {
            conversation: self.here().filter(|_| looks).map(str::to_owned),
            locked: self.locked,
        };
        if self.told_focus.as_ref() != Some(&focus) {
            self.told_focus = Some(focus.clone());
            self.call(Request::Focus(focus), Purpose::Silent);
        }
    }

    /// The window's title: what is unread. Nothing of content, and nothing at all while it is locked.
    fn entitle(&mut self) {
        let unread = self.conversations.unread();
        let title = match unread {
            _ if self.locked => String::from("Sotto"),
            0 => String::from("Sotto"),
            unread => format!("Sotto ({unread})"),
        };
        if title != self.title {
            self.title.clone_from(&title);
            self.effect(Effect::Title(title));
        }
    }

    /// Keeps the text that is written, so that it survives a crash: once it rests, or now.
    fn keep_draft(&mut self, now: bool) {
        self.keep_edit(now);
        let due = |(_, at): &mut (String, u64)| now || *at <= self.now;
        let Some((id, _)) = self.unsaved.take_if(due) else {
            return;
        };
        self.keep_draft_of(&id);
    }

    /// Keeps the draft of a conversation now, and no other that is still to be kept.
    fn keep_draft_of(&mut self, conversation: &str) {
        let (item, expected) = self.drafts.keep(conversation);
        self.conversations
            .touch(conversation, |entry| entry.draft = item.value.is_some());
        self.store_expected(item, expected);
    }

    /// Keeps an item in the store, unless the store has others than are known here.
    fn store_expected(&mut self, item: api::Item, expected: Vec<api::Item>) {
        let items = vec![item.clone()];
        self.call(Request::Store(api::SetItems { items, expected }), Purpose::Kept(item));
    }

    /// Keeps an item of the interface in the store.
    fn store(&mut self, key: String, value: Option<String>) {
        // An older value, of which no daemon has answered, must not come after it.
        self.unkept.remove(&key);
        self.last_put.insert(key.clone(), value.clone());
        let item = api::Item { key, value };
        let items = vec![item.clone()];
        let set = api::SetItems {
            items,
            ..api::SetItems::default()
        };
        self.call(Request::Store(set), Purpose::Kept(item));
    }

    fn wrote(&mut self) {
        let Some(id) = self.here().map(str::to_owned) else {
            return;
        };
        if matches!(self.intent, Intent::Edit { .. }) {
            self.edits.typed(self.now);
            return;
        }
        self.drafts.set(&id, self.composer.text());
        self.unsaved = Some((id.clone(), self.now + DRAFT));
        if self.now >= self.typing_at + TYPING && !self.composer.is_empty() {
            self.typing_at = self.now;
            self.typing(id, true);
        }
    }

    fn typing(&mut self, conversation: String, typing: bool) {
        if self.tells_typing && self.can_send() {
            self.call(Request::Typing(api::Typing { conversation, typing }), Purpose::Silent);
        }
    }

    fn stop_typing(&mut self) {
        if self.typing_at != 0 {
            self.typing_at = 0;
            if let Some(id) = self.here().map(str::to_owned) {
                self.typing(id, false);
            }
        }
    }

    fn hosted(&mut self, outcome: Result<Hosted, Error>) {
        match outcome {
            Ok(Hosted::Made(identity)) => {
                self.hosting = true;
                self.dialogs.clear();
                self.open(dialogs::identity(
                    &identity,
                    true,
                    self.config.key_hint(Action::AddFriend).as_deref(),
                ));
                self.me = None;
                self.effect(Effect::Connect);
            }
            Ok(Hosted::Started) => {
                self.hosting = true;
                self.close_all();
                self.effect(Effect::Connect);
            }
            Ok(Hosted::Elsewhere) => {
                self.close_all();
                self.effect(Effect::Connect);
            }
            Ok(Hosted::KeyRefused(why)) => self.cannot_start(&why),
            Ok(Hosted::Runs) => self.watching = false,
            Ok(Hosted::Failed(why)) => self.daemon_has_ended(why),
            Ok(Hosted::Ended) => {
                self.ended = true;
                self.effect(Effect::Quit);
            }
            Err(error) => self.host_failed(&error),
        }
    }

    /// The daemon of this process is gone: nothing arrives until another one is started. What is open stays below the question.
    fn daemon_has_ended(&mut self, why: Option<Error>) {
        self.watching = false;
        self.hosting = false;
        let why = why.map_or_else(|| String::from("It was stopped."), |error| explained(&error));
        let mut dialog = dialogs::daemon_has_ended();
        dialog.fail(why);
        self.open(dialog);
    }

    fn host_failed(&mut self, error: &Error) {
        match error.kind() {
            ErrorKind::WrongKey | ErrorKind::Locked => self.begin_with(dialogs::open_store(), error),
            _ => self.cannot_start(error),
        }
    }

    fn cannot_start(&mut self, error: &Error) {
        self.begin_with(dialogs::failed(), error);
    }

    /// Begins once more, by a dialog that says why.
    fn begin_with(&mut self, mut dialog: Dialog, error: &Error) {
        self.dialogs.clear();
        dialog.fail(explained(error));
        self.open(dialog);
    }
}

/// Messages that have gone, whose places are remembered.
const GONE: usize = 500;

/// Where a conversation that was marked as unread is kept.
const UNREAD_KEY: &str = "unread/";

/// Where the message that a draft replies to is kept, by its id.
const REPLY_KEY: &str = "reply/";

/// Where what the user chose in the interface is kept.
const CHOICES_KEY: &str = "choices";

/// When the clock has another minute, and so the screen other times.
const fn next_minute(now: u64) -> u64 {
    (now / 60_000 + 1) * 60_000
}

/// A conversation in the key of an item, which is short.
fn item_key(conversation: &str) -> &str {
    conversation.strip_suffix(".onion").unwrap_or(conversation)
}

/// The conversation that [`item_key`] has shortened.
fn from_item_key(key: &str) -> String {
    if key.contains(':') {
        key.to_owned()
    } else {
        format!("{key}.onion")
    }
}

/// An error as a person reads it: what was wrong, and what to do.
fn explained(error: &Error) -> String {
    if error.data.hint.is_empty() {
        return error.message.clone();
    }
    format!("{}: {}", error.message.trim_end_matches('.'), error.data.hint)
}

/// A message on one line, as others quote it.
fn quoted(message: &api::Message) -> String {
    let text = if message.deleted_at.is_some() {
        "(deleted)"
    } else {
        message.text.as_str()
    };
    format!("{}: {}", author_of(message), one_line(text, message.content_type))
}

/// A message on one line, from where it has what was searched for.
fn excerpt(message: &api::Message, query: &Query) -> String {
    /// Letters before the hit: those and the hit have room in the first lines of a row.
    const BEFORE: usize = 30;
    let text = message.text.as_str();
    let hit = query.hits(text).first().map_or(0, |hit| hit.start);
    let before = &text[..hit];
    if before.chars().count() <= 2 * BEFORE {
        return quoted(message);
    }
    let start = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    // From the beginning of a word on, unless that is too far.
    let word = text[start..hit].find(char::is_whitespace).unwrap_or(0);
    let rest = one_line(&text[start + word..], message.content_type);
    format!("{}: … {rest}", author_of(message))
}

fn author_of(message: &api::Message) -> String {
    match message.direction {
        api::Direction::Out => String::from("You"),
        api::Direction::In => name::Name::from(message).brief(),
    }
}

/// The beginning of a text on one line, without the marks of markdown.
fn one_line(text: &str, content_type: api::ContentType) -> String {
    let begun = text.char_indices().nth(400).map_or(text, |(end, _)| &text[..end]);
    let plain = match content_type {
        api::ContentType::Markdown => {
            let lines = markdown::markdown(begun, 400, &Theme::default()).lines;
            lines.iter().map(|line| format!("{line} ")).collect()
        }
        api::ContentType::Plain | api::ContentType::Unsupported => begun.to_owned(),
    };
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
