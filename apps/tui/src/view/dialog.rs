//! Dialogs: a box in the middle with a text, fields, and a list.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use crate::action::Action;
use crate::app::App;
use crate::app::dialog::{Choice, Dialog, Kind, Row};
use crate::query::Query;
use crate::text;
use crate::theme::Theme;

/// Columns of a dialog at most.
const WIDEST: u16 = 76;

/// Lines of a row that is not chosen, at most.
const ROW: usize = 2;

/// What a dialog looks like in a terminal of this size.
struct Plan {
    outer: Rect,
    /// Lines above the list.
    top: Vec<Line<'static>>,
    /// The line and column of the cursor in them.
    cursor: Option<(usize, usize)>,
    /// The lines of the list, with the row that each belongs to.
    list: Vec<(usize, Line<'static>)>,
    /// Lines of the list that are above its upper edge.
    skipped: usize,
    /// Lines of the chosen row that it has too many for its room.
    overflow: usize,
    /// Lines below the list.
    bottom: Vec<Line<'static>>,
    /// Rows for the list.
    room: usize,
}

/// Draws the uppermost dialog. What is below it stays as it is.
pub fn draw_all(app: &App, frame: &mut Frame<'_>) {
    let Some(dialog) = app.dialogs.last() else { return };
    let plan = plan(app, dialog);
    let inner = inside(plan.outer);
    Clear.render(plan.outer, frame.buffer_mut());
    frame.buffer_mut().set_style(plan.outer, app.theme.dialog);
    let block = super::boxed(&dialog.title, app.theme.border_focused, app.theme.title);
    frame.render_widget(block, plan.outer);
    // Unless a field or a row has it.
    frame.set_cursor_position(inner.as_position());
    let mut y = inner.y;
    for line in &plan.top {
        if y >= inner.bottom() {
            break;
        }
        super::set(frame, line, Rect::new(inner.x, y, inner.width, 1));
        y += 1;
    }
    if let Some((row, column)) = plan.cursor {
        let row = u16::try_from(row).unwrap_or(0);
        let column = u16::try_from(column).unwrap_or(0).min(inner.width.saturating_sub(1));
        if inner.y + row < inner.bottom() {
            frame.set_cursor_position(Position::new(inner.x + column, inner.y + row));
        }
    }
    let on_list =
        dialog.focus >= dialog.fields.len() || dialog.kind.filters() || matches!(dialog.kind, Kind::React { .. });
    for (row, line) in plan.list.iter().skip(plan.skipped).take(plan.room) {
        if y >= inner.bottom() {
            break;
        }
        let area = Rect::new(inner.x, y, inner.width, 1);
        if *row == dialog.selected && on_list && !dialog.gone && !dialog.rows[*row].heading {
            frame.buffer_mut().set_style(area, app.theme.selected);
            if plan.cursor.is_none() {
                frame.set_cursor_position(Position::new(inner.x, y));
            }
        }
        super::set(frame, line, area);
        y += 1;
    }
    let height = u16::try_from(plan.bottom.len()).unwrap_or(0);
    let first = inner.bottom().saturating_sub(height).max(y);
    for (line, y) in plan.bottom.iter().zip(first..inner.bottom()) {
        super::set(frame, line, Rect::new(inner.x, y, inner.width, 1));
    }
}

/// How many lines of the uppermost dialog's chosen row do not fit on the screen with the others.
pub fn overflow(app: &App) -> usize {
    app.dialogs.last().map_or(0, |dialog| plan(app, dialog).overflow)
}

/// The row of the uppermost dialog's list at a place of the screen.
pub fn row_at(app: &App, at: (u16, u16)) -> Option<usize> {
    let dialog = app.dialogs.last()?;
    let plan = plan(app, dialog);
    let inner = inside(plan.outer);
    if !inner.contains(at.into()) {
        return None;
    }
    let line = usize::from(at.1 - inner.y).checked_sub(plan.top.len())?;
    let (row, _) = plan.list.get(plan.skipped + line).filter(|_| line < plan.room)?;
    Some(*row)
}

const fn inside(outer: Rect) -> Rect {
    Rect::new(
        outer.x + 2,
        outer.y + 1,
        outer.width.saturating_sub(4),
        outer.height.saturating_sub(2),
    )
}

fn plan(app: &App, dialog: &Dialog) -> Plan {
    let (columns, rows) = app.size;
    let outer_width = WIDEST.min(columns);
    let width = usize::from(outer_width.saturating_sub(4)).max(1);
    let most = usize::from(rows.saturating_sub(2)).max(1);
    let list = list_lines(app, dialog, width);
    let bottom = bottom_lines(app, dialog, width);
    let picture = picture(app, dialog, width, most.saturating_sub(list.len() + bottom.len() + 8));
    let (mut top, mut cursor) = top_lines(app, dialog, width, picture);
    // A text that is too long is scrolled, unless there is a list to scroll.
    let reserved = bottom.len() + list.len().min(3);
    let room_for_top = most.saturating_sub(reserved).max(1);
    // One empty line is enough.
    let blank = |line: Option<&Line<'static>>| line.is_some_and(|line| line.width() == 0);
    if list.is_empty() && blank(top.last()) && blank(bottom.first()) {
        top.pop();
    }
    if top.len() > room_for_top {
        let skipped = usize::from(dialog.scroll).min(top.len() - room_for_top);
        // A field that is written in stays on the screen.
        let skipped = cursor.map_or(skipped, |(row, _)| (row + 1).saturating_sub(room_for_top));
        top = top.into_iter().skip(skipped).take(room_for_top).collect();
        cursor = cursor.and_then(|(row, column)| Some((row.checked_sub(skipped)?, column)));
    }
    let room = most.saturating_sub(top.len() + bottom.len()).min(list.len());
    let chosen = list.iter().rposition(|(row, _)| *row == dialog.selected).unwrap_or(0);
    let first = list.iter().position(|(row, _)| *row == dialog.selected).unwrap_or(0);
    let overflow = (chosen + 1 - first.min(chosen)).saturating_sub(room);
    let skipped = (chosen + 1).saturating_sub(room).min(first) + dialog.row_scroll.min(overflow);
    let height = u16::try_from(top.len() + room + bottom.len() + 2)
        .unwrap_or(rows)
        .min(rows);
    let outer = Rect::new((columns - outer_width) / 2, (rows - height) / 2, outer_width, height);
    Plan {
        outer,
        top,
        cursor,
        list,
        skipped,
        overflow,
        bottom,
        room,
    }
}

/// The QR code, if there is room for it, in colours that cameras want.
fn picture(app: &App, dialog: &Dialog, width: usize, height: usize) -> Vec<Line<'static>> {
    let wide = dialog.picture.first().map_or(0, Line::width);
    if dialog.picture.is_empty() {
        return Vec::new();
    }
    if wide > width || dialog.picture.len() > height {
        return vec![Line::styled("(a larger window shows the QR code)", app.theme.dim)];
    }
    let ink = ratatui::style::Style::new()
        .fg(ratatui::style::Color::White)
        .bg(ratatui::style::Color::Black)
        .remove_modifier(Modifier::all());
    let left = (width - wide) / 2;
    let line = |line: &Line<'static>| {
        let mut spans = vec![Span::raw(" ".repeat(left))];
        spans.extend(line.spans.iter().map(|span| span.clone().patch_style(ink)));
        Line::from(spans)
    };
    dialog.picture.iter().map(line).collect()
}

fn top_lines(
    app: &App,
    dialog: &Dialog,
    width: usize,
    picture: Vec<Line<'static>>,
) -> (Vec<Line<'static>>, Option<(usize, usize)>) {
    let mut lines = Vec::new();
    let mut cursor = None;
    for line in &dialog.text {
        lines.extend(text::wrap(&line.spans, width));
    }
    if !lines.is_empty() {
        lines.push(Line::raw(""));
    }
    if !picture.is_empty() {
        lines.extend(picture);
        lines.push(Line::raw(""));
    }
    for (place, field) in dialog.fields.iter().enumerate() {
        let focused = place == dialog.focus && !dialog.busy;
        let label = if field.remark.is_empty() {
            format!("{}: ", field.label)
        } else {
            format!("{} ({}): ", field.label, field.remark)
        };
        let label_width = text::width(&label);
        let style = if focused { app.theme.accent } else { app.theme.dim };
        // A long label has a line of its own.
        let own_line = label_width + 20 > width;
        let left = if own_line { 0 } else { label_width };
        if own_line {
            lines.push(Line::styled(text::truncate(&label, width).into_owned(), style));
        }
        let room = width.saturating_sub(left).max(1);
        let layout = field.input.layout(room);
        let (rows, (_, column)) = layout.visible(1);
        let written = rows.first().map(|row| row.text.clone()).unwrap_or_default();
        if focused {
            cursor = Some((lines.len(), left + column));
        }
        let mut line = Line::from(Span::styled(
            written,
            app.theme
                .field
                .patch(ratatui::style::Style::new().add_modifier(Modifier::UNDERLINED)),
        ));
        if !own_line {
            line.spans.insert(0, Span::styled(label, style));
        }
        lines.push(line);
    }
    if !dialog.fields.is_empty() {
        lines.push(Line::raw(""));
    }
    (lines, cursor)
}

fn list_lines(app: &App, dialog: &Dialog, width: usize) -> Vec<(usize, Line<'static>)> {
    let mut lines = Vec::new();
    for (place, row) in dialog.rows.iter().enumerate() {
        let chosen = place == dialog.selected;
        for line in row_lines(app, dialog, row, chosen, width) {
            lines.push((place, line));
        }
    }
    lines
}

fn row_lines(app: &App, dialog: &Dialog, row: &Row, chosen: bool, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    if row.heading {
        return vec![Line::styled(row.title.clone(), theme.heading)];
    }
    let detail = text::width(&row.detail);
    if dialog.kind == Kind::Help {
        // Keys at the left, in a column.
        let keys = 24.min(width / 2);
        let title = text::truncate(&row.title, keys).into_owned();
        let gap = (keys + 1).saturating_sub(text::width(&title));
        let about = text::truncate(&row.detail, width.saturating_sub(keys + 1)).into_owned();
        return vec![Line::from(vec![
            Span::styled(title, theme.key),
            Span::raw(" ".repeat(gap)),
            Span::raw(about),
        ])];
    }
    let title = text::width(&row.title);
    let query = (dialog.kind == Kind::Search).then(|| Query::of(&dialog.value(0)));
    let mark = |line: &mut Line<'static>| {
        if let Some(query) = &query {
            super::highlight(line, query, theme.hit);
        }
    };
    if dialog.kind == Kind::Palette && detail + 8 < width {
        // One line each: many are looked at.
        let room = width - detail - usize::from(detail > 0) * 2;
        let title = text::truncate(&row.title, room).into_owned();
        let gap = (width - detail).saturating_sub(text::width(&title));
        return vec![Line::from(vec![
            Span::raw(title),
            Span::raw(" ".repeat(gap)),
            Span::styled(row.detail.clone(), theme.dim),
        ])];
    }
    if title + detail + 2 <= width && !row.title.contains('\n') {
        let gap = width - title - detail;
        let mut line = Line::raw(row.title.clone());
        mark(&mut line);
        line.push_span(Span::raw(" ".repeat(gap)));
        line.push_span(Span::styled(row.detail.clone(), theme.dim));
        return vec![line];
    }
    // What an approval shows is all that is sent; of other rows the beginning is enough until they are chosen.
    let whole = chosen || dialog.kind == Kind::Approvals;
    let mut lines = Vec::new();
    for paragraph in row.title.split('\n') {
        lines.extend(text::wrap(&[Span::raw(paragraph.to_owned())], width));
    }
    if !whole && lines.len() > ROW {
        lines.truncate(ROW);
        if let Some(last) = lines.last_mut() {
            last.push_span("…");
            *last = text::truncate_line(last, width);
        }
    }
    lines.iter_mut().for_each(mark);
    if detail > 0 {
        let indented = Span::styled(row.detail.clone(), theme.dim);
        for mut line in text::wrap(&[indented], width.saturating_sub(2).max(1)) {
            line.spans.insert(0, Span::raw("  "));
            lines.push(line);
        }
    }
    lines
}

fn bottom_lines(app: &App, dialog: &Dialog, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    if dialog.rows.is_empty()
        && let Some(empty) = empty(&dialog.kind)
    {
        lines.extend(text::wrap(&[Span::styled(empty, theme.dim)], width));
    }
    if let Some(error) = &dialog.error {
        lines.extend(text::wrap(&[Span::styled(error.clone(), theme.error)], width));
    }
    lines.push(Line::raw(""));
    lines.extend(hint_lines(&hints(app, dialog), theme, width));
    lines
}

/// The keys that do something in a dialog, and what they do.
fn hints(app: &App, dialog: &Dialog) -> Vec<(String, &'static str)> {
    if dialog.busy {
        return vec![(String::from("…"), "please wait")];
    }
    let mut hints = Vec::new();
    let (rows, fields) = (!dialog.rows.is_empty(), dialog.fields.len());
    let chooses = dialog.row().is_some_and(|row| row.choice != Choice::Nothing);
    let enter = verb(dialog);
    if fields > 0 && !dialog.kind.filters() || chooses {
        hints.push((String::from("enter"), enter));
    }
    if rows {
        let others = dialog.keys.iter().filter(|(_, about)| *about != enter);
        hints.extend(others.map(|(key, about)| (key.to_string(), *about)));
    }
    if fields + usize::from(rows) > 1 && !dialog.kind.filters() {
        hints.push((String::from("tab"), "next"));
    }
    if !dialog.kind.stays() {
        let key = app.config.key_hint(Action::Back);
        hints.push((key.unwrap_or_else(|| String::from("esc")), "close"));
    } else if app.dialogs.len() > 1 {
        hints.push((String::from("esc"), "back"));
    }
    hints
}

/// Hints in as many lines as they need; none is torn apart.
fn hint_lines(hints: &[(String, &'static str)], theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for (key, about) in hints {
        let needed = text::width(key) + 1 + text::width(about);
        let used = lines.last().map_or(0, Line::width);
        if used > 0 && used + 3 + needed > width {
            lines.push(Line::default());
        }
        let Some(line) = lines.last_mut() else { continue };
        if line.width() > 0 {
            line.push_span(Span::raw("   "));
        }
        line.push_span(Span::styled(key.clone(), theme.key));
        line.push_span(Span::styled(format!(" {about}"), theme.dim));
    }
    lines
}

/// What an empty list says.
const fn empty(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Search => Some("Type words or their beginnings; all of them must be in the message."),
        Kind::Palette | Kind::Help => Some("Nothing matches."),
        Kind::Requests => Some("No one asks at the moment. Share your friend code to be found."),
        Kind::Invites => Some("No invite waits to be used."),
        Kind::Outbox => Some("Everything has been delivered."),
        Kind::Approvals => Some("No agent asks for anything."),
        Kind::Threads(_) => Some("Reading…"),
        Kind::React { .. } => Some("Enter reacts with what you have typed."),
        _ => None,
    }
}

/// What Enter does.
const fn verb(dialog: &Dialog) -> &'static str {
    match dialog.kind {
        Kind::Welcome | Kind::NewPassphrase | Kind::NewKeyFile => "go on",
        Kind::OpenStore | Kind::Locked | Kind::Owner(_) => "unlock",
        Kind::AddFriend => "ask",
        Kind::Requests => "accept",
        Kind::Rename(_) | Kind::ClaimedName => "save",
        Kind::Find => "search",
        Kind::Palette | Kind::Search | Kind::Outbox => "open",
        Kind::Details { .. } | Kind::Invites => "copy",
        Kind::Approvals => "allow",
        _ => "choose",
    }
}
