//! [`Input`] and [`Effect`]: what the interface is told, and what it has done for it. An answer of the daemon comes back with the
//! [`Purpose`] of its request.

use crossterm::event::{KeyEvent, MouseEvent};
use sotto_api::{self as api, Error, Identity, Secret};
use zeroize::Zeroizing;

use super::dialog::Kind;
use super::outgoing::Unsent;
use super::pane::{Page, Window};
use crate::daemon::{Call, Report};
use crate::host::NewKey;
use crate::request::Request;

/// What the interface is told.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// A line was written, where there are no keys: an answer to the open dialog, a command, or a message.
    Line(Zeroizing<String>),
    /// A text was pasted.
    Paste(String),
    /// The mouse was moved or clicked.
    Mouse(MouseEvent),
    /// The terminal has another size: columns and rows.
    Resize(u16, u16),
    /// The terminal's window came into focus, or lost it.
    Focus(bool),
    /// Whether the terminal's background is dark.
    Background(bool),
    /// From the daemon.
    Report(Report),
    /// What the program around the interface has done.
    Hosted(Result<Hosted, Error>),
    /// The text that was written in the editor; none if it was left as it was.
    Edited(Result<Option<String>, String>),
    /// The process is to stop until a shell continues it: a signal.
    Stop,
    /// The interface is to end: a signal.
    End,
    /// The deadline is reached.
    Tick,
}

/// A task of the program around the interface.
#[derive(Debug)]
pub enum HostTask {
    /// Make an identity, and start its daemon.
    Init { name: String, key: NewKey },
    /// Start the daemon.
    Start(Option<Zeroizing<String>>),
    /// Say how the daemon of this process has ended, if it has.
    Watch,
    /// End the daemon that runs in this process.
    Stop,
    /// Let the daemon go on in a process of its own.
    Detach,
}

/// What a task of the program has come to.
#[derive(Debug)]
pub enum Hosted {
    /// The identity was made, and its daemon answers.
    Made(Box<Identity>),
    /// The daemon answers.
    Started,
    /// What the configuration or the system names as the key does not open the store, and neither would a passphrase.
    KeyRefused(Error),
    /// Another process has the daemon, which answers.
    Elsewhere,
    /// The daemon of this process goes on.
    Runs,
    /// The daemon of this process has ended by itself; an error is what has ended it.
    Failed(Option<Error>),
    /// The daemon has ended, or goes on by itself.
    Ended,
}

/// What the task that owns the terminal does for the interface.
#[derive(Debug)]
pub enum Effect {
    /// Call the daemon.
    Call(Call),
    /// Connect to the daemon, now that there is one.
    Connect,
    /// Unlock the connections with the owner's passphrase.
    Owner(Secret),
    /// Have the program around the interface do something.
    Host(HostTask),
    /// Copy to the clipboard.
    Copy(String),
    /// Have a text written in the user's editor. `context` is shown with it.
    Editor { text: String, context: String },
    /// Ring the bell.
    Bell,
    /// Have the terminal notify the user.
    Notify(String),
    /// Give the window a title.
    Title(String),
    /// Turn the reports of the mouse on or off.
    Mouse(bool),
    /// Stop this process until the shell continues it.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End the interface.
    Quit,
}

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Part(Part),
    Identity,
    Items,
    Page {
        page: Page,
        window: Window,
    },
    Quote {
        id: String,
        conversation: String,
    },
    /// Whether a message is there that an edit was begun of, before the interface was started.
    Begun(String),
    /// The draft of a conversation, which another window may have changed; it was this text here.
    Draft {
        conversation: String,
        text: String,
    },
    Search(String),
    Hits {
        conversation: String,
        query: String,
        /// One of them is looked at already.
        found: bool,
    },
    /// A page of a conversation of which all is marked as read, and how many are unread up to it, if that is known.
    Unread {
        conversation: String,
        left: Option<u64>,
    },
    /// What was written; it is tried again should the daemon go away.
    Sent(Unsent),
    Accepted(String),
    /// It is tried again once the owner has proven to be the owner.
    Allow(api::Decide),
    Added,
    Safety(String),
    Invite,
    Unlock,
    Renamed,
    /// Done, if nothing is wrong; then this is said.
    Said(&'static str),
    /// An item for the store; it is kept again should the daemon go away.
    Kept(api::Item),
    /// These were marked as read.
    Read(Vec<String>),
    /// Nothing is said, and nothing if it fails.
    Silent,
    /// What the open dialog has asked for; it closes when that is done.
    Dialog(Kind),
}

/// What is read of the daemon as a whole, and is read again when it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Contacts,
    Requests,
    Threads,
    Approvals,
    Invites,
    Outbox,
    Notifications,
    Status,
    Doctor,
}

impl Part {
    pub(super) fn request(self) -> Request {
        match self {
            Self::Contacts => Request::Contacts(api::List { all: true }),
            Self::Requests => Request::Requests(api::Nothing {}),
            Self::Threads => Request::Threads(api::ThreadsQuery { limit: Some(1000) }),
            Self::Approvals => Request::Approvals(api::ListApprovals::default()),
            Self::Invites => Request::Invites(api::Nothing {}),
            Self::Outbox => Request::Outbox(api::ListOutbox::default()),
            Self::Notifications => Request::Notifications(api::Nothing {}),
            Self::Status => Request::Status(api::Nothing {}),
            Self::Doctor => Request::Doctor(api::Nothing {}),
        }
    }
}
