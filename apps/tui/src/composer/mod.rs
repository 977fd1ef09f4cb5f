//! [`Composer`]: an editor of text by graphemes, for messages and for the fields of dialogs. The cursor is a byte offset that is
//! always at the boundary of a grapheme; what is drawn is computed for a width.

mod layout;
mod undo;

use std::fmt;
use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use zeroize::Zeroizing;

use crate::action::Action;

use undo::{Edit, Journal};

/// The most bytes of a message.
pub const MESSAGE_BYTES: usize = 32 * 1024;
/// The most bytes of a field.
pub const FIELD_BYTES: usize = 1024;
/// How many sent texts are kept.
const HISTORY: usize = 200;

/// What an editor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A message: many lines, wrapped; a history of what was sent.
    Message,
    /// One line, which scrolls sideways.
    Field,
    /// One line that is not shown. Its text is wiped, and kept nowhere else: no undo, no history, no yank.
    Secret,
}

/// What came of an action or of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The text is another one.
    Changed,
    /// The text is the same; the cursor may have moved.
    Unchanged,
    /// The text is finished: take it.
    Submit,
    /// The text would have `bytes` bytes and may have `limit`; it stays as it was.
    TooLong {
        /// What it would have.
        bytes: usize,
        /// What it may have.
        limit: usize,
    },
    /// The editor does not know this action.
    Unhandled(Action),
}

impl Outcome {
    /// What to tell the user.
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::TooLong { bytes, limit } => Some(format!(
                "Too long: {bytes} bytes with this, and {limit} is the most. Nothing was inserted."
            )),
            _ => None,
        }
    }
}

/// Which end of what was killed last the next kill goes to, if it follows at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// An editor of text.
pub struct Composer {
    kind: Kind,
    text: Zeroizing<String>,
    cursor: usize,
    limit: usize,
    /// The column that moves up and down keep.
    wanted: Option<usize>,
    killed: String,
    last_kill: Option<Side>,
    journal: Journal,
    history: Vec<String>,
    /// The place in the history, and the text that was being written.
    browsing: Option<(usize, String)>,
}

/// Without the text: it may be a secret, and what is written is private.
impl fmt::Debug for Composer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.text.len();
        f.debug_struct("Composer")
            .field("kind", &self.kind)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

impl Default for Composer {
    fn default() -> Self {
        Self::message()
    }
}

impl Composer {
    /// An editor of messages.
    pub fn message() -> Self {
        Self::new(Kind::Message, MESSAGE_BYTES, String::new())
    }

    /// A field of one line.
    pub fn field() -> Self {
        Self::new(Kind::Field, FIELD_BYTES, String::new())
    }

    /// A field for a passphrase: shows `•`, and wipes its text.
    pub fn secret() -> Self {
        // All of it at once: a string that grows leaves copies behind.
        Self::new(Kind::Secret, FIELD_BYTES, String::with_capacity(FIELD_BYTES))
    }

    fn new(kind: Kind, limit: usize, text: String) -> Self {
        Self {
            kind,
            text: Zeroizing::new(text),
            cursor: 0,
            limit,
            wanted: None,
            killed: String::new(),
            last_kill: None,
            journal: Journal::default(),
            history: Vec::new(),
            browsing: None,
        }
    }

    /// What is typed is not shown.
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The cursor's place, in bytes.
    pub fn cursor_at(&self) -> usize {
        self.cursor
    }

    /// Begins with another text, as that of a draft. Nothing of the text before can come back.
    pub fn set_text(&mut self, text: &str) -> Outcome {
        let text = self.clean(text);
        if text.len() > self.limit {
            return Outcome::TooLong {
                bytes: text.len(),
                limit: self.limit,
            };
        }
        self.clear();
        self.text.push_str(&text);
        self.cursor = self.text.len();
        Outcome::Changed
    }

    /// Puts another text in the place of this one, as after `$EDITOR`. It can be undone.
    pub fn replace(&mut self, text: &str) -> Outcome {
        self.browsing = None;
        let text = self.clean(text);
        self.edit(0..self.text.len(), &text)
    }

    /// Takes the text out and keeps it in the history.
    pub fn take(&mut self) -> String {
        let text = self.text.to_string();
        if self.kind == Kind::Message && !text.trim().is_empty() && self.history.last() != Some(&text) {
            if self.history.len() == HISTORY {
                self.history.remove(0);
            }
            self.history.push(text.clone());
        }
        self.clear();
        text
    }

    /// Goes on with the texts that were sent elsewhere; those that were sent here.
    pub fn exchange_history(&mut self, history: Vec<String>) -> Vec<String> {
        self.browsing = None;
        std::mem::replace(&mut self.history, history)
    }

    /// Takes a secret out.
    pub fn take_secret(&mut self) -> Zeroizing<String> {
        let mut empty = Zeroizing::new(String::with_capacity(FIELD_BYTES));
        std::mem::swap(&mut empty, &mut self.text);
        self.clear();
        empty
    }

    /// Inserts text at the cursor: a character that was typed, or a paste. A paste is one text with line feeds alone, without
    /// control characters, and one step of undo.
    pub fn insert(&mut self, text: &str) -> Outcome {
        self.last_kill = None;
        self.wanted = None;
        let text = self.clean(text);
        self.edit(self.cursor..self.cursor, &text)
    }

    /// Puts another text in the place of a range of the text, as a completion does. The range is of bytes, at graphemes.
    pub fn complete(&mut self, range: Range<usize>, text: &str) -> Outcome {
        self.forget_kill();
        let text = self.clean(text);
        let range = self.snap(range.start.min(self.text.len()))..self.snap(range.end.min(self.text.len()));
        if range.start > range.end {
            return Outcome::Unchanged;
        }
        self.cursor = range.end;
        self.edit(range, &text)
    }

    /// Carries out an action of the composer. `width` is that of the text's area.
    pub fn act(&mut self, action: Action, width: usize) -> Outcome {
        let vertical = matches!(action, Action::LineUp | Action::LineDown);
        if !vertical {
            self.wanted = None;
        }
        let kills = matches!(
            action,
            Action::DeleteWordBefore | Action::DeleteWordAfter | Action::DeleteToStart | Action::DeleteToEnd
        );
        if !kills {
            self.forget_kill();
        }
        match action {
            Action::Submit => Outcome::Submit,
            Action::NewLine if self.kind == Kind::Message => self.insert("\n"),
            Action::Left => self.go(self.before(self.cursor)),
            Action::Right => self.go(self.after(self.cursor)),
            Action::WordLeft => self.go(self.word_before()),
            Action::WordRight => self.go(self.word_after()),
            Action::LineStart => self.go(self.line().start),
            Action::LineEnd => self.go(self.line().end),
            Action::TextStart => self.go(0),
            Action::TextEnd => self.go(self.text.len()),
            Action::LineUp if self.kind == Kind::Message => self.line_up(width),
            Action::LineDown if self.kind == Kind::Message => self.line_down(width),
            Action::DeleteBefore => self.edit(self.before(self.cursor)..self.cursor, ""),
            Action::DeleteAfter => self.edit(self.cursor..self.after(self.cursor), ""),
            Action::DeleteWordBefore => self.kill(self.word_before()..self.cursor, Side::Before),
            Action::DeleteWordAfter => self.kill(self.cursor..self.word_after(), Side::After),
            Action::DeleteToStart => {
                let start = self.line().start;
                let start = if start == self.cursor {
                    self.before(start)
                } else {
                    start
                };
                self.kill(start..self.cursor, Side::Before)
            }
            Action::DeleteToEnd => {
                let end = self.line().end;
                let end = if end == self.cursor { self.after(end) } else { end };
                self.kill(self.cursor..end, Side::After)
            }
            Action::Yank => self.edit(self.cursor..self.cursor, &self.killed.clone()),
            Action::Undo => self.undo(),
            Action::Redo => self.redo(),
            Action::HistoryBack if self.kind == Kind::Message => self.history_back(),
            Action::HistoryForward if self.kind == Kind::Message => self.history_forward(),
            other => Outcome::Unhandled(other),
        }
    }

    fn clear(&mut self) {
        let text: &mut String = &mut self.text;
        text.clear();
        self.cursor = 0;
        self.wanted = None;
        self.last_kill = None;
        self.journal = Journal::default();
        self.browsing = None;
    }

    /// The one place where text changes.
    fn edit(&mut self, range: Range<usize>, with: &str) -> Outcome {
        if range.is_empty() && with.is_empty() {
            return Outcome::Unchanged;
        }
        let bytes = self.text.len() - range.len() + with.len();
        if bytes > self.limit {
            return Outcome::TooLong {
                bytes,
                limit: self.limit,
            };
        }
        if self.kind != Kind::Secret {
            let edit = Edit {
                at: range.start,
                removed: self.text[range.clone()].to_owned(),
                inserted: with.to_owned(),
                cursor: self.cursor,
            };
            self.journal.push(edit);
        }
        self.splice(range, with);
        Outcome::Changed
    }

    /// In place, so that of a secret no copy is left. A grapheme may have joined what stands beside it.
    fn splice(&mut self, range: Range<usize>, with: &str) {
        self.text.drain(range.clone());
        self.text.insert_str(range.start, with);
        self.cursor = self.snap(range.start + with.len());
    }

    fn undo(&mut self) -> Outcome {
        let Some(edit) = self.journal.undo() else {
            return Outcome::Unchanged;
        };
        self.splice(edit.at..edit.at + edit.inserted.len(), &edit.removed);
        self.cursor = self.snap(edit.cursor);
        Outcome::Changed
    }

    fn redo(&mut self) -> Outcome {
        let Some(edit) = self.journal.redo() else {
            return Outcome::Unchanged;
        };
        self.splice(edit.at..edit.at + edit.removed.len(), &edit.inserted);
        Outcome::Changed
    }

    /// Deletes and keeps what is deleted, together with what was killed just before.
    fn kill(&mut self, range: Range<usize>, side: Side) -> Outcome {
        if range.is_empty() {
            return Outcome::Unchanged;
        }
        if self.kind != Kind::Secret {
            let text = &self.text[range.clone()];
            match (self.last_kill, side) {
                (None, _) => text.clone_into(&mut self.killed),
                (Some(_), Side::Before) => self.killed.insert_str(0, text),
                (Some(_), Side::After) => self.killed.push_str(text),
            }
            self.killed.truncate(self.killed.floor_char_boundary(self.limit));
            self.last_kill = Some(side);
        }
        self.edit(range, "")
    }

    fn forget_kill(&mut self) {
        self.last_kill = None;
        self.journal.close();
    }

    fn line_up(&mut self, width: usize) -> Outcome {
        let layout = self.layout(width);
        let (row, column) = layout.cursor;
        let column = *self.wanted.get_or_insert(column);
        match row.checked_sub(1) {
            Some(above) => self.go(layout.offset(&self.text, above, column)),
            None => self.history_back(),
        }
    }

    fn line_down(&mut self, width: usize) -> Outcome {
        let layout = self.layout(width);
        let (row, column) = layout.cursor;
        let column = *self.wanted.get_or_insert(column);
        if row + 1 < layout.rows.len() {
            return self.go(layout.offset(&self.text, row + 1, column));
        }
        if self.browsing.is_some() {
            return self.history_forward();
        }
        self.wanted = None;
        self.go(self.text.len())
    }

    fn history_back(&mut self) -> Outcome {
        let place = self.browsing.as_ref().map_or(self.history.len(), |(place, _)| *place);
        let Some(place) = place.checked_sub(1) else {
            return Outcome::Unchanged;
        };
        let draft = self
            .browsing
            .take()
            .map_or_else(|| self.text.to_string(), |(_, draft)| draft);
        self.show(&self.history[place].clone());
        self.browsing = Some((place, draft));
        Outcome::Changed
    }

    fn history_forward(&mut self) -> Outcome {
        let Some((place, draft)) = self.browsing.take() else {
            return Outcome::Unchanged;
        };
        match self.history.get(place + 1).cloned() {
            Some(text) => {
                self.show(&text);
                self.browsing = Some((place + 1, draft));
            }
            None => self.show(&draft),
        }
        Outcome::Changed
    }

    fn show(&mut self, text: &str) {
        self.wanted = None;
        self.edit(0..self.text.len(), text);
        self.journal.close();
    }

    fn go(&mut self, at: usize) -> Outcome {
        self.cursor = at;
        self.journal.close();
        Outcome::Unchanged
    }

    /// Line feeds alone, spaces for tabs, no control characters. A field has no line feeds.
    fn clean(&self, text: &str) -> Zeroizing<String> {
        // All of it at once: of a secret, a string that grows would leave copies behind.
        let bytes = text.len() + 3 * text.matches('\t').count();
        let mut clean = Zeroizing::new(String::with_capacity(bytes));
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    if c == '\r' && characters.peek() == Some(&'\n') {
                        characters.next();
                    }
                    clean.push(if self.kind == Kind::Message { '\n' } else { ' ' });
                }
                '\t' => clean.push_str("    "),
                c if c.is_control() => {}
                c => clean.push(c),
            }
        }
        clean
    }

    /// The line of the cursor, without its line feed.
    fn line(&self) -> Range<usize> {
        let start = self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[self.cursor..]
            .find('\n')
            .map_or(self.text.len(), |at| self.cursor + at);
        start..end
    }

    /// The boundary of a grapheme at or after a place.
    fn snap(&self, at: usize) -> usize {
        let at = self.text.ceil_char_boundary(at);
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        match cursor.is_boundary(&self.text, 0) {
            Ok(true) => at,
            _ => self.after(at),
        }
    }

    fn before(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        cursor
            .next_boundary(&self.text, 0)
            .ok()
            .flatten()
            .unwrap_or(self.text.len())
    }

    /// The beginning of the word before the cursor. A secret is one word: where its words end is part of it.
    fn word_before(&self) -> usize {
        if self.kind == Kind::Secret {
            return 0;
        }
        let words = self.text[..self.cursor].split_word_bound_indices();
        let at = words.rev().find(|(_, word)| is_word(word)).map_or(0, |(at, _)| at);
        let boundary = self.snap(at);
        if boundary < self.cursor {
            boundary
        } else {
            self.before(self.cursor)
        }
    }

    /// The end of the word after the cursor.
    fn word_after(&self) -> usize {
        if self.kind == Kind::Secret {
            return self.text.len();
        }
        let mut words = self.text[self.cursor..].split_word_bound_indices();
        let word = words.find(|(_, word)| is_word(word));
        word.map_or(self.text.len(), |(at, word)| self.snap(self.cursor + at + word.len()))
    }
}

/// Whether moves by words stop at it: letters and digits, and emoji.
fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric) || (!word.is_ascii() && crate::text::width(word) > 1 && word.trim() != "")
}

#[cfg(test)]
mod tests;
