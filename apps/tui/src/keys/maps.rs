//! The built-in maps. A row has a scope, an action and its keys; the first key is the one that hints show.

use std::fmt;
use std::str::FromStr;

use super::nearest;
#[allow(clippy::enum_glob_use, reason = "a row of a table names its action alone")]
use crate::action::Action::{self, *};
use crate::action::Scope::{self, Composer, Global, List, Messages};

/// A built-in map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Builtin {
    /// Arrows, Page Up and Page Down, Ctrl with letters.
    #[default]
    Plain,
    /// Letters act in the lists and in the messages; Esc leaves the composer.
    Vim,
    /// `ctrl-n`, `ctrl-p`, `alt-x`, sequences after `ctrl-x`.
    Emacs,
}

impl Builtin {
    /// Every built-in map.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Vim, Self::Emacs];

    /// As in `config.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Vim => "vim",
            Self::Emacs => "emacs",
        }
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Builtin {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|builtin| builtin.name() == name)
            .ok_or_else(|| {
                format!(
                    "no key map is called `{name}`{}",
                    nearest(name, Self::ALL.into_iter().map(Self::name))
                )
            })
    }
}

/// Actions without a key in any map, which are in the palette: rare ones, and those that a slip of the finger must not start.
#[cfg(test)]
pub const PALETTE_ONLY: &[Action] = &[
    SortSidebar,
    Requests,
    Identity,
    Invite,
    Invites,
    Outbox,
    Approvals,
    Status,
    Settings,
    Notifications,
    Profile,
    Availability,
    Theme,
    Safety,
    Timer,
    Rename,
    Mute,
    MarkRead,
    Block,
    RemoveFriend,
    DeleteConversation,
    Threads,
];

type Row = (Scope, Action, &'static str);

/// A built-in map with the keys that all maps have.
pub(super) fn bindings(builtin: Builtin) -> impl Iterator<Item = Row> {
    let own = match builtin {
        Builtin::Plain => PLAIN,
        Builtin::Vim => VIM,
        Builtin::Emacs => EMACS,
    };
    own.iter().chain(SHARED).copied()
}

/// Keys with their names on them, and what terminals and line editors agree on.
const SHARED: &[Row] = &[
    (Global, Help, "f1"),
    (Global, Palette, "f2"),
    (Global, SearchHere, "f3"),
    (Global, NextPane, "f6"),
    (Global, PreviousPane, "shift-tab"),
    (Global, ToggleSidebar, "f9"),
    (Global, Back, "esc"),
    (Global, NextConversation, "alt-down, ctrl-pagedown"),
    (Global, PreviousConversation, "alt-up, ctrl-pageup"),
    (Global, AddFriend, "f7"),
    (Global, Suspend, "ctrl-z"),
    (Global, Redraw, "ctrl-l"),
    (List, NextPane, "tab"),
    (List, Help, "?"),
    (List, Up, "up"),
    (List, Down, "down"),
    (List, PageUp, "pageup"),
    (List, PageDown, "pagedown"),
    (List, First, "home"),
    (List, Last, "end"),
    (List, Choose, "enter"),
    (List, Filter, "/"),
    (Messages, NextPane, "tab"),
    (Messages, Help, "?"),
    (Messages, Older, "up"),
    (Messages, Newer, "down"),
    (Messages, ScrollUp, "pageup"),
    (Messages, ScrollDown, "pagedown"),
    (Messages, Oldest, "home"),
    (Messages, Newest, "end"),
    (Messages, Delete, "delete"),
    (Messages, Compose, "enter"),
    (Composer, Submit, "enter"),
    (Composer, NewLine, "alt-enter, ctrl-j, shift-enter"),
    (Composer, Left, "left"),
    (Composer, Right, "right"),
    (Composer, WordLeft, "ctrl-left, alt-left"),
    (Composer, WordRight, "ctrl-right, alt-right"),
    (Composer, LineStart, "home, ctrl-a"),
    (Composer, LineEnd, "end, ctrl-e"),
    (Composer, TextStart, "ctrl-home"),
    (Composer, TextEnd, "ctrl-end"),
    (Composer, LineUp, "up"),
    (Composer, LineDown, "down"),
    (Composer, DeleteBefore, "backspace, ctrl-h"),
    (Composer, DeleteAfter, "delete, ctrl-d"),
    (Composer, DeleteWordBefore, "ctrl-w, ctrl-backspace, alt-backspace"),
    (Composer, DeleteWordAfter, "ctrl-delete, alt-delete, alt-d"),
    (Composer, DeleteToStart, "ctrl-u"),
    (Composer, DeleteToEnd, "ctrl-k"),
    (Composer, Yank, "ctrl-y"),
    (Composer, Undo, "ctrl-/"),
    (Composer, Redo, "alt-/"),
    (Composer, HistoryBack, "ctrl-up"),
    (Composer, HistoryForward, "ctrl-down"),
    (Composer, Complete, "tab"),
    (Composer, ScrollUp, "pageup"),
    (Composer, ScrollDown, "pagedown"),
];

const PLAIN: &[Row] = &[
    (Global, Palette, "ctrl-p"),
    (Global, NextUnread, "ctrl-n"),
    (Global, SearchHere, "ctrl-f"),
    (Global, Search, "ctrl-r, f4"),
    (Global, Lock, "alt-l, f8"),
    (Global, Quit, "ctrl-c, f12"),
    (Messages, HalfPageUp, "ctrl-up"),
    (Messages, HalfPageDown, "ctrl-down"),
    (Messages, FirstUnread, "u"),
    (Messages, MarkUnread, "m"),
    (Messages, Reply, "r"),
    (Messages, React, "+"),
    (Messages, Edit, "e"),
    (Messages, Delete, "d"),
    (Messages, Copy, "c"),
    (Messages, Retry, "s"),
    (Messages, Cancel, "x"),
    (Messages, FollowReply, "o"),
    (Messages, JumpBack, "b"),
    (Messages, OpenThread, "t"),
    (Messages, Raw, "w"),
    (Messages, Details, "i"),
    (Messages, NextHit, "n"),
    (Messages, PreviousHit, "p"),
    (Composer, Editor, "ctrl-o"),
];

const VIM: &[Row] = &[
    (Global, Palette, "ctrl-p"),
    (Global, Back, "ctrl-c"),
    (Global, NextUnread, "ctrl-n"),
    (Global, Lock, "f8"),
    (Global, Quit, "ctrl-q"),
    (List, Palette, ":"),
    (List, NextPane, "ctrl-w w"),
    (List, PreviousPane, "ctrl-w p"),
    (List, NextConversation, "g t"),
    (List, PreviousConversation, "g T"),
    (List, Search, "g /"),
    (List, Quit, "Z Z"),
    (List, Up, "k"),
    (List, Down, "j"),
    (List, PageUp, "ctrl-b"),
    (List, PageDown, "ctrl-f"),
    (List, First, "g g"),
    (List, Last, "G"),
    (List, Choose, "l"),
    (Messages, Palette, ":"),
    (Messages, NextPane, "ctrl-w w"),
    (Messages, PreviousPane, "ctrl-w p"),
    (Messages, NextConversation, "g t"),
    (Messages, PreviousConversation, "g T"),
    (Messages, SearchHere, "/"),
    (Messages, Search, "g /"),
    (Messages, Quit, "Z Z"),
    (Messages, Older, "k"),
    (Messages, Newer, "j"),
    (Messages, ScrollUp, "ctrl-b"),
    (Messages, ScrollDown, "ctrl-f"),
    (Messages, HalfPageUp, "ctrl-u"),
    (Messages, HalfPageDown, "ctrl-d"),
    (Messages, Oldest, "g g"),
    (Messages, Newest, "G"),
    (Messages, FirstUnread, "g u"),
    (Messages, MarkUnread, "m"),
    (Messages, Reply, "r"),
    (Messages, React, "+"),
    (Messages, Edit, "c c"),
    (Messages, Delete, "d d"),
    (Messages, Copy, "y"),
    (Messages, Retry, "R"),
    (Messages, Cancel, "x"),
    (Messages, FollowReply, "g r"),
    (Messages, JumpBack, "ctrl-o"),
    (Messages, OpenThread, "t"),
    (Messages, Raw, "g s"),
    (Messages, Details, "K"),
    (Messages, NextHit, "n"),
    (Messages, PreviousHit, "N"),
    (Messages, Compose, "i, a"),
    (Composer, Left, "ctrl-b"),
    (Composer, Right, "ctrl-f"),
    (Composer, WordLeft, "alt-b"),
    (Composer, WordRight, "alt-f"),
    (Composer, Editor, "ctrl-x ctrl-e"),
];

const EMACS: &[Row] = &[
    (Global, Help, "ctrl-x ?"),
    (Global, Palette, "alt-x, ctrl-x b"),
    (Global, NextPane, "ctrl-x o"),
    (Global, Back, "ctrl-g"),
    (Global, NextConversation, "ctrl-x right"),
    (Global, PreviousConversation, "ctrl-x left"),
    (Global, NextUnread, "ctrl-x n"),
    (Global, ToggleSidebar, "ctrl-x d"),
    (Global, Search, "alt-s"),
    (Global, SearchHere, "ctrl-s"),
    (Global, Lock, "ctrl-x l"),
    (Global, Quit, "ctrl-x ctrl-c"),
    (List, Up, "ctrl-p, p"),
    (List, Down, "ctrl-n, n"),
    (List, PageUp, "alt-v"),
    (List, PageDown, "ctrl-v"),
    (List, First, "alt-<"),
    (List, Last, "alt->"),
    (Messages, Older, "ctrl-p, p"),
    (Messages, Newer, "ctrl-n, n"),
    (Messages, ScrollUp, "alt-v"),
    (Messages, ScrollDown, "ctrl-v"),
    (Messages, HalfPageUp, "ctrl-up"),
    (Messages, HalfPageDown, "ctrl-down"),
    (Messages, Oldest, "alt-<"),
    (Messages, Newest, "alt->"),
    (Messages, FirstUnread, "u"),
    (Messages, MarkUnread, "m"),
    (Messages, Reply, "r"),
    (Messages, React, "+"),
    (Messages, Edit, "e"),
    (Messages, Delete, "d"),
    (Messages, Copy, "alt-w, w"),
    (Messages, Retry, "g"),
    (Messages, Cancel, "x"),
    (Messages, FollowReply, "alt-."),
    (Messages, JumpBack, "alt-,"),
    (Messages, OpenThread, "t"),
    (Messages, Raw, "v"),
    (Messages, Details, "i"),
    (Messages, NextHit, "s"),
    (Messages, PreviousHit, "S"),
    (Composer, Left, "ctrl-b"),
    (Composer, Right, "ctrl-f"),
    (Composer, WordLeft, "alt-b"),
    (Composer, WordRight, "alt-f"),
    (Composer, LineUp, "ctrl-p"),
    (Composer, LineDown, "ctrl-n"),
    (Composer, TextStart, "alt-<"),
    (Composer, TextEnd, "alt->"),
    (Composer, HistoryBack, "alt-p"),
    (Composer, HistoryForward, "alt-n"),
    (Composer, Editor, "ctrl-x ctrl-e"),
    (Composer, ScrollUp, "alt-v"),
    (Composer, ScrollDown, "ctrl-v"),
];
