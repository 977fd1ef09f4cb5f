//! The lines of the conversations that are in the stores when the interface opens.

use sotto_core::row::ContentType;

use super::scenario::Who;

/// A line of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScriptedMessage {
    /// Its author.
    pub who: Who,
    /// Minutes after the line before.
    pub pause: u64,
    /// The text.
    pub text: &'static str,
    /// How it is shown.
    pub content_type: ContentType,
    /// Its thread.
    pub thread: Option<&'static str>,
    /// The place of the line that it replies to.
    pub answers: Option<usize>,
    /// Who reacts, and with what.
    pub reaction: Option<(Who, &'static str)>,
    /// The text that its author put in its place later.
    pub edited: Option<&'static str>,
    /// Its author deleted it later.
    pub is_deleted: bool,
}

const fn says(who: Who, pause: u64, text: &'static str) -> ScriptedMessage {
    ScriptedMessage {
        who,
        pause,
        text,
        content_type: ContentType::Plain,
        thread: None,
        answers: None,
        reaction: None,
        edited: None,
        is_deleted: false,
    }
}

const fn ada(pause: u64, text: &'static str) -> ScriptedMessage {
    says(Who::Ada, pause, text)
}

const fn bob(pause: u64, text: &'static str) -> ScriptedMessage {
    says(Who::Bob, pause, text)
}

impl ScriptedMessage {
    const fn markdown(mut self) -> Self {
        self.content_type = ContentType::Markdown;
        self
    }

    const fn thread(mut self, thread: &'static str) -> Self {
        self.thread = Some(thread);
        self
    }

    const fn answers(mut self, place: usize) -> Self {
        self.answers = Some(place);
        self
    }

    const fn reacts(mut self, who: Who, emoji: &'static str) -> Self {
        self.reaction = Some((who, emoji));
        self
    }

    const fn edited(mut self, text: &'static str) -> Self {
        self.edited = Some(text);
        self
    }

    const fn deleted(mut self) -> Self {
        self.is_deleted = true;
        self
    }
}

/// With Bob, two days ago.
pub(super) const BOB_FIRST: &[ScriptedMessage] = &[
    bob(0, "Ada! I am on Sotto now, too."),
    ada(1, "Welcome. No server between us, for once."),
    bob(1, "I like that no one can switch it off."),
    ada(2, "Or read along. Compare the safety number when we meet?").reacts(Who::Bob, "👍"),
    bob(3, "Gladly. Now to work: does the card reader take the new cards?"),
    ada(2, "It jams at every seventh one.").answers(4),
    bob(4, "Every seventh? That is too regular for dirt."),
    ada(1, "My thought as well. The drum has seven teeth.").reacts(Who::Bob, "💡"),
    bob(2, "Then one tooth is worn. I have a file somewhere."),
    ada(1, "Not with a file! You would take off what is missing elsewhere.").answers(8),
    bob(1, "😅"),
    bob(1, "I will ask the clockmaker for a new drum."),
    ada(2, "Ask for two. They wear in pairs.").edited("Ask for two; they wear in pairs."),
    bob(1, "Done. Good night, Ada."),
    ada(1, "Good night."),
];

/// With Bob, yesterday.
pub(super) const BOB_SECOND: &[ScriptedMessage] = &[
    bob(0, "Good morning! The garden needs a plan before the frost.").thread("garden"),
    ada(6, "Beans along the wall, as last year?").thread("garden").answers(0),
    bob(2, "And the rosemary indoors.").thread("garden").reacts(Who::Ada, "🌿"),
    ada(11, "Here is what I have so far:\n\n```rust\nfn bernoulli(n: usize) -> Ratio {\n    (0..n).map(term).sum()\n}\n```\n\nIt is *nearly* the table of Note G.")
        .markdown()
        .reacts(Who::Bob, "❤️"),
    bob(5, "Beautiful. Is B₁ minus one half, or plus?").answers(3),
    ada(3, "> Is B₁ minus one half, or plus?\n\nIt depends on whom you ask:\n\n1. minus, in my notes\n2. plus, in [Seki's](https://example.org/seki)\n3. **either**, if you say so first")
        .markdown()
        .answers(4),
    bob(4, "I will say so first, then."),
    bob(2, "The password for the gate is 4711."),
    ada(1, "Never write such things in clear, not even here. Delete it?").answers(7),
    bob(1, "On the door it says 4711 anyway. Deleted.").deleted(),
    ada(38, "明日の汽車は九時十五分です。"),
    bob(3, "تمام، سأكون هناك 👨‍👩‍👧"),
    ada(2, "We should all learn one more alphabet a year.").reacts(Who::Bob, "🎉"),
];

/// With Bob, today. Ada has not read the end of it.
pub(super) const BOB_TODAY: &[ScriptedMessage] = &[
    ada(0, "Did the drum arrive?"),
    bob(7, "Both of them! And they are exact to a hair."),
    ada(1, "Then we run the long table tonight.").reacts(Who::Bob, "🚀"),
    bob(2, "I bring the oil, you bring the cards."),
    ada(1, "And the notes for the observatory: quarter past nine.").thread("observatory"),
    bob(3, "I shall be there.").thread("observatory").answers(4),
    ada(14, "Card 1 through 600 are punched."),
    bob(9, "I found a moth between two relays. An actual moth."),
    bob(1, "It is taped into the log book."),
    bob(2, "Shall I fetch you, or do you walk?"),
];

/// How many of them Ada has not read.
pub(super) const BOB_UNREAD: usize = 3;

/// With Grace, whose safety number was compared.
pub(super) const GRACE: &[ScriptedMessage] = &[
    says(Who::Grace, 0, "A nanosecond is this long: thirty centimetres."),
    ada(3, "I want one for my desk."),
    says(Who::Grace, 1, "It is in the post.").reacts(Who::Ada, "📮"),
    ada(2, "From now on, let what we write disappear after a day."),
    says(
        Who::Grace,
        2,
        "Agreed. Ships in port are safe, but that is not what ships are for.",
    ),
];

/// With Grace, today.
pub(super) const GRACE_TODAY: &[ScriptedMessage] = &[
    says(Who::Grace, 0, "Did the nanosecond arrive?"),
    says(Who::Grace, 1, "Put it where you see it when something takes too long."),
];

/// With Charles, before he went away.
pub(super) const CHARLES: &[ScriptedMessage] = &[
    says(Who::Charles, 0, "The engine is nearly finished."),
    ada(2, "You said that in spring.").reacts(Who::Charles, "😔"),
];

/// To Charles, who is offline: it fails after a day.
pub(super) const CHARLES_FAILS: &str = "Come to the reading on Thursday!";

/// To Charles, cancelled while it waited.
pub(super) const CHARLES_CANCELLED: &str = "Never mind.";

/// To Charles, still in the outbox.
pub(super) const CHARLES_WAITS: &str = "The drums are here. When do you return from Turin?";

/// Of a friend without a petname.
pub(super) const KATHERINE: &[ScriptedMessage] = &[says(
    Who::Katherine,
    0,
    "Thank you for the invite! I checked your numbers: they hold.",
)];

/// What the claimed Bob writes with its request.
pub(super) const REQUEST: &str = "Hi Ada, it is me, Bob. New phone!";

/// What Bob answers while the interface is open, one after the other, again and again.
pub(super) const BOB_LIVE: &[&str] = &[
    "Here I am.",
    "Say that again, slowly?",
    "The table is at line 300.",
    "I have put the kettle on.",
    "Ha!",
];

/// What Bob reacts with, to every third message.
pub(super) const BOB_REACTS: &str = "👍";
