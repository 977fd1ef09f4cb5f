//! [`Dialog`]: what is open above the conversation. All dialogs have one form: a text, fields, and a list of rows to choose from.

use std::collections::HashMap;

use ratatui::text::Line;

use crate::action::Action;
use crate::composer::Composer;

/// Which dialog.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// First run: what the user is called.
    Welcome,
    /// First run: the passphrase of the new store.
    NewPassphrase,
    /// First run: where the key file is made.
    NewKeyFile,
    /// The store is being opened or made.
    Starting,
    /// The passphrase of a store that is there.
    OpenStore,
    /// No daemon answers, and none can be started here.
    Failed,
    /// The daemon of this process has ended by itself.
    DaemonEnded,
    /// The interface is locked.
    Locked,
    /// The owner's passphrase is needed; this is allowed once it is given. To close the dialog is to drop it.
    Owner(Option<sotto_api::Decide>),
    Help,
    Palette,
    Search,
    Find,
    AddFriend,
    Requests,
    Identity,
    Invite,
    Invites,
    Outbox,
    Approvals,
    Status,
    Settings,
    Themes,
    Keys,
    Availability,
    Notifications,
    ClaimedName,
    Safety(String),
    Timer(String),
    Rename(String),
    Threads(String),
    /// Reactions to a message.
    React {
        conversation: String,
        id: String,
    },
    /// All that is known of a message.
    Details {
        conversation: String,
        id: String,
    },
    /// A question before something that cannot be undone.
    Confirm(Verb),
    /// Whether the daemon goes on after the interface.
    Quit,
}

impl Kind {
    /// It cannot be closed: there is nothing behind it.
    pub const fn stays(&self) -> bool {
        matches!(
            self,
            Self::Welcome
                | Self::NewPassphrase
                | Self::NewKeyFile
                | Self::Starting
                | Self::OpenStore
                | Self::Failed
                | Self::Locked
        )
    }

    /// Its list is filtered by its field.
    pub const fn filters(&self) -> bool {
        matches!(self, Self::Palette | Self::Search | Self::Help)
    }
}

/// What is done after a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Remove a contact.
    Remove(String),
    /// Block a contact.
    Block(String),
    /// Delete all messages of a conversation here.
    Clear(String),
    /// Delete a message.
    Delete {
        conversation: String,
        id: String,
        own: bool,
    },
    /// Accept a key that has replaced a verified one.
    AcceptKey { contact: String, number: String },
}

/// What the choice of a row does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Nothing: it is read.
    Nothing,
    /// An action.
    Act(Action),
    /// Open a conversation.
    Open(String),
    /// Open a conversation at a message.
    Message { conversation: String, id: String },
    /// Open a thread; none is the whole conversation.
    Thread(Option<String>),
    /// A request of a peer.
    Request(String),
    /// An invite that was not used, by its friend code.
    Invite(String),
    /// What an agent wants to send.
    Approval { id: String, digest: String },
    /// What waits in the outbox.
    Waiting {
        conversation: String,
        id: String,
        failed: bool,
    },
    /// A theme.
    Theme(String),
    /// A key map.
    Keys(String),
    /// A timer in seconds.
    Timer(u32),
    /// How contacts see this node.
    Availability(sotto_api::Availability),
    /// What notifications say.
    Notifications(sotto_api::NotificationMode),
    /// A reaction; an empty one takes it back.
    Emoji(String),
    /// Something to copy.
    Copy(String),
    /// Go on with a key file instead of a passphrase.
    KeyFile,
    /// This number was compared, and is the same on both sides.
    Same(String),
    /// Accept a key that has replaced a verified one, after a question.
    AcceptKey { contact: String, number: String },
    /// Start a daemon in this process.
    StartDaemon,
    /// Turn a setting on or off.
    Toggle(Setting),
    /// Do what was asked about.
    Yes,
    /// Do not.
    No,
    /// Quit; the daemon ends with the interface.
    QuitAll,
    /// Quit; the daemon goes on.
    QuitDetached,
}

impl Choice {
    /// It decides about something that others make and that can go at any time, so that no other may be taken for it.
    const fn decides(&self) -> bool {
        matches!(
            self,
            Self::Request(_) | Self::Invite(_) | Self::Approval { .. } | Self::Waiting { .. }
        )
    }

    /// It decides about what others ask for: they choose when it comes.
    const fn is_of_others(&self) -> bool {
        matches!(self, Self::Request(_) | Self::Approval { .. })
    }
}

/// A setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Clicks and the wheel.
    Mouse,
    /// Texts are sent as markdown.
    Markdown,
    /// A bell when a message arrives.
    Bell,
    /// Notifications by the terminal.
    Notify,
}

/// A row of the list.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it says first.
    pub title: String,
    /// More, in faint letters at the right or below.
    pub detail: String,
    /// What its choice does.
    pub choice: Choice,
    /// A heading, which cannot be chosen.
    pub heading: bool,
    /// What it is chosen by where there are no keys.
    pub number: Option<usize>,
}

impl Row {
    /// A row. The detail stands on one line: what peers wrote on several is not drawn as one word.
    pub fn new(title: impl Into<String>, detail: impl Into<String>, choice: Choice) -> Self {
        Self {
            title: title.into(),
            detail: detail.into().replace(['\n', '\t'], " "),
            choice,
            heading: false,
            number: None,
        }
    }

    /// A heading.
    pub fn heading(title: impl Into<String>) -> Self {
        Self {
            heading: true,
            ..Self::new(title, "", Choice::Nothing)
        }
    }
}

/// What a line says that removes a name.
pub const NO_NAME: &str = "/none";

/// The numbers of rows, where there are no keys. A number means one choice of one dialog for good: the list can have changed between the
/// reading and the answer, and what is chosen is what was read.
#[derive(Debug, Default)]
pub struct Numbers(HashMap<(Kind, Choice), usize>);

impl Numbers {
    /// Gives each row that can be chosen its number.
    pub fn assign(&mut self, dialog: &mut Dialog) {
        let choosable = |row: &&mut Row| !row.heading && row.choice != Choice::Nothing;
        for row in dialog.rows.iter_mut().filter(choosable) {
            let next = self.0.len() + 1;
            let number = self.0.entry((dialog.kind.clone(), row.choice.clone()));
            row.number = Some(*number.or_insert(next));
        }
    }
}

/// A field for text.
#[derive(Debug)]
pub struct Field {
    /// What it asks for.
    pub label: &'static str,
    /// The text.
    pub input: Composer,
    /// What stands behind the label.
    pub remark: String,
}

impl Field {
    /// An empty field.
    pub fn new(label: &'static str) -> Self {
        Self {
            label,
            input: Composer::field(),
            remark: String::new(),
        }
    }

    /// An empty field that hides what is typed.
    pub fn masked(label: &'static str) -> Self {
        Self {
            input: Composer::secret(),
            ..Self::new(label)
        }
    }

    /// A field that has a text already.
    pub fn with(label: &'static str, text: &str) -> Self {
        let mut field = Self::new(label);
        field.input.set_text(text);
        field
    }
}

/// What is open above the conversation.
#[derive(Debug)]
pub struct Dialog {
    /// Which.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// What stands above fields and list; wrapped.
    pub text: Vec<Line<'static>>,
    /// Fields for text.
    pub fields: Vec<Field>,
    /// The field that is written in; the list if it is the number of fields.
    pub focus: usize,
    /// The list.
    pub rows: Vec<Row>,
    /// The chosen row.
    pub selected: usize,
    /// No row is chosen: the one that was has gone from the list, or what others ask for has come into an empty list that is looked at.
    pub gone: bool,
    /// It is open, so that keys may be on their way to it.
    pub looked_at: bool,
    /// The keys that do something with the row.
    pub keys: &'static [(char, &'static str)],
    /// What it does takes a while.
    pub busy: bool,
    /// Why it could not be done.
    pub error: Option<String>,
    /// It is drawn as it is, without wrapping: a QR code.
    pub picture: Vec<Line<'static>>,
    /// Lines of the text that are above its upper edge.
    pub scroll: u16,
    /// Lines of the chosen row that are above the upper edge of the list: it can be taller than the screen.
    pub row_scroll: usize,
}

impl Dialog {
    /// An empty one.
    pub fn new(kind: Kind, title: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            text: Vec::new(),
            fields: Vec::new(),
            focus: 0,
            rows: Vec::new(),
            selected: 0,
            gone: false,
            looked_at: false,
            keys: &[],
            busy: false,
            error: None,
            picture: Vec::new(),
            scroll: 0,
            row_scroll: 0,
        }
    }

    /// With a text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into().lines().map(|line| Line::raw(line.to_owned())).collect();
        self
    }

    /// With a field more.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// With rows.
    #[must_use]
    pub fn rows(mut self, rows: Vec<Row>) -> Self {
        self.set_rows(rows);
        self
    }

    /// With keys for the chosen row.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [(char, &'static str)]) -> Self {
        self.keys = keys;
        self
    }

    /// Takes other rows. What was chosen stays so wherever it stands now. If it has gone, another row stands in its place, which is
    /// not chosen if to choose it would decide about what others have made.
    pub fn set_rows(&mut self, rows: Vec<Row>) {
        let chosen = self.row().map(|row| row.choice.clone()).filter(Choice::decides);
        let came = self.looked_at && self.rows.is_empty();
        self.rows = rows;
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
        if let Some(chosen) = chosen {
            let place = self.rows.iter().position(|row| row.choice == chosen);
            self.gone = place.is_none();
            self.selected = place.unwrap_or(self.selected);
            if self.gone {
                self.row_scroll = 0;
            }
        }
        if came && self.row().is_some_and(|row| row.choice.is_of_others()) {
            self.gone = true;
        }
        if self.row().is_some_and(|row| row.heading) {
            self.step(1);
        }
    }

    /// The place of the row with that number.
    pub fn numbered(&self, number: usize) -> Option<usize> {
        self.rows.iter().position(|row| row.number == Some(number))
    }

    /// A slash command is written in it.
    pub fn is_command(&self) -> bool {
        self.kind == Kind::Palette && self.value(0).starts_with('/')
    }

    /// The chosen row.
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.selected).filter(|_| !self.gone)
    }

    /// Chooses the row at a place. Says whether it was chosen before.
    pub fn choose_row(&mut self, place: usize) -> bool {
        let again = self.selected == place && !self.gone;
        self.selected = place;
        self.gone = false;
        again
    }

    /// The field that is written in.
    pub fn input(&mut self) -> Option<&mut Composer> {
        self.fields.get_mut(self.focus).map(|field| &mut field.input)
    }

    /// It can be closed, and the field that is written in cannot be empty: where there are no keys, an empty line closes it. A name can be
    /// empty, but an empty line is too easily written to remove one: [`NO_NAME`] does.
    pub fn needs_text(&self) -> bool {
        match self.kind {
            Kind::Owner(_) | Kind::Find => true,
            _ if self.is_name() => true,
            Kind::AddFriend => self.focus == 0 && self.value(0).is_empty(),
            _ => false,
        }
    }

    /// It asks for a name, which can be removed.
    pub const fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Rename(_) | Kind::ClaimedName)
    }

    /// What the field that is written in has already, and an empty line takes where there are no keys.
    pub fn offered(&self) -> Option<&str> {
        let input = &self.fields.get(self.focus)?.input;
        let offered = !input.is_secret() && !input.is_empty() && !self.needs_text();
        offered.then(|| input.text())
    }

    /// What is typed into it must not be seen.
    pub fn is_secret(&self) -> bool {
        self.fields.get(self.focus).is_some_and(|field| field.input.is_secret())
    }

    /// The text of a field.
    pub fn value(&self, field: usize) -> String {
        self.fields
            .get(field)
            .map_or_else(String::new, |field| field.input.text().to_owned())
    }

    /// Moves the choice by rows, past headings.
    pub fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        // From where the chosen row was, the first step is onto the row that stands there now.
        let by = if std::mem::take(&mut self.gone) { 0 } else { by };
        let place = self.selected.saturating_add_signed(by).min(last);
        // Past headings, and back from one at the end of the list.
        let is_row = |place: &usize| self.rows.get(*place).is_some_and(|row| !row.heading);
        let below = (place..=last).find(is_row);
        let above = (0..=place).rev().find(is_row);
        let Some(place) = (if by < 0 { above.or(below) } else { below.or(above) }) else {
            return;
        };
        self.selected = place;
        self.row_scroll = 0;
    }

    /// Goes to the next field, or to the list after the last one.
    pub fn next(&mut self, forward: bool) {
        let stops = self.fields.len() + usize::from(!self.rows.is_empty());
        if stops > 0 {
            self.focus = (self.focus + if forward { 1 } else { stops - 1 }) % stops;
        }
    }

    /// It cannot go on, and why.
    pub fn fail(&mut self, why: impl Into<String>) {
        self.busy = false;
        self.error = Some(why.into());
    }
}
