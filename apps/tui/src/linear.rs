//! The interface for a screen reader: one line after the other, without boxes, glyphs that stand for words, or anything that is
//! drawn again. [`Narrator`] says in words what has changed in [`App`] since it last spoke; a line that is written answers the open
//! dialog, is a command, or is a message.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sotto_api::{Direction, Error, Message, MessageState, Reaction, Time};
use sotto_client::Profile;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::app::dialog::{Dialog, Kind, NO_NAME};
use crate::app::name::short;
use crate::app::{App, Effect, Input};
use crate::backend::{Backend, can_suspend, now, stop_until_continued};
use crate::host::Host;
use crate::run::{End, Options, config, looks};
use crate::view;
use crate::when;

/// The size of the screen that there is not: so many messages count as seen.
const SIZE: (u16, u16) = (100, 40);

/// Messages that are read out when a conversation is opened.
const READ_OUT: usize = 10;

/// Runs until the interface ends.
pub async fn run(profile: &Profile, host: Arc<dyn Host>, options: Options) -> Result<End, Error> {
    let (mut backend, start) = Backend::start(profile, host).await?;
    let mut config = config(&options);
    config.keyless = true;
    let looks = looks(&config);
    let mut app = App::new(config, looks, SIZE, &start, now());
    let mut narrator = Narrator::default();
    let mut lines = lines();
    let mut silence = None;
    let failed = |error: io::Error| Error::io("the terminal", &error);
    loop {
        carry_out(&mut app, &mut backend, &mut silence).map_err(failed)?;
        app.settle();
        carry_out(&mut app, &mut backend, &mut silence).map_err(failed)?;
        // Before a passphrase is asked for, and for as long as it is, whatever happens meanwhile.
        let secret = app.dialogs.last().is_some_and(Dialog::is_secret);
        silence = secret.then(|| silence.take().or_else(Silence::begin)).flatten();
        for line in narrator.tell(&app) {
            writeln!(io::stdout(), "{line}").map_err(failed)?;
        }
        if app.ended {
            backend.finish().await;
            return Ok(backend.signal.map_or(End::Quit, End::Signal));
        }
        // Without standard input, nothing more can be said.
        let line = async { lines.recv().await.map(Input::Line) };
        backend.next(&mut app, line, None).await;
    }
}

fn carry_out(app: &mut App, backend: &mut Backend, silence: &mut Option<Silence>) -> io::Result<()> {
    while let Some(effect) = app.poll() {
        match backend.carry_out(app, effect) {
            Some(Effect::Copy(text)) => {
                for line in unforged(&text) {
                    writeln!(io::stdout(), "{line}")?;
                }
            }
            Some(Effect::Bell) => write!(io::stdout(), "\x07")?,
            Some(Effect::Suspend) if can_suspend() => {
                // The shell's commands have an echo.
                silence.take();
                stop_until_continued()?;
            }
            // The rest is about a screen, or needs one.
            _ => {}
        }
    }
    io::stdout().flush()
}

/// The lines of standard input, read by a thread of their own.
fn lines() -> mpsc::UnboundedReceiver<Zeroizing<String>> {
    let (lines, received) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            // It may be a passphrase.
            if lines.send(Zeroizing::new(line)).is_err() {
                return;
            }
        }
    });
    received
}

/// What is typed is not shown, for as long as this lives.
struct Silence(rustix::termios::Termios);

impl Silence {
    /// None if standard input is no terminal.
    fn begin() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        tcsetattr(io::stdin(), OptionalActions::Now, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// What a line that goes on with a text of several begins with. No other line does: what a peer or an agent writes cannot pass for a line
/// of the interface. It is a word, as a screen reader may pass over signs.
const MORE: &str = "more: ";

/// A text as lines, of which all but the first say that they go on.
fn unforged(text: &str) -> Vec<String> {
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let text = text.replace("\r\n", "\n");
    let line = |(number, line): (usize, &str)| match number {
        // The first one follows words of the interface, except where a text is copied.
        0 => line.to_owned(),
        _ => format!("{MORE}{line}"),
    };
    text.trim_end_matches(breaks)
        .split(breaks)
        .enumerate()
        .map(line)
        .collect()
}

/// What was told of a message. Of its text nothing is kept: it may disappear.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// Whose it is, and when it was written.
    which: String,
    state: MessageState,
    edited_at: Option<Time>,
    deleted: bool,
    reactions: Vec<Reaction>,
}

impl Told {
    fn of(message: &Message, app: &App) -> Self {
        let whose = match message.direction {
            Direction::Out => String::from("yours"),
            Direction::In => app.author(message).text(),
        };
        Self {
            which: format!("{whose}, {}", when::clock(when::of(message), &app.zone)),
            state: message.state,
            edited_at: message.edited_at,
            deleted: message.deleted_at.is_some(),
            reactions: message.reactions.clone(),
        }
    }

    /// What is different now.
    fn changes(&self, now: &Self, message: &Message, app: &App) -> Vec<String> {
        let mut lines = Vec::new();
        let which = &now.which;
        if now.deleted && !self.deleted {
            lines.push(format!("A message of {which}, was deleted."));
            return lines;
        }
        if now.edited_at != self.edited_at {
            lines.push(format!("A message of {which}, was edited: {}", message.text));
        }
        if now.state != self.state && message.direction == Direction::Out {
            let (_, word) = view::message::state(message);
            lines.push(format!("{word}: {}", beginning(&message.text)));
        }
        let by = |reaction: &Reaction| match reaction.direction {
            Direction::Out => String::from("You"),
            Direction::In => {
                let known = app.conversations.entry(&reaction.by);
                known.map_or_else(|| short(&reaction.by).to_owned(), |entry| entry.name.text())
            }
        };
        let is_in = |reaction: &Reaction, among: &[Reaction]| {
            let same = |other: &Reaction| (&other.by, &other.emoji) == (&reaction.by, &reaction.emoji);
            among.iter().any(same)
        };
        let to = beginning(&message.text);
        for reaction in now.reactions.iter().filter(|one| !is_in(one, &self.reactions)) {
            lines.push(format!("{} reacted with {}: {to}", by(reaction), reaction.emoji));
        }
        for reaction in self.reactions.iter().filter(|one| !is_in(one, &now.reactions)) {
            lines.push(format!("{} took back {}: {to}", by(reaction), reaction.emoji));
        }
        lines
    }
}

/// Says what has changed.
#[derive(Debug, Default)]
pub struct Narrator {
    network: String,
    notice: String,
    conversation: Option<String>,
    /// What was told of messages, by their places.
    told: BTreeMap<String, Told>,
    /// Messages of other conversations that were not read.
    unread: BTreeMap<String, u64>,
    dialog: SpokenDialog,
    typing: HashSet<String>,
}

impl Narrator {
    /// The lines that say what has changed since the last time.
    pub fn tell(&mut self, app: &App) -> Vec<String> {
        let mut lines = Vec::new();
        if app.locked || app.first_run() {
            self.conversation = None;
            self.told.clear();
        } else {
            self.tell_network(app, &mut lines);
            self.tell_conversation(app, &mut lines);
            self.tell_others(app, &mut lines);
        }
        // It can have names; a screen shows none while it is locked.
        let notice = app.notice.as_ref().filter(|_| !app.locked);
        let notice = notice.map_or("", |notice| notice.text.as_str());
        if notice != self.notice {
            notice.clone_into(&mut self.notice);
            lines.extend(Some(notice.to_owned()).filter(|notice| !notice.is_empty()));
        }
        self.tell_dialog(app, &mut lines);
        lines.iter().flat_map(|line| unforged(line)).collect()
    }

    fn tell_network(&mut self, app: &App, lines: &mut Vec<String>) {
        let (network, _) = view::network(app);
        let words = network.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned();
        if words != self.network {
            lines.push(format!("Network: {words}"));
            self.network = words;
        }
    }

    fn tell_conversation(&mut self, app: &App, lines: &mut Vec<String>) {
        let Some(pane) = app.pane.as_ref().filter(|pane| pane.loaded) else {
            return;
        };
        let Some(entry) = app.conversations.entry(&pane.conversation) else {
            return;
        };
        if self.conversation.as_ref() != Some(&pane.conversation) {
            self.conversation = Some(pane.conversation.clone());
            self.told.clear();
            let facts: Vec<String> = view::facts(app, entry)
                .into_iter()
                .map(|(fact, _)| spoken(&fact))
                .collect();
            lines.push(format!(
                "Conversation with {}: {}.",
                entry.name.text(),
                facts.join(", ")
            ));
            let unheard = pane.messages().len().saturating_sub(READ_OUT);
            for message in pane.messages().take(unheard) {
                self.told.insert(message.place(), Told::of(message, app));
            }
        }
        for place in &pane.disappeared {
            let told = self.told.remove(place);
            lines.extend(told.map(|told| format!("A message of {}, has disappeared.", told.which)));
        }
        for message in pane.messages() {
            let now = Told::of(message, app);
            match self.told.get(&message.place()) {
                None => lines.push(said(message, app)),
                Some(before) => lines.extend(before.changes(&now, message, app)),
            }
            self.told.insert(message.place(), now);
        }
        let typing = entry.typing;
        if typing && self.typing.insert(entry.id.clone()) {
            lines.push(format!("{} is typing.", entry.name.brief()));
        } else if !typing {
            self.typing.remove(&entry.id);
        }
    }

    /// What arrives in conversations that are not open.
    fn tell_others(&mut self, app: &App, lines: &mut Vec<String>) {
        for entry in app
            .conversations
            .shown()
            .filter(|entry| app.here() != Some(entry.id.as_str()))
        {
            let before = self.unread.insert(entry.id.clone(), entry.unread).unwrap_or(0);
            if entry.unread > before && !entry.muted {
                lines.push(format!("{} unread from {}.", entry.unread, entry.name.text()));
            }
        }
    }

    fn tell_dialog(&mut self, app: &App, lines: &mut Vec<String>) {
        let now = app.dialogs.last().map_or_else(SpokenDialog::default, SpokenDialog::of);
        // Nothing else is said of a start without an open conversation.
        if now.kind.is_none() && self.dialog.kind.is_some() && app.pane.is_none() {
            lines.push(String::from("No conversation is open: /palette shows them."));
        }
        lines.extend(now.news(&self.dialog));
        self.dialog = now;
    }
}

/// A dialog in words.
#[derive(Debug, Default)]
struct SpokenDialog {
    /// None if no dialog is open.
    kind: Option<Kind>,
    /// Its title and its text.
    beginning: Vec<String>,
    /// Its rows, with the numbers by which they are chosen.
    rows: Vec<(Option<usize>, String)>,
    /// What can be written.
    prompt: Option<String>,
}

impl SpokenDialog {
    fn of(dialog: &Dialog) -> Self {
        let mut spoken = Self {
            kind: Some(dialog.kind.clone()),
            beginning: vec![format!("{}.", dialog.title)],
            ..Self::default()
        };
        let lines = &mut spoken.beginning;
        let text = dialog.text.iter().map(ToString::to_string);
        lines.extend(text.filter(|line| !line.trim().is_empty()));
        lines.extend(dialog.error.clone().map(|error| format!("Error: {error}")));
        if dialog.busy {
            lines.push(String::from("Please wait."));
            return spoken;
        }
        let rows = dialog.rows.iter().map(|row| {
            let detail = if row.detail.is_empty() {
                String::new()
            } else {
                format!(", {}", row.detail)
            };
            let said = match row.number {
                _ if row.heading => format!("{}:", row.title),
                Some(number) => format!("{number}: {}{detail}", row.title),
                None => format!("{}{detail}", row.title),
            };
            (row.number, said)
        });
        spoken.rows = rows.collect();
        spoken.prompt = Some(prompt(dialog));
        spoken
    }

    /// What was not said with the same dialog before. A list that a line has narrowed is read out whole.
    fn news(&self, before: &Self) -> Vec<String> {
        let Some(kind) = &self.kind else {
            return Vec::new();
        };
        let narrows = kind.filters() || matches!(kind, Kind::React { .. });
        let rows = || self.rows.iter().map(|(_, said)| said.clone());
        let changed = self.beginning != before.beginning || self.rows != before.rows || self.prompt != before.prompt;
        if before.kind.as_ref() != Some(kind) || narrows && changed {
            let beginning = self.beginning.iter().cloned();
            return beginning.chain(rows()).chain(self.prompt.clone()).collect();
        }
        let is_new = |line: &String| !before.beginning.contains(line);
        let mut lines: Vec<String> = self.beginning.iter().filter(|line| is_new(line)).cloned().collect();
        let is_new = |said: &String| before.rows.iter().all(|(_, other)| other != said);
        lines.extend(rows().filter(is_new));
        let stays = |number: usize| self.rows.iter().any(|(other, _)| *other == Some(number));
        // While it is busy it has no rows.
        let gone = before.rows.iter().filter(|_| self.prompt.is_some());
        let gone = gone.filter(|(number, _)| number.is_some_and(|number| !stays(number)));
        lines.extend(gone.map(|(_, said)| format!("No longer in the list: {}", beginning(said))));
        lines.extend(self.prompt.clone().filter(|_| self.prompt != before.prompt));
        lines
    }
}

/// What can be written: the text of a field, or else the number of a row.
fn prompt(dialog: &Dialog) -> String {
    let Some(field) = dialog.fields.get(dialog.focus) else {
        if dialog.rows.is_empty() {
            return String::from("An empty line closes this.");
        }
        let keys = dialog
            .keys
            .iter()
            .map(|(key, about)| format!("{key} and a number: {about}; "));
        return format!("Write a number; {}an empty line closes this.", keys.collect::<String>());
    };
    let label = field.label;
    if matches!(dialog.kind, Kind::Owner(_)) {
        return format!("Write: {label}. An empty line goes on without it.");
    }
    if dialog.is_name() {
        return match field.input.text() {
            "" => format!("Write: {label}. An empty line leaves it empty."),
            name => format!("Write: {label}. It is {name}; an empty line leaves it so, {NO_NAME} removes it."),
        };
    }
    if dialog.needs_text() {
        return format!("Write: {label}. An empty line closes this.");
    }
    match dialog.offered() {
        Some(offered) => format!("Write: {label}. An empty line takes {offered}."),
        None => format!("Write: {label}"),
    }
}

/// A message in words.
fn said(message: &Message, app: &App) -> String {
    let author = match message.direction {
        Direction::Out => String::from("You"),
        Direction::In => app.author(message).text(),
    };
    let at = when::clock(when::of(message), &app.zone);
    let mut words = vec![author, at];
    let (_, state) = view::message::state(message);
    words.extend(Some(state.to_owned()).filter(|state| !state.is_empty()));
    if message.edited_at.is_some() {
        words.push(String::from("edited"));
    }
    if let Some(quote) = message
        .reply_to
        .as_ref()
        .and_then(|id| app.quotes.get(id))
        .and_then(Option::as_ref)
    {
        words.push(format!("replies to {}", beginning(quote)));
    }
    words.extend(message.reactions.iter().map(|reaction| match reaction.direction {
        Direction::Out => format!("you reacted with {}", reaction.emoji),
        Direction::In => format!("reaction {}", reaction.emoji),
    }));
    let text = if message.deleted_at.is_some() {
        "deleted"
    } else {
        message.text.as_str()
    };
    format!("{}: {text}", words.join(", "))
}

fn beginning(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    crate::text::truncate(line, 60).into_owned()
}

/// A fact without the glyph that stands before it on a screen.
fn spoken(fact: &str) -> String {
    let words = fact.trim_start_matches(|c: char| !c.is_alphanumeric());
    if fact.starts_with('◔') {
        return format!("messages disappear after {words}");
    }
    words.to_owned()
}
