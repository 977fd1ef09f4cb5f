//! [`Body`] and [`Layout`] of a message: its text in lines for a width, and what stands above it.

use jiff::tz::TimeZone;
use ratatui::text::{Line, Span};
use sotto_api::{ContentType, Direction, FailReason, Hold, Message, MessageState};

use crate::app::App;
use crate::markdown::{Mark, Rendered};
use crate::text::bidi::{self, Reorder};
use crate::theme::Theme;
use crate::{markdown, text, when};

/// Columns that a text is set in by.
pub const INDENT: usize = 2;

/// Messages of one author stand under one head if no more than this lies between them, in milliseconds.
const TOGETHER: u64 = 5 * 60 * 1000;

/// The text of a message, laid out. It does not change with time.
#[derive(Clone, Debug)]
pub struct Body {
    /// The quote of what it replies to, the text, and the reactions.
    pub lines: Vec<Line<'static>>,
    /// Links of the text, in its order.
    pub links: Vec<String>,
    /// The parts of the lines that are links.
    pub marks: Vec<Mark>,
}

impl Body {
    /// Lays a message out for a width. `quote` is what it replies to, on one line.
    pub fn of(message: &Message, raw: bool, width: u16, quote: Option<&str>, theme: &Theme, reorder: Reorder) -> Self {
        let width = usize::from(width).saturating_sub(INDENT).max(1);
        let mut lines = Vec::new();
        if message.reply_to.is_some() {
            let quote = text::truncate(quote.unwrap_or("a message that is not here"), width.saturating_sub(2));
            lines.push(Line::from(vec![
                Span::styled("│ ", theme.quote),
                Span::styled(quote.into_owned(), theme.quote),
            ]));
        }
        let mut links = Vec::new();
        let mut marks = Vec::new();
        if message.deleted_at.is_some() {
            lines.push(Line::styled("(deleted)", theme.dim));
        } else {
            match message.content_type {
                ContentType::Unsupported => {
                    let unknown = "(a kind of message that this version does not know)";
                    lines.extend(text::wrap(&[Span::styled(unknown, theme.dim)], width));
                }
                kind @ (ContentType::Plain | ContentType::Markdown) => {
                    let lay_out = match kind {
                        ContentType::Markdown if !raw => markdown::markdown,
                        _ => markdown::plain,
                    };
                    let Rendered {
                        lines: text,
                        links: of_text,
                        marks: in_text,
                    } = lay_out(&message.text, width, theme);
                    links = of_text.into_iter().map(|link| link.url).collect();
                    let above = lines.len();
                    marks.extend(in_text.into_iter().map(|mark| Mark {
                        line: above + mark.line,
                        ..mark
                    }));
                    lines.extend(text);
                }
            }
        }
        if reorder == Reorder::Here {
            let direction = bidi::Direction::of(&message.text);
            let visual: Vec<_> = lines
                .iter()
                .map(|line| bidi::visual(line.clone(), direction, reorder))
                .collect();
            // In another order the cells of a link are elsewhere.
            marks.retain(|mark| visual[mark.line] == lines[mark.line]);
            lines = visual;
        }
        // Text of nothing but what is not shown: there is a line all the same, to be selected and read.
        if lines.is_empty() {
            lines.push(Line::styled("(empty)", theme.dim));
        }
        if !message.reactions.is_empty() {
            lines.extend(text::wrap(&reactions(message, theme).spans, width));
        }
        Self { lines, links, marks }
    }
}

fn reactions(message: &Message, theme: &Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for reaction in &message.reactions {
        let by = match reaction.direction {
            Direction::In => "",
            Direction::Out => " you",
        };
        let style = match reaction.direction {
            Direction::In => theme.dim,
            Direction::Out => theme.accent,
        };
        spans.push(Span::styled(format!("{}{by}  ", reaction.emoji), style));
    }
    Line::from(spans)
}

/// What stands above the text of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// A line with its day: the message before it is of another.
    pub day: bool,
    /// A line that says that the unread messages begin.
    pub unread: bool,
    /// A line with author, time and state.
    pub head: bool,
    /// Lines of the text.
    pub body: usize,
}

impl Layout {
    /// Of a message below another one.
    pub fn of(message: &Message, before: Option<&Message>, unread: bool, body: &Body, zone: &TimeZone) -> Self {
        let date = |message| when::zoned(when::of(message), zone).date();
        let day = before.is_none_or(|before| date(before) != date(message));
        let head = day || unread || before.is_none_or(|before| !continues(before, message));
        Self {
            day,
            unread,
            head,
            body: body.lines.len(),
        }
    }

    /// Lines of all of it.
    pub fn height(self) -> usize {
        usize::from(self.day) + usize::from(self.unread) + usize::from(self.head) + self.body
    }
}

/// Whether a message needs no head of its own: all that its head would say is in that of the one before.
fn continues(before: &Message, message: &Message) -> bool {
    let plain = |message: &Message| {
        message.edited_at.is_none() && message.expires_at.is_none() && message.ttl == 0 && message.reply_to.is_none()
    };
    before.from == message.from
        && before.state == message.state
        && before.hold == message.hold
        && before.reason == message.reason
        && before.thread == message.thread
        && before.untrusted == message.untrusted
        && plain(before)
        && plain(message)
        && when::of(message).millis().saturating_sub(when::of(before).millis()) < TOGETHER
}

/// What a message's state is called, with its glyph. The word is always there: neither glyph nor colour is needed.
pub const fn state(message: &Message) -> (&'static str, &'static str) {
    match (message.direction, message.state) {
        (Direction::In, MessageState::Read) => ("", ""),
        (Direction::In, _) => ("●", "new"),
        (Direction::Out, MessageState::Queued) => match message.hold {
            Some(Hold::UntrustedKey) => ("⏸", "held: the key has changed"),
            Some(Hold::RemovedByPeer) => ("⏸", "held: you were removed"),
            None => ("◷", "queued"),
        },
        (Direction::Out, MessageState::Sent) => ("✓", "sent"),
        (Direction::Out, MessageState::Delivered) => ("✓✓", "delivered"),
        (Direction::Out, MessageState::Read) => ("✓✓", "read"),
        (Direction::Out, MessageState::Failed) => match message.reason {
            Some(FailReason::Expired) => ("✗", "failed: not reached in time"),
            _ => ("✗", "failed"),
        },
        (Direction::Out, MessageState::Cancelled) => ("✗", "cancelled"),
    }
}

/// The line with author, time and state.
pub fn head(app: &App, message: &Message, width: usize) -> Line<'static> {
    let (now, zone, theme) = (app.now, &app.zone, &app.theme);
    let (author, style) = match message.direction {
        Direction::Out => (String::from("You"), theme.author_out),
        Direction::In => (app.author(message).text(), theme.author_in),
    };
    let mut marks = vec![when::clock(when::of(message), zone)];
    let (glyph, word) = state(message);
    if !word.is_empty() {
        marks.push(format!("{glyph} {word}"));
    }
    if message.untrusted {
        marks.push(String::from("! key changed"));
    }
    if let Some(thread) = &message.thread {
        marks.push(format!("# {thread}"));
    }
    if message.edited_at.is_some() {
        marks.push(String::from("edited"));
    }
    if let Some(expires) = message.expires_at {
        marks.push(format!("◔ {}", when::brief(expires.millis().saturating_sub(now))));
    } else if message.ttl > 0 {
        marks.push(format!("◔ {}", when::brief(u64::from(message.ttl) * 1000)));
    }
    let marks = marks.join(" · ");
    let room = width.saturating_sub(text::width(&marks) + 2).max(8);
    let author = text::truncate(&author, room).into_owned();
    let left = width.saturating_sub(text::width(&author) + 2);
    let state_style = match (message.direction, message.state) {
        (Direction::Out, MessageState::Failed | MessageState::Cancelled) => theme.error,
        (Direction::Out, MessageState::Queued) => theme.warning,
        (Direction::In, state) if state as u8 != MessageState::Read as u8 => theme.unread,
        _ => theme.dim,
    };
    Line::from(vec![
        Span::styled(author, style),
        Span::raw("  "),
        Span::styled(text::truncate(&marks, left).into_owned(), state_style),
    ])
}
