//! The list of conversations.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use sotto_api::{Presence, Relationship};

use crate::app::conversations::Entry;
use crate::app::{App, Focus};
use crate::{text, when};

/// The place of the first conversation that is shown, in an area of that height: the chosen one is always on the screen.
pub fn first_shown(app: &App, area: Rect) -> usize {
    let height = usize::from(area.height).max(1);
    let chosen = current(app).unwrap_or(0);
    (chosen + 1).saturating_sub(height)
}

/// The place that is chosen: by the list's own choice, or by the open conversation.
fn current(app: &App) -> Option<usize> {
    match app.focus {
        Focus::List => Some(app.chosen),
        Focus::Messages | Focus::Composer => app.here().and_then(|here| app.conversations.place(here)),
    }
}

/// Draws the list.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    frame.buffer_mut().set_style(area, app.theme.sidebar);
    if app.pane.is_none() {
        frame.set_cursor_position(area.as_position());
    }
    let first = first_shown(app, area);
    let rows = usize::from(area.height);
    if app.conversations.len() == 0 {
        let line = Line::styled(" No conversations yet", app.theme.dim);
        super::set(frame, &line, area.resize((area.width, 1).into()));
    }
    let current = current(app);
    for ((place, entry), y) in app
        .conversations
        .shown()
        .enumerate()
        .skip(first)
        .take(rows)
        .zip(area.y..)
    {
        let row = Rect::new(area.x, y, area.width, 1);
        let chosen = current == Some(place);
        if chosen {
            let style = if app.focus == Focus::List || app.here() == Some(entry.id.as_str()) {
                app.theme.selected
            } else {
                app.theme.sidebar
            };
            frame.buffer_mut().set_style(row, style);
            if app.focus == Focus::List {
                frame.set_cursor_position(row.as_position());
            }
        }
        super::set(frame, &line(app, entry, usize::from(area.width)), row);
    }
}

fn line(app: &App, entry: &Entry, width: usize) -> Line<'static> {
    let theme = &app.theme;
    let (glyph, style) = mark(app, entry);
    let mut after = String::new();
    let contact = entry.contact.as_ref();
    if contact.is_some_and(|contact| contact.who.verified) {
        after.push_str(" ✓");
    }
    if contact.is_some_and(|contact| contact.timer > 0) {
        after.push_str(" ◔");
    }
    if entry.muted {
        after.push_str(" muted");
    }
    if entry.draft && app.here() != Some(entry.id.as_str()) {
        after.push_str(" ✎");
    }
    if entry.typing {
        after.push_str(" …");
    }
    let badge = match (entry.unread, entry.marked_unread) {
        (0, false) => String::new(),
        (0, true) => String::from(" ● "),
        (unread, _) if unread > 999 => String::from(" 999+ "),
        (unread, _) => format!(" {unread} "),
    };
    let room = width.saturating_sub(3 + text::width(&after) + text::width(&badge));
    let name = text::truncate(&entry.name.brief(), room).into_owned();
    let gap = room.saturating_sub(text::width(&name));
    let age = age(app, entry).filter(|age| text::width(age) < gap).unwrap_or_default();
    let gap = gap - text::width(&age);
    let name_style = if entry.is_unread() && !entry.muted {
        theme.unread
    } else {
        ratatui::style::Style::new()
    };
    Line::from(vec![
        Span::raw(" "),
        Span::styled(glyph, style),
        Span::raw(" "),
        Span::styled(name, name_style),
        Span::styled(after, theme.dim),
        Span::raw(" ".repeat(gap)),
        Span::styled(age, theme.dim),
        Span::styled(badge, theme.badge),
    ])
}

/// How long ago a friend was seen who is not online now. In minutes at least: the list is drawn anew with the clock.
fn age(app: &App, entry: &Entry) -> Option<String> {
    const MINUTE: u64 = 100_000;
    let contact = entry.contact.as_ref()?;
    let away = matches!(contact.presence, Presence::Offline | Presence::Unknown);
    let shown = away && contact.relationship == Relationship::Friend && !contact.untrusted && !contact.blocked;
    let seen = contact.last_seen.or(contact.presence_as_of).filter(|_| shown)?;
    let ago = app.now.saturating_sub(seen.millis());
    Some(format!("{} ", when::brief(ago.max(MINUTE))))
}

/// A glyph for presence, or for what is not agreed. Each is another one, so that no colour is needed.
fn mark(app: &App, entry: &Entry) -> (&'static str, ratatui::style::Style) {
    let theme = &app.theme;
    let Some(contact) = &entry.contact else {
        return ("·", theme.dim);
    };
    if contact.untrusted {
        return ("!", theme.error);
    }
    if contact.blocked {
        return ("⊘", theme.warning);
    }
    match contact.relationship {
        Relationship::Friend => match contact.presence {
            Presence::Online => ("●", theme.online),
            Presence::Away => ("◐", theme.away),
            Presence::Offline => ("○", theme.offline),
            Presence::Unknown => ("◌", theme.offline),
        },
        Relationship::Requested | Relationship::RequestDelivered => ("?", theme.dim),
        Relationship::Asking => ("?", theme.warning),
        Relationship::RequestDeclined | Relationship::Declined | Relationship::RemovedByPeer => ("✗", theme.dim),
        Relationship::Stranger => ("·", theme.dim),
    }
}
