//! How [`App`] is drawn: [`areas`] says where each part is, [`draw`] draws them. Nothing here changes the state.

mod dialog;
pub mod message;
mod sidebar;
mod status;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};

use crate::action::Action;
use crate::app::conversations::Entry;
use crate::app::dialogs::presence;
use crate::app::{App, Connection, Drag, Focus, Intent};
use crate::markdown::Mark;
use crate::query::Query;
use crate::text::bidi::{self, Reorder};
use crate::{text, when};

pub use dialog::{overflow as dialog_overflow, row_at as dialog_row};
pub use sidebar::first_shown;
pub use status::network;

/// Columns from which on the list of conversations stands beside the messages.
const WIDE: u16 = 64;

/// Columns of the list.
const SIDEBAR: u16 = 28;

/// Rows of the composer at most.
const COMPOSER: u16 = 8;

/// Where each part of the main view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The list of conversations.
    pub sidebar: Option<Rect>,
    /// The line between the two.
    pub divider: Option<Rect>,
    /// What the open conversation is.
    pub header: Rect,
    /// Its messages.
    pub messages: Rect,
    /// What the composer is for, if not for a message.
    pub intent: Option<Rect>,
    /// The line above the composer.
    pub rule: Rect,
    /// The text that is written.
    pub input: Rect,
    /// The last line.
    pub status: Rect,
}

/// There is no room for the list beside the messages.
pub const fn is_narrow(app: &App) -> bool {
    app.size.0 < WIDE
}

/// Where each part is, by the size of the terminal and by what is open.
pub fn areas(app: &App) -> Areas {
    let (columns, rows) = app.size;
    let status = Rect::new(0, rows.saturating_sub(1), columns, rows.min(1));
    let above = rows.saturating_sub(1);
    let wide = !is_narrow(app);
    // Without room for both, the list takes all of it while it has the focus.
    let alone = !wide && (app.pane.is_none() || app.focus == Focus::List) && app.sidebar != Some(false);
    if alone {
        let sidebar = Some(Rect::new(0, 0, columns, above));
        return Areas {
            sidebar,
            status,
            ..Areas::default()
        };
    }
    let beside = wide && app.sidebar.unwrap_or(true);
    let list = if beside { SIDEBAR.min(columns / 3).max(20) } else { 0 };
    let left = if beside { list + 1 } else { 0 };
    let width = columns - left;
    let input_width = width.saturating_sub(2).max(1);
    let most = COMPOSER.min(above / 3).max(1);
    let lines = u16::try_from(app.composer.height(usize::from(input_width), usize::from(most))).unwrap_or(1);
    let intent = u16::from(app.intent != Intent::Send);
    let below = (lines + intent + 1).min(above.saturating_sub(1));
    let header = Rect::new(left, 0, width, above.min(1));
    let messages = Rect::new(left, header.height, width, above.saturating_sub(below + header.height));
    let mut y = messages.bottom();
    let rule = Rect::new(left, y, width, 1);
    y += 1;
    let intent = (intent > 0).then(|| Rect::new(left, y, width, 1));
    y += intent.map_or(0, |area| area.height);
    let input = Rect::new(left + 2, y, input_width, above.saturating_sub(y).max(1));
    Areas {
        sidebar: beside.then(|| Rect::new(0, 0, list, above)),
        divider: beside.then(|| Rect::new(list, 0, 1, above)),
        header,
        messages,
        intent,
        rule,
        input,
        status,
    }
}

/// What a frame has beside its cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The text in the part that the mouse has selected.
    pub selected: Option<String>,
    /// The parts that a terminal can open.
    pub hyperlinks: Vec<Hyperlink>,
}

/// A part of a row that opens an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hyperlink {
    /// Its cells, in one row.
    pub area: Rect,
    /// What it opens.
    pub url: String,
}

/// Draws one frame.
pub fn draw(app: &App, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    frame.buffer_mut().set_style(area, app.theme.text);
    let mut drawn = Drawn::default();
    if area.width < 10 || area.height < 4 {
        return drawn;
    }
    if app.locked || app.first_run() {
        dialog::draw_all(app, frame);
        return drawn;
    }
    let areas = areas(app);
    // Whatever is drawn puts it where it belongs: input methods and screen readers follow it.
    frame.set_cursor_position(Position::new(areas.status.x, areas.status.y));
    if let Some(area) = areas
        .sidebar
        .filter(|_| areas.header.width > 0 || app.conversations.len() > 0)
    {
        sidebar::draw(app, frame, area);
    }
    if let Some(area) = areas.divider {
        let style = app.theme.border;
        for y in area.top()..area.bottom() {
            frame.buffer_mut()[(area.x, y)].set_char('│').set_style(style);
        }
    }
    if areas.header.width > 0 || app.conversations.len() == 0 {
        match &app.pane {
            Some(_) => drawn.hyperlinks = conversation(app, frame, &areas),
            None => nothing_open(app, frame, &areas),
        }
    }
    status::draw(app, frame, areas.status);
    if !app.dialogs.is_empty() {
        // It can cover them.
        drawn.hyperlinks.clear();
        dialog::draw_all(app, frame);
    }
    let drag = app.drag.filter(|drag| drag.from != drag.to);
    drawn.selected = drag.map(|drag| select(app, frame, &areas, drag));
    drawn
}

/// Sets a line. As a widget, a line places each of its spans by another count of cells than it draws: half-width katakana with a sound
/// mark would be drawn over by what follows.
fn set(frame: &mut Frame<'_>, line: &Line<'_>, area: Rect) {
    let area = area.intersection(frame.area());
    if !area.is_empty() {
        frame.buffer_mut().set_style(area, line.style);
        frame.buffer_mut().set_line(area.x, area.y, line, area.width);
    }
}

/// What to do when no conversation is open.
fn nothing_open(app: &App, frame: &mut Frame<'_>, areas: &Areas) {
    let key = |action: Action| {
        app.config
            .key_hint(action)
            .unwrap_or_else(|| format!("/{}", action.name()))
    };
    let mut lines = vec![Line::styled("Sotto", app.theme.title), Line::raw("")];
    let asked = match app.asking() {
        0 => None,
        1 => Some(String::from("answer the friend request that waits")),
        several => Some(format!("answer the {several} friend requests that wait")),
    };
    let asked = asked.map(|asked| hint(app, &key(Action::Requests), &asked));
    if app.conversations.len() == 0 {
        lines.push(Line::raw("You have no conversations yet."));
        lines.push(Line::raw(""));
        lines.extend(asked);
        lines.push(hint(app, &key(Action::AddFriend), "add a friend by a friend code"));
        lines.push(hint(
            app,
            &key(Action::Identity),
            "show your own code, to be given to friends",
        ));
    } else {
        lines.push(Line::raw("Choose a conversation."));
        lines.push(Line::raw(""));
        lines.extend(asked);
        lines.push(hint(app, &key(Action::Palette), "find a conversation or a command"));
        lines.push(hint(app, &key(Action::NextConversation), "open the next one"));
    }
    lines.push(hint(app, &key(Action::Help), "all keys"));
    if let Connection::Down { why, .. } = &app.connection {
        lines.push(Line::raw(""));
        lines.push(Line::styled(
            format!("No daemon answers: {why}. It is tried again."),
            app.theme.warning,
        ));
    }
    let height = u16::try_from(lines.len()).unwrap_or(1);
    // In a narrow terminal the list has nothing to show and no messages beside it.
    let area = match areas.sidebar.filter(|_| areas.header.width == 0) {
        Some(list) => list,
        None => Rect::new(areas.header.x, 0, areas.header.width, areas.status.y),
    };
    let top = area.height.saturating_sub(height) / 3;
    let inside = Rect::new(
        area.x + 2.min(area.width),
        top,
        area.width.saturating_sub(4),
        area.height - top,
    );
    frame.set_cursor_position(inside.as_position());
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inside);
}

/// A key, and what it does.
pub fn hint(app: &App, key: &str, about: &str) -> Line<'static> {
    Line::from(vec![
        Span::styled(key.to_owned(), app.theme.key),
        Span::raw("  "),
        Span::styled(about.to_owned(), app.theme.dim),
    ])
}

fn conversation(app: &App, frame: &mut Frame<'_>, areas: &Areas) -> Vec<Hyperlink> {
    header(app, frame, areas.header);
    let hyperlinks = messages(app, frame, areas.messages);
    composer(app, frame, areas);
    hyperlinks
}

/// One line: who it is, and what holds for the conversation.
fn header(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(pane) = &app.pane else { return };
    let Some(entry) = app.conversations.entry(&pane.conversation) else {
        return;
    };
    let mut spans = vec![Span::raw(" "), Span::styled(entry.name.text(), app.theme.title)];
    // What the user has asked for comes first: the line can be cut.
    if let Some(hits) = &pane.hits {
        let found = format!(" · hit {} of {} for {:?}", hits.at + 1, hits.places.len(), hits.query);
        spans.push(Span::styled(found, app.theme.accent));
    }
    if let Some(thread) = &pane.thread {
        spans.push(Span::styled(format!(" · # {thread}"), app.theme.accent));
    }
    for (fact, style) in facts(app, entry) {
        spans.push(Span::styled(" · ", app.theme.dim));
        spans.push(Span::styled(fact, style));
    }
    let line = text::truncate_line(&Line::from(spans), usize::from(area.width));
    set(frame, &line, area);
}

/// What the header says of a contact, in the order of its weight.
pub fn facts(app: &App, entry: &Entry) -> Vec<(String, Style)> {
    let theme = &app.theme;
    let mut facts = Vec::new();
    let Some(contact) = &entry.contact else {
        return facts;
    };
    if let Some(imitated) = app.imitates.as_ref().filter(|_| app.here() == Some(entry.id.as_str())) {
        facts.push((format!("! {imitated}"), theme.error));
    }
    if contact.untrusted {
        facts.push((String::from("! the key has changed: /verify"), theme.error));
    }
    if contact.relationship != sotto_api::Relationship::Friend {
        let word = crate::app::dialogs::relationship(contact.relationship);
        facts.push((word.to_owned(), theme.warning));
    }
    if contact.blocked {
        facts.push((String::from("blocked"), theme.warning));
    }
    if entry.typing {
        facts.push((String::from("is typing…"), theme.accent));
    } else {
        facts.push((presence(entry, app.now), theme.dim));
    }
    if contact.who.verified {
        facts.push((String::from("✓ verified"), theme.verified));
    } else if contact.relationship == sotto_api::Relationship::Friend && !contact.untrusted {
        facts.push((String::from("not verified"), theme.dim));
    }
    if contact.timer > 0 {
        facts.push((format!("◔ {}", when::timer(contact.timer)), theme.timer));
    }
    if contact.pause.is_some() {
        facts.push((String::from("paused: too much room is taken up"), theme.warning));
    }
    if entry.muted {
        facts.push((String::from("muted"), theme.dim));
    }
    facts
}

fn messages(app: &App, frame: &mut Frame<'_>, area: Rect) -> Vec<Hyperlink> {
    let mut hyperlinks = Vec::new();
    let Some(pane) = &app.pane else { return hyperlinks };
    if pane.messages().len() == 0 {
        no_messages(app, frame, area);
        return hyperlinks;
    }
    let query = pane.hits.as_ref().map(|hits| Query::of(&hits.query));
    let mut y = area.bottom();
    if app.focus == Focus::Messages && area.height > 0 {
        frame.set_cursor_position(Position::new(area.x, area.bottom() - 1));
    }
    for (item, shown) in pane.items() {
        let chosen = app.focus == Focus::Messages && pane.is_selected(item.message);
        let mut lines = item_lines(app, &item, usize::from(area.width));
        let above = lines.len() - item.body.lines.len();
        if let Some(query) = &query {
            for line in &mut lines[above..] {
                highlight(line, query, app.theme.hit);
            }
        }
        for (number, line) in lines.iter().enumerate().take(shown).rev() {
            if y == area.top() {
                break;
            }
            y -= 1;
            let row = Rect::new(area.x, y, area.width, 1);
            if chosen {
                frame.buffer_mut().set_style(row, app.theme.selected);
                // In the end it stands in the first row of the text.
                if number >= above {
                    frame.set_cursor_position(row.as_position());
                }
            }
            set(frame, line, row);
            let marks = item.body.marks.iter().filter(|mark| above + mark.line == number);
            hyperlinks.extend(marks.map(|mark| hyperlink(mark, row)));
        }
        if y == area.top() {
            break;
        }
    }
    if let Some(place) = newer_mark(app, frame, area) {
        hyperlinks.retain(|link| !link.area.intersects(place));
    }
    hyperlinks
}

/// Where a part of a message's line is on the screen.
fn hyperlink(mark: &Mark, row: Rect) -> Hyperlink {
    let cell = |cell: usize| u16::try_from(message::INDENT + cell).unwrap_or(u16::MAX).min(row.width);
    let (start, end) = (cell(mark.cells.start), cell(mark.cells.end));
    Hyperlink {
        area: Rect::new(row.x + start, row.y, end - start, 1),
        url: mark.url.to_string(),
    }
}

/// What stands where there are no messages.
fn no_messages(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(pane) = &app.pane else { return };
    let what = if !pane.loaded {
        "Reading…"
    } else if pane.thread.is_some() {
        "Nothing is in this thread yet."
    } else {
        "No messages yet. What you write is sent as soon as the other side can be reached."
    };
    let line = Line::styled(what, app.theme.dim);
    let inside = Rect::new(
        area.x + 1,
        area.bottom().saturating_sub(2),
        area.width.saturating_sub(2),
        area.height.min(2),
    );
    frame.render_widget(Paragraph::new(line).wrap(Wrap { trim: false }), inside);
}

/// Says that there are messages below the screen. Returns where.
fn newer_mark(app: &App, frame: &mut Frame<'_>, area: Rect) -> Option<Rect> {
    let pane = app.pane.as_ref()?;
    let mark = match (pane.below, pane.is_at_bottom()) {
        (0, true) => return None,
        (0, false) => String::from(" ↓ newer "),
        (below, _) => format!(" ↓ {below} new "),
    };
    let width = u16::try_from(text::width(&mark)).unwrap_or(0).min(area.width);
    let place = Rect::new(area.right() - width, area.bottom().saturating_sub(1), width, 1);
    set(frame, &Line::styled(mark, app.theme.badge), place);
    Some(place)
}

/// All lines of a message with what stands above it.
fn item_lines(app: &App, item: &crate::app::pane::Item<'_>, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::with_capacity(item.layout.height());
    if item.layout.day {
        let date = when::zoned(when::of(item.message), &app.zone).date();
        let today = when::zoned(app.time(), &app.zone).date();
        lines.push(ruled(&when::day(date, today), width, theme.separator));
    }
    if item.layout.unread {
        lines.push(ruled("New messages", width, theme.unread));
    }
    if item.layout.head {
        let mut head = message::head(app, item.message, width.saturating_sub(1));
        head.spans.insert(0, Span::raw(" "));
        lines.push(head);
    }
    for line in &item.body.lines {
        let mut line = line.clone();
        line.spans.insert(0, Span::raw("  "));
        lines.push(line);
    }
    lines
}

/// A word in the middle of a line.
fn ruled(word: &str, width: usize, style: Style) -> Line<'static> {
    let word = text::truncate(word, width.saturating_sub(4));
    let left = width.saturating_sub(text::width(&word) + 2);
    let before = left / 2;
    Line::styled(
        format!("{} {word} {}", "─".repeat(before), "─".repeat(left - before)),
        style,
    )
}

/// Marks every place of a line that has what was searched for. A word can go over several spans.
fn highlight(line: &mut Line<'static>, query: &Query, style: Style) {
    let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    let hits = query.hits(&text);
    if hits.is_empty() {
        return;
    }
    let mut spans = Vec::new();
    let mut start = 0;
    for span in line.spans.drain(..) {
        let end = start + span.content.len();
        let mut at = start;
        for hit in hits.iter().filter(|hit| hit.start < end && hit.end > start) {
            let (from, to) = (hit.start.max(start), hit.end.min(end));
            spans.push(Span::styled(text[at..from].to_owned(), span.style));
            spans.push(Span::styled(text[from..to].to_owned(), span.style.patch(style)));
            at = to;
        }
        spans.push(Span::styled(text[at..end].to_owned(), span.style));
        start = end;
    }
    spans.retain(|span| !span.content.is_empty());
    line.spans = spans;
}

fn composer(app: &App, frame: &mut Frame<'_>, areas: &Areas) {
    let theme = &app.theme;
    let focused = app.focus == Focus::Composer && app.dialogs.is_empty();
    let style = if focused { theme.border_focused } else { theme.border };
    let rule = "─".repeat(usize::from(areas.rule.width));
    set(frame, &Line::styled(rule, style), areas.rule);
    if let Some(area) = areas.intent {
        let line = match &app.intent {
            Intent::Reply { quote, .. } => format!(" ↩ {quote}"),
            Intent::Edit { .. } => String::from(" ✎ Edit your message"),
            Intent::Send => String::new(),
        };
        let line = text::truncate(&line, usize::from(area.width)).into_owned();
        set(frame, &Line::styled(line, theme.quote), area);
    }
    let area = areas.input;
    let mark = Rect::new(area.x - 2, area.y, 1, 1);
    set(
        frame,
        &Line::styled("›", if focused { theme.accent } else { theme.dim }),
        mark,
    );
    if app.composer.is_empty() {
        let what = if app.can_send() {
            "Write a message"
        } else {
            "You are not friends: this cannot be sent"
        };
        let line = text::truncate(what, usize::from(area.width)).into_owned();
        set(frame, &Line::styled(line, theme.placeholder), area);
    }
    let direction = bidi::Direction::of(app.composer.text());
    let layout = app.composer.layout(usize::from(area.width));
    let (rows, (row, column)) = layout.visible(usize::from(area.height));
    for (line, y) in rows.iter().zip(area.y..area.bottom()) {
        let line = bidi::visual(Line::raw(line.text.clone()), direction, app.config.reorder);
        set(frame, &line, Rect::new(area.x, y, area.width, 1));
    }
    if focused {
        let written = rows.get(row).map_or("", |row| row.text.as_str());
        let column = match app.config.reorder {
            Reorder::Here => bidi::column(written, layout.cursor_at, direction, Reorder::Here),
            Reorder::Terminal => column,
        };
        let column = u16::try_from(column).unwrap_or(0).min(area.width.saturating_sub(1));
        let row = u16::try_from(row).unwrap_or(0).min(area.height.saturating_sub(1));
        frame.set_cursor_position(Position::new(area.x + column, area.y + row));
    }
}

/// Shows what the mouse has selected, within the pane where it began, and returns its text.
fn select(app: &App, frame: &mut Frame<'_>, areas: &Areas, drag: Drag) -> String {
    let whole = frame.area();
    let panes = [areas.sidebar.unwrap_or_default(), areas.messages, areas.input];
    let pane = panes
        .into_iter()
        .find(|area| area.contains(drag.from.into()))
        .unwrap_or(whole);
    let clamp = |(x, y): (u16, u16)| {
        let x = x.clamp(pane.left(), pane.right().saturating_sub(1).max(pane.left()));
        let y = y.clamp(pane.top(), pane.bottom().saturating_sub(1).max(pane.top()));
        (y, x)
    };
    let (from, to) = (clamp(drag.from), clamp(drag.to));
    let (start, end) = (from.min(to), from.max(to));
    let mut selected = String::new();
    for y in start.0..=end.0 {
        let left = if y == start.0 { start.1 } else { pane.left() };
        let right = if y == end.0 {
            end.1
        } else {
            pane.right().saturating_sub(1)
        };
        let mut line = String::new();
        let mut covered = 0;
        for x in left..=right {
            let Some(cell) = frame.buffer_mut().cell_mut((x, y)) else {
                continue;
            };
            // The cells that a wide character covers have no text of their own.
            if covered == 0 {
                line.push_str(cell.symbol());
                covered = text::width(cell.symbol()).max(1);
            }
            covered -= 1;
            cell.set_style(app.theme.selected.add_modifier(Modifier::REVERSED));
        }
        selected.push_str(line.trim_end());
        if y != end.0 {
            selected.push('\n');
        }
    }
    selected
}

/// A frame around a dialog.
pub fn boxed(title: &str, style: Style, title_style: Style) -> Block<'static> {
    Block::bordered()
        .border_style(style)
        .title(Span::styled(format!(" {title} "), title_style))
}
