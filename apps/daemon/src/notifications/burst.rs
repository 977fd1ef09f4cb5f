//! [`Burst`]: what has happened within a short time, and is one notification.

use std::collections::BTreeSet;

use sotto_api::NotificationMode;
use sotto_core::{ConversationId, OnionAddress};
use unicode_segmentation::UnicodeSegmentation as _;

/// What the program is called by the desktop.
const PROGRAM: &str = "Sotto";

/// Longest name, in characters as a reader counts them.
const NAME: usize = 40;

/// Longest line of a text.
const LINE: usize = 120;

/// Names that a notification lists.
const NAMES: usize = 3;

/// Something that the user wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// A message arrived.
    Message {
        conversation: ConversationId,
        name: String,
        /// None if it must not be shown.
        text: Option<String>,
    },
    /// A peer of that name asks to be a contact.
    Request(String),
    /// A message to a peer of that name waits for approval.
    Approval(String),
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// One line.
    pub summary: String,
    /// Lines, without markup.
    pub body: String,
}

/// What is shown as one notification.
#[derive(Clone, Debug, Default)]
pub(super) struct Burst {
    messages: usize,
    requests: usize,
    approvals: usize,
    conversations: BTreeSet<ConversationId>,
    /// Each once, in the order in which they came first; a few more than are listed.
    names: Vec<String>,
    /// How many names are not among them.
    unnamed: usize,
    last: Option<Happening>,
}

impl Burst {
    /// Adds one.
    pub fn add(&mut self, happening: Happening) {
        let name = match &happening {
            Happening::Message { conversation, name, .. } => {
                self.messages += 1;
                // One conversation has one name.
                (self.conversations.insert(*conversation)).then_some(name)
            }
            Happening::Request(name) => {
                self.requests += 1;
                Some(name)
            }
            Happening::Approval(_) => {
                self.approvals += 1;
                None
            }
        };
        if let Some(name) = name.filter(|name| !self.names.contains(name)) {
            if self.names.len() < NAMES {
                self.names.push(name.clone());
            } else {
                self.unnamed += 1;
            }
        }
        self.last = Some(happening);
    }

    /// How much has happened.
    pub const fn len(&self) -> usize {
        self.messages + self.requests + self.approvals
    }

    /// What the notification says.
    pub fn text(&self, mode: NotificationMode) -> Text {
        if mode < NotificationMode::Sender {
            return named(PROGRAM, &self.counts());
        }
        let is_one = self.len() == 1;
        match &self.last {
            Some(Happening::Message { name, text, .. })
                if self.messages == self.len() && self.conversations.len() == 1 =>
            {
                let count = if is_one {
                    String::from("New message")
                } else {
                    self.counts()
                };
                let line = text
                    .as_deref()
                    .filter(|_| mode == NotificationMode::Text)
                    .and_then(first_line);
                match line {
                    Some(line) if is_one => named(name, &line),
                    Some(line) => named(name, &format!("{count}\n{line}")),
                    None => named(name, &count),
                }
            }
            Some(Happening::Request(name)) if is_one => named("Friend request", &format!("from {name}")),
            Some(Happening::Approval(name)) if is_one => {
                named("Approval needed", &format!("A message to {name} waits for you"))
            }
            _ if self.names.is_empty() => named(PROGRAM, &self.counts()),
            _ => named(PROGRAM, &format!("{}\nfrom {}", self.counts(), self.listed())),
        }
    }

    fn counts(&self) -> String {
        let counts = [
            (self.messages, "new message", "new messages"),
            (self.requests, "friend request", "friend requests"),
            (self.approvals, "approval needed", "approvals needed"),
        ];
        let said = counts.into_iter().filter_map(|(count, one, several)| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {several}")),
        });
        said.collect::<Vec<_>>().join(", ")
    }

    fn listed(&self) -> String {
        let names = self.names.join(", ");
        match self.unnamed {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }
}

/// What a peer is called: as the user calls it, or as it calls itself, which is marked, or by its address.
pub(super) fn name_of(address: &OnionAddress, petname: Option<&str>, claimed: Option<&str>) -> String {
    match (petname, claimed) {
        (Some(petname), _) => cut(petname, NAME),
        (None, Some(claimed)) => format!("~{}", cut(claimed, NAME)),
        (None, None) => cut(&address.to_string(), 12),
    }
}

fn named(summary: &str, body: &str) -> Text {
    Text {
        summary: summary.to_owned(),
        body: body.to_owned(),
    }
}

/// The first line that says something.
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(cut(line, LINE))
}

/// The beginning of a text, marked where the rest is left out.
fn cut(text: &str, longest: usize) -> String {
    let mut places = text.grapheme_indices(true).skip(longest);
    match places.next() {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::GroupId;

    use super::*;

    fn message(conversation: u8, name: &str, text: &str) -> Happening {
        Happening::Message {
            conversation: ConversationId::Group(GroupId([conversation; 32])),
            name: name.to_owned(),
            text: Some(text.to_owned()),
        }
    }

    fn said(happenings: &[Happening]) -> [(String, String); 3] {
        let mut burst = Burst::default();
        for happening in happenings {
            burst.add(happening.clone());
        }
        [
            NotificationMode::Count,
            NotificationMode::Sender,
            NotificationMode::Text,
        ]
        .map(|mode| {
            let Text { summary, body } = burst.text(mode);
            (summary, body)
        })
    }

    fn expect(happenings: &[Happening], expected: [(&str, &str); 3]) {
        let expected = expected.map(|(summary, body)| (summary.to_owned(), body.to_owned()));
        assert_eq!(said(happenings), expected, "{happenings:?}");
    }

    #[test]
    fn each_mode_says_no_more_than_it_may() {
        let hello = message(1, "bob", "\n  Hello \nthere");
        expect(
            std::slice::from_ref(&hello),
            [("Sotto", "1 new message"), ("bob", "New message"), ("bob", "Hello")],
        );
        let secret = Happening::Message {
            conversation: ConversationId::Group(GroupId([1; 32])),
            name: "bob".to_owned(),
            text: None,
        };
        expect(
            &[secret],
            [
                ("Sotto", "1 new message"),
                ("bob", "New message"),
                ("bob", "New message"),
            ],
        );
        expect(
            &[hello.clone(), message(1, "bob", "again")],
            [
                ("Sotto", "2 new messages"),
                ("bob", "2 new messages"),
                ("bob", "2 new messages\nagain"),
            ],
        );
        let several = ("Sotto", "2 new messages\nfrom bob, ~carol");
        expect(
            &[hello.clone(), message(2, "~carol", "me too")],
            [("Sotto", "2 new messages"), several, several],
        );
        let asked = ("Friend request", "from ~eve");
        expect(
            &[Happening::Request("~eve".to_owned())],
            [("Sotto", "1 friend request"), asked, asked],
        );
        let waits = ("Approval needed", "A message to bob waits for you");
        expect(
            &[Happening::Approval("bob".to_owned())],
            [("Sotto", "1 approval needed"), waits, waits],
        );
        let mixed = (
            "Sotto",
            "1 new message, 1 friend request, 2 approvals needed\nfrom bob, ~eve",
        );
        let approval = || Happening::Approval("dave".to_owned());
        expect(
            &[hello, Happening::Request("~eve".to_owned()), approval(), approval()],
            [
                ("Sotto", "1 new message, 1 friend request, 2 approvals needed"),
                mixed,
                mixed,
            ],
        );
    }

    #[test]
    fn a_flood_is_one_notification_of_bounded_length() {
        let flood: Vec<Happening> = (0..200).map(|n| message(n, &format!("peer {n}"), "hi")).collect();
        let [_, sender, _] = said(&flood);
        assert_eq!(sender.1, "200 new messages\nfrom peer 0, peer 1, peer 2 and 197 more");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let family = "👨‍👩‍👧";
        assert_eq!(cut(&family.repeat(3), 3), family.repeat(3));
        assert_eq!(cut(&family.repeat(4), 3), format!("{}…", family.repeat(3)));
        let [_, _, (_, body)] = said(&[message(1, "bob", &"x".repeat(5000))]);
        assert_eq!(body, format!("{}…", "x".repeat(LINE)));
    }
}
