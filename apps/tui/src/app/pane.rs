//! [`Pane`]: the messages of the open conversation. It holds a window of the history, which is read in pages in both
//! directions, and the place that is looked at. Heights depend on the width, and are kept from frame to frame.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::tz::TimeZone;
use sotto_api::{Direction, FailReason, Message, MessageState, Time};

use super::recent::Recent;
use crate::view::message::{Body, Layout};

/// Messages of one page.
pub const PAGE: u32 = 100;

/// Messages of the window at most.
const WINDOW: usize = 500;

/// A page is asked for when fewer messages than that are left above or below the screen.
const MARGIN: usize = 30;

/// What an event changes in a conversation.
#[derive(Clone, Debug)]
pub enum Change {
    /// A message is new in it, or was already known.
    Arrived(Message),
    /// A message stands like this now.
    Updated(Message),
    /// The message at that place has another state.
    State {
        place: String,
        state: MessageState,
        reason: Option<FailReason>,
        at: Time,
    },
    /// The author of the message at that place has deleted it.
    Deleted { place: String, at: Time },
    /// The message at that place is gone from this node.
    Gone { place: String },
}

impl Change {
    /// The author of the message at that place has deleted it.
    fn delete(&mut self, place: &str, at: Time) {
        if let Self::Arrived(message) | Self::Updated(message) = self
            && is_at(message, place)
        {
            delete(message, at);
        }
    }

    fn is_about(&self, place: &str) -> bool {
        match self {
            Self::Arrived(message) | Self::Updated(message) => is_at(message, place),
            Self::State { place: changed, .. }
            | Self::Deleted { place: changed, .. }
            | Self::Gone { place: changed } => changed == place,
        }
    }
}

/// What follows the window at one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// More messages, which were not asked for.
    More,
    /// More messages, which are being read.
    Loading,
    /// Nothing.
    End,
}

/// The line at the lower edge of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Anchor {
    /// The last line there is: new messages move the others up.
    Bottom,
    /// A line of the message at that place: so many of its lines are above the edge.
    Line { place: String, lines: usize },
}

/// Where a page belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest messages; the window begins anew.
    Newest,
    /// Those before the window.
    Older,
    /// Those after the window.
    Newer,
    /// Those before a message; the window begins anew with them. `Newer` follows.
    Around(String),
    /// Those up to the place that is looked at, read again; the window begins anew with them, and the place stays.
    Again,
    /// The message that nothing is before; the window begins anew with it.
    First(String),
}

/// A window of a conversation. A page that was asked for in one must not come into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which pane: each has another number.
    pane: u64,
    /// How often its window has begun anew.
    begun: u64,
}

/// A search within the conversation.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// What was searched for.
    pub query: String,
    /// The places of messages, the newest first.
    pub places: Vec<String>,
    /// The one that is looked at.
    pub at: usize,
}

/// The messages of the open conversation. What is kept about one of them is kept under its place, its author and its id: a peer can
/// choose an id that is there.
#[derive(Debug)]
pub struct Pane {
    /// Which conversation.
    pub conversation: String,
    /// Only this thread.
    pub thread: Option<String>,
    window: Window,
    messages: VecDeque<Message>,
    recent: Recent<Change>,
    /// What is before the window.
    pub older: Edge,
    /// What is after the window.
    pub newer: Edge,
    /// The first page is here.
    pub loaded: bool,
    anchor: Anchor,
    selected: Option<String>,
    /// New messages below the screen.
    pub below: usize,
    /// The place of the first message that was unread when the conversation was opened.
    pub first_unread: Option<String>,
    /// The places of messages that have disappeared while they were in the window, the last ones of them.
    pub disappeared: VecDeque<String>,
    /// Messages that were looked at before a jump.
    jumps: Vec<String>,
    /// A search.
    pub hits: Option<Hits>,
    raw: HashSet<String>,
    /// Selected once its page is here.
    wanted: Option<String>,
    /// Selected, and not on the screen before the heights of the messages near it are known.
    unplaced: bool,
    zone: TimeZone,
    width: u16,
    height: usize,
    bodies: HashMap<String, Body>,
}

/// Whether that is the place of the message.
fn is_at(message: &Message, place: &str) -> bool {
    place.split_once('/') == Some((&message.from, &message.id))
}

/// An item of the pane: a message with what stands above it.
#[derive(Debug)]
pub struct Item<'a> {
    /// The message.
    pub message: &'a Message,
    /// What stands above its text, and how many lines it has.
    pub layout: Layout,
    /// Its text, laid out.
    pub body: &'a Body,
}

impl Pane {
    /// An empty one; its first page has to be asked for. No other one has that number.
    pub fn new(number: u64, conversation: String, thread: Option<String>, zone: TimeZone) -> Self {
        Self {
            window: Window { pane: number, begun: 0 },
            zone,
            conversation,
            thread,
            messages: VecDeque::new(),
            recent: Recent::new(WINDOW),
            older: Edge::Loading,
            newer: Edge::End,
            loaded: false,
            anchor: Anchor::Bottom,
            selected: None,
            below: 0,
            first_unread: None,
            disappeared: VecDeque::new(),
            jumps: Vec::new(),
            hits: None,
            raw: HashSet::new(),
            wanted: None,
            unplaced: false,
            width: 0,
            height: 0,
            bodies: HashMap::new(),
        }
    }

    /// The messages of the window, the oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> + ExactSizeIterator {
        self.messages.iter()
    }

    /// A message of the window, by its place or by its id.
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.index(name).map(|index| &self.messages[index])
    }

    /// By an id alone, the own message comes first, as it does for the daemon.
    fn index(&self, name: &str) -> Option<usize> {
        // Most questions are about the newest messages.
        let last = |is_meant: &dyn Fn(&Message) -> bool| self.messages.iter().rposition(is_meant);
        if let Some((from, id)) = name.split_once('/') {
            return last(&|message| message.id == id && message.from == from);
        }
        let own = last(&|message| message.id == name && message.direction == Direction::Out);
        own.or_else(|| last(&|message| message.id == name))
    }

    fn place_of(&self, index: usize) -> String {
        self.messages[index].place()
    }

    /// Whether a message is the selected one.
    pub fn is_selected(&self, message: &Message) -> bool {
        self.selected.as_deref().is_some_and(|place| is_at(message, place))
    }

    /// The selected message.
    pub fn selected(&self) -> Option<&Message> {
        self.selected.as_deref().and_then(|place| self.message(place))
    }

    /// The last line there is, is at the lower edge.
    pub fn is_at_bottom(&self) -> bool {
        self.anchor == Anchor::Bottom && self.newer == Edge::End
    }

    /// Shows the text of the selected message as it was written, or laid out again.
    pub fn toggle_raw(&mut self) {
        if let Some(place) = self.selected.clone() {
            self.bodies.remove(&place);
            if !self.raw.remove(&place) {
                self.raw.insert(place);
            }
        }
    }

    /// Everything has to be laid out again: the theme has changed.
    pub fn forget_layout(&mut self) {
        self.bodies.clear();
    }

    /// A page is asked for. Each one is [`answered`](Self::answered).
    pub const fn ask(&mut self) {
        self.recent.ask();
    }

    /// A page that was asked for was taken, or does not come.
    pub fn answered(&mut self, window: Window) {
        if window.pane == self.window.pane {
            self.recent.answered();
        }
    }

    /// Events have other numbers from now on.
    pub fn renumber(&mut self) {
        self.recent.renumber();
    }

    /// Takes a page of the history, as it was after the event `last_seq`. `full` says that it has as many messages as were asked for.
    /// False if not all that followed is known: then it has to be read again.
    pub fn take(&mut self, page: &Page, messages: Vec<Message>, full: bool, last_seq: u64) -> bool {
        self.put(page, messages, full);
        if !matches!(page, Page::Older | Page::Newer) {
            self.recent.begin(last_seq);
        }
        // They were counted when they came.
        let below = self.below;
        for change in self.recent.after(last_seq) {
            self.make(change);
        }
        self.below = below;
        self.recent.is_whole_after(last_seq)
    }

    fn put(&mut self, page: &Page, messages: Vec<Message>, full: bool) {
        let edge = if full { Edge::More } else { Edge::End };
        match page {
            Page::Newest => {
                self.begin_with(messages);
                self.older = edge;
                self.newer = Edge::End;
                self.anchor = Anchor::Bottom;
                self.below = 0;
            }
            Page::Around(name) => {
                self.begin_with(messages);
                self.older = edge;
                self.newer = Edge::More;
                self.show(name);
            }
            Page::Again => {
                self.begin_with(messages);
                self.older = edge;
                self.newer = Edge::More;
            }
            Page::First(_) => {
                self.begin_with(messages);
                self.older = Edge::End;
                self.newer = Edge::More;
            }
            Page::Older => {
                for message in messages.into_iter().rev() {
                    self.messages.push_front(message);
                }
                self.older = edge;
                self.cut_newer();
            }
            Page::Newer => {
                // A message can have arrived as an event and be in the page as well.
                for message in messages {
                    if self.index(&message.place()).is_none() {
                        self.messages.push_back(message);
                    }
                }
                self.newer = edge;
                self.cut_older();
                if edge == Edge::End && self.anchor == Anchor::Bottom {
                    self.below = 0;
                }
            }
        }
        self.loaded = true;
        if let Some(name) = self.wanted.take() {
            self.want(&name);
        }
    }

    fn begin_with(&mut self, messages: Vec<Message>) {
        self.window.begun += 1;
        self.messages = messages.into();
        self.bodies.clear();
        if self.selected().is_none() {
            self.selected = None;
        }
    }

    /// A page could not be read; it is asked for again when it is needed again.
    pub fn failed(&mut self, page: &Page) {
        match page {
            Page::Newest | Page::Around(_) | Page::Again | Page::First(_) => self.loaded = true,
            Page::Older => self.older = Edge::More,
            Page::Newer => self.newer = Edge::More,
        }
    }

    /// The window as it is, for a page that is asked for.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Whether a page that was asked for in a window still belongs into this one.
    pub fn takes(&self, page: &Page, window: Window) -> bool {
        match page {
            Page::Older | Page::Newer => window == self.window,
            Page::Newest | Page::Around(_) | Page::Again | Page::First(_) => window.pane == self.window.pane,
        }
    }

    /// The message after those that are looked at: what is before it has the place.
    pub fn after_edge(&self) -> Option<&Message> {
        let (index, _) = self.edge();
        self.messages.get(index + 1).or_else(|| self.messages.back())
    }

    fn cut_newer(&mut self) {
        while self.messages.len() > WINDOW {
            let Some(cut) = self.messages.pop_back() else { return };
            self.bodies.remove(&cut.place());
            self.newer = Edge::More;
            if self.anchor == Anchor::Bottom {
                self.hold_bottom();
            }
        }
    }

    fn cut_older(&mut self) {
        while self.messages.len() > WINDOW {
            let Some(cut) = self.messages.pop_front() else { return };
            self.bodies.remove(&cut.place());
            self.older = Edge::More;
        }
    }

    /// Takes what an event has changed, unless the window has it.
    pub fn apply(&mut self, event: Option<u64>, change: Change) {
        // The text of a message that has gone is kept nowhere.
        match &change {
            Change::Deleted { place, at } => self.recent.retain(|before| {
                before.delete(place, *at);
                true
            }),
            Change::Gone { place } => self.recent.retain(|before| !before.is_about(place)),
            _ => {}
        }
        if self.recent.is_new(event, &change) {
            self.make(change);
        }
    }

    fn make(&mut self, change: Change) {
        match change {
            Change::Arrived(message) => self.arrived(message),
            Change::Updated(message) => self.update(message),
            Change::State {
                place,
                state,
                reason,
                at,
            } => self.change(&place, |message| put_state(message, state, reason, at)),
            Change::Deleted { place, at } => self.change(&place, |message| delete(message, at)),
            Change::Gone { place } => self.remove(&place),
        }
    }

    fn arrived(&mut self, message: Message) {
        if self.thread.is_some() && self.thread != message.thread {
            return;
        }
        if self.index(&message.place()).is_some() {
            self.update(message);
            return;
        }
        if self.newer != Edge::End || !self.loaded {
            self.below += usize::from(self.loaded && message.direction == Direction::In);
            return;
        }
        let incoming = message.direction == Direction::In;
        // A selected message is being read: it stays where it is.
        let reading = self
            .selected
            .as_ref()
            .is_some_and(|place| self.messages.back().is_some_and(|last| !is_at(last, place)));
        if reading && self.anchor == Anchor::Bottom {
            self.hold_bottom();
        }
        self.messages.push_back(message);
        if self.anchor == Anchor::Bottom {
            self.cut_older();
        } else {
            self.below += usize::from(incoming);
            if self.messages.len() > WINDOW {
                self.messages.pop_back();
                self.newer = Edge::More;
            }
        }
    }

    /// A message has changed.
    pub fn update(&mut self, message: Message) {
        let place = message.place();
        if let Some(index) = self.index(&place) {
            self.bodies.remove(&place);
            self.messages[index] = message;
        }
    }

    /// Changes a message, if it is in the window.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Message)) {
        if let Some(index) = self.index(name) {
            self.bodies.remove(&self.messages[index].place());
            change(&mut self.messages[index]);
        }
    }

    /// A message is gone.
    fn remove(&mut self, name: &str) {
        let Some(index) = self.index(name) else { return };
        let neighbour = |pane: &Self| {
            let next = pane.messages.get(index).or_else(|| pane.messages.back());
            next.map(Message::place)
        };
        let place = self.place_of(index);
        self.messages.remove(index);
        self.disappeared.push_back(place.clone());
        if self.disappeared.len() > WINDOW {
            self.disappeared.pop_front();
        }
        self.bodies.remove(&place);
        if self.selected.as_ref() == Some(&place) {
            self.selected = neighbour(self);
        }
        if matches!(&self.anchor, Anchor::Line { place: anchor, .. } if *anchor == place) {
            self.anchor = match neighbour(self) {
                Some(place) => Anchor::Line { place, lines: 1 },
                None => Anchor::Bottom,
            };
        }
        if self.first_unread.as_ref() == Some(&place) {
            self.first_unread = neighbour(self);
        }
    }

    /// Messages of others that are on the screen and were not read.
    pub fn unread_on_screen(&self) -> Vec<String> {
        let Some((first, last)) = self.on_screen() else {
            return Vec::new();
        };
        let seen = unread(self.messages.range(first..=last));
        seen.map(|message| message.id.clone()).collect()
    }

    /// All messages of the window that were not read.
    pub fn unread(&self) -> impl Iterator<Item = &Message> {
        unread(self.messages.iter())
    }

    /// A message of another author is read.
    pub fn read(&mut self, id: &str) {
        let is_meant = |message: &&Message| message.direction == Direction::In && message.id == id;
        if let Some(place) = self.messages.iter().rfind(is_meant).map(Message::place) {
            self.change(&place, |message| message.state = MessageState::Read);
        }
    }

    /// The links of a message that is laid out.
    pub fn links(&self, name: &str) -> Vec<String> {
        let body = self.message(name).and_then(|message| self.bodies.get(&message.place()));
        body.map_or_else(Vec::new, |body| body.links.clone())
    }

    /// Has the layout for that size; what has a layout already keeps it.
    pub fn resize(&mut self, width: u16, height: usize) {
        if self.width != width {
            self.bodies.clear();
        }
        self.width = width;
        self.height = height;
    }

    /// Lays out what the screen shows, with `lay_out` for the texts that have no layout yet.
    pub fn settle(&mut self, lay_out: &mut dyn FnMut(&Message, bool, u16) -> Body) {
        if self.height == 0 || self.width == 0 || self.messages.is_empty() {
            return;
        }
        self.place(lay_out);
        self.measure_around(lay_out);
        self.clamp(lay_out);
    }

    /// Has the message that was jumped to in the upper third, so that what follows is read with it.
    fn place(&mut self, lay_out: &mut dyn FnMut(&Message, bool, u16) -> Body) {
        if !std::mem::take(&mut self.unplaced) {
            return;
        }
        let Some(index) = self.selected.as_deref().and_then(|place| self.index(place)) else {
            return;
        };
        self.measure(index, lay_out);
        let mut lines = self.height_of(index);
        let mut edge = index;
        while edge + 1 < self.messages.len() && lines < 2 * self.height / 3 {
            edge += 1;
            self.measure(edge, lay_out);
            lines += self.height_of(edge);
        }
        let over = lines.saturating_sub(self.height);
        self.set_edge(edge, self.height_of(edge).saturating_sub(over).max(1));
    }

    /// The texts of the messages from the anchor up to two screens above and one below.
    fn measure_around(&mut self, lay_out: &mut dyn FnMut(&Message, bool, u16) -> Body) {
        let (index, _) = self.edge();
        let mut lines = 0;
        for index in (0..=index).rev() {
            self.measure(index, lay_out);
            lines += self.height_of(index);
            if lines > 3 * self.height {
                break;
            }
        }
        lines = 0;
        for index in index + 1..self.messages.len() {
            self.measure(index, lay_out);
            lines += self.height_of(index);
            if lines > 2 * self.height {
                break;
            }
        }
    }

    fn measure(&mut self, index: usize, lay_out: &mut dyn FnMut(&Message, bool, u16) -> Body) {
        let message = &self.messages[index];
        let place = message.place();
        if !self.bodies.contains_key(&place) {
            let body = lay_out(message, self.raw.contains(&place), self.width);
            self.bodies.insert(place, body);
        }
    }

    /// The first message is not lower than the upper edge, unless all messages fit.
    fn clamp(&mut self, lay_out: &mut dyn FnMut(&Message, bool, u16) -> Body) {
        let (index, lines) = self.edge();
        let above: usize = (0..index)
            .rev()
            .map(|index| self.height_of(index))
            .take_while_sum(self.height)
            + lines;
        if above >= self.height || self.anchor == Anchor::Bottom {
            return;
        }
        // Forward from the first message until the screen is full.
        let mut lines = 0;
        for index in 0..self.messages.len() {
            self.measure(index, lay_out);
            let height = self.height_of(index);
            if lines + height >= self.height {
                self.set_edge(index, self.height - lines);
                return;
            }
            lines += height;
        }
        self.anchor = Anchor::Bottom;
    }

    /// The lines of a message, as far as they are known.
    fn height_of(&self, index: usize) -> usize {
        let message = &self.messages[index];
        match self.bodies.get(&message.place()) {
            Some(body) => self.layout(index, body).height(),
            None => 1,
        }
    }

    fn layout(&self, index: usize, body: &Body) -> Layout {
        let message = &self.messages[index];
        let before = index.checked_sub(1).map(|index| &self.messages[index]);
        Layout::of(
            message,
            before,
            self.first_unread.as_deref().is_some_and(|place| is_at(message, place)),
            body,
            &self.zone,
        )
    }

    /// The message at the lower edge, and how many of its lines are above the edge.
    fn edge(&self) -> (usize, usize) {
        let last = self.messages.len().saturating_sub(1);
        match &self.anchor {
            Anchor::Line { place, lines } => match self.index(place) {
                Some(index) => (index, (*lines).clamp(1, self.height_of(index).max(1))),
                None => (last, self.height_of(last)),
            },
            Anchor::Bottom => (last, self.height_of(last)),
        }
    }

    fn set_edge(&mut self, index: usize, lines: usize) {
        let last = self.messages.len().saturating_sub(1);
        if index >= last && lines >= self.height_of(last) && self.newer == Edge::End {
            self.anchor = Anchor::Bottom;
            self.below = 0;
            return;
        }
        let index = index.min(last);
        let place = self.place_of(index);
        self.anchor = Anchor::Line { place, lines };
    }

    fn hold_bottom(&mut self) {
        if let Some(last) = self.messages.len().checked_sub(1) {
            let (place, lines) = (self.place_of(last), self.height_of(last));
            self.anchor = Anchor::Line { place, lines };
        }
    }

    /// The first and the last message on the screen.
    fn on_screen(&self) -> Option<(usize, usize)> {
        if self.messages.is_empty() || self.height == 0 {
            return None;
        }
        let (last, lines) = self.edge();
        let mut first = last;
        let mut shown = lines;
        while shown < self.height && first > 0 {
            first -= 1;
            shown += self.height_of(first);
        }
        Some((first, last))
    }

    /// What is on the screen, from the lowest item upwards: each with how many of its lines are above the lower edge.
    pub fn items(&self) -> Vec<(Item<'_>, usize)> {
        let Some((first, last)) = self.on_screen() else {
            return Vec::new();
        };
        let (_, lines) = self.edge();
        let mut items = Vec::new();
        for index in (first..=last).rev() {
            let message = &self.messages[index];
            let Some(body) = self.bodies.get(&message.place()) else {
                continue;
            };
            let layout = self.layout(index, body);
            let shown = if index == last { lines } else { layout.height() };
            items.push((Item { message, layout, body }, shown));
        }
        items
    }

    /// The message in a line of the screen, counted from the lower edge.
    pub fn at_line(&self, from_below: usize) -> Option<String> {
        let mut below = 0;
        for (item, shown) in self.items() {
            below += shown;
            if from_below < below {
                return Some(item.message.place());
            }
        }
        None
    }

    /// Moves by lines: up if they are negative.
    pub fn scroll(&mut self, lines: isize) {
        if self.messages.is_empty() {
            return;
        }
        let (mut index, mut shown) = self.edge();
        let mut left = lines.unsigned_abs();
        if lines < 0 {
            while left > 0 {
                if shown > left {
                    shown -= left;
                    break;
                }
                if index == 0 {
                    shown = 1;
                    break;
                }
                left -= shown;
                index -= 1;
                shown = self.height_of(index);
            }
        } else {
            while left > 0 {
                let height = self.height_of(index);
                if shown + left <= height {
                    shown += left;
                    break;
                }
                if index + 1 >= self.messages.len() {
                    shown = height;
                    break;
                }
                left -= height - shown;
                index += 1;
                shown = 0;
            }
        }
        self.set_edge(index, shown.max(1));
    }

    /// Lines of the screen.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// To the last message. The window may have to begin anew.
    pub fn go_to_bottom(&mut self) -> bool {
        self.selected = None;
        self.below = 0;
        self.anchor = Anchor::Bottom;
        self.newer == Edge::End
    }

    /// To the first message of the window.
    pub fn go_to_top(&mut self) {
        if !self.messages.is_empty() {
            self.set_edge(0, 1);
            self.selected = Some(self.place_of(0));
        }
    }

    /// Selects a message and has it on the screen. It must be in the window.
    pub fn show(&mut self, name: &str) -> bool {
        let Some(index) = self.index(name) else {
            return false;
        };
        self.selected = Some(self.place_of(index));
        let on_screen = self.on_screen();
        self.unplaced = on_screen.is_none_or(|(first, last)| index <= first || index >= last);
        true
    }

    /// Selects a message, now or once a page has it.
    pub fn want(&mut self, name: &str) -> bool {
        if self.show(name) {
            return true;
        }
        self.wanted = Some(name.to_owned());
        false
    }

    /// Remembers where the user is, for the way back.
    pub fn remember(&mut self) {
        let here = self
            .selected
            .clone()
            .or_else(|| self.messages.back().map(Message::place));
        self.jumps.extend(here);
    }

    /// Where the user was before the last jump.
    pub fn jumped_from(&mut self) -> Option<String> {
        self.jumps.pop()
    }

    /// Selects the next message: the one above, or below.
    pub fn select(&mut self, up: bool) {
        let Some((_, last)) = self.on_screen() else { return };
        let now = self.selected.as_deref().and_then(|place| self.index(place));
        let next = match now {
            None => last,
            Some(index) if up => index.saturating_sub(1),
            Some(index) => (index + 1).min(self.messages.len() - 1),
        };
        self.selected = Some(self.place_of(next));
        self.reveal(next);
    }

    /// Selects nothing.
    pub fn unselect(&mut self) {
        self.selected = None;
    }

    /// Selects the lowest message on the screen, if none is selected.
    pub fn select_last(&mut self) {
        if self.selected().is_none() {
            let last = self.on_screen().map(|(_, last)| self.place_of(last));
            self.selected = last;
        }
    }

    /// Selects a message that a click met.
    pub fn select_at(&mut self, place: String) {
        self.selected = Some(place);
    }

    /// Scrolls as little as is needed to have a message on the screen.
    fn reveal(&mut self, index: usize) {
        let Some((first, last)) = self.on_screen() else { return };
        if index >= last {
            self.set_edge(index, self.height_of(index));
        } else if index <= first {
            let mut edge = index;
            let mut lines = self.height_of(index);
            while lines < self.height && edge + 1 < self.messages.len() {
                edge += 1;
                lines += self.height_of(edge);
            }
            let over = lines.saturating_sub(self.height);
            self.set_edge(edge, self.height_of(edge).saturating_sub(over).max(1));
        }
    }

    /// The page that should be asked for, because the user comes near an end of the window.
    pub fn page_to_load(&mut self) -> Option<Page> {
        if !self.loaded {
            return None;
        }
        let (first, last) = self.on_screen()?;
        if self.older == Edge::More && first < MARGIN {
            self.older = Edge::Loading;
            return Some(Page::Older);
        }
        if self.newer == Edge::More && self.messages.len() - last <= MARGIN {
            self.newer = Edge::Loading;
            return Some(Page::Newer);
        }
        None
    }

    /// The first and the last message of the window.
    pub fn ends(&self) -> Option<(&Message, &Message)> {
        Some((self.messages.front()?, self.messages.back()?))
    }
}

/// The state of a message from then on.
fn put_state(message: &mut Message, state: MessageState, reason: Option<FailReason>, at: Time) {
    message.state = state;
    message.state_at = at;
    message.reason = reason;
    message.hold = None;
    // A timer starts with the reading; the message says so when it is read again.
    let lives = u64::from(message.ttl) * 1000;
    let starts = matches!(state, MessageState::Read | MessageState::Delivered) && lives > 0;
    if starts && message.direction == Direction::In && message.expires_at.is_none() {
        message.expires_at = Some(Time::from_millis(at.millis() + lives));
    }
}

fn delete(message: &mut Message, at: Time) {
    message.text.clear();
    message.reactions.clear();
    message.deleted_at = Some(at);
}

/// Messages of others that were not read.
pub fn unread<'m>(messages: impl Iterator<Item = &'m Message>) -> impl Iterator<Item = &'m Message> {
    messages.filter(|message| message.direction == Direction::In && message.state != MessageState::Read)
}

/// A sum that ends as soon as it is enough.
trait TakeWhileSum {
    fn take_while_sum(self, enough: usize) -> usize;
}

impl<I: Iterator<Item = usize>> TakeWhileSum for I {
    fn take_while_sum(self, enough: usize) -> usize {
        let mut sum = 0;
        for term in self {
            sum += term;
            if sum >= enough {
                break;
            }
        }
        sum
    }
}
