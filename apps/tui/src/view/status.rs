//! The last line: how the network is, what was just said, what waits for the user, and the key for help.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use sotto_api::{Phase, Reachability};

use crate::action::Action;
use crate::app::{App, Connection};
use crate::text;

/// Draws the line.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    frame.buffer_mut().set_style(area, theme.status_bar);
    let width = usize::from(area.width);
    let (network, style) = network(app);
    let mut left = vec![Span::raw(" "), Span::styled(network, style)];
    if let Some(notice) = &app.notice {
        let style = if notice.error { theme.error } else { Style::new() };
        left = vec![Span::raw(" "), Span::styled(notice.text.clone(), style)];
    }
    let right = fitting(
        waiting(app),
        width.saturating_sub(text::line_width(&Line::from(left.clone())) + 2),
    );
    let room = width.saturating_sub(text::width(&right) + 1);
    let left = text::truncate_line(&Line::from(left), room);
    let gap = width.saturating_sub(text::line_width(&left) + text::width(&right));
    let mut spans = left.spans;
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::raw(right));
    super::set(frame, &text::truncate_line(&Line::from(spans), width), area);
}

/// As much of what waits as there is room for, beside what the line says first; the most important is kept longest.
fn fitting(mut parts: Vec<(u8, String)>, room: usize) -> String {
    loop {
        let line: String = parts.iter().map(|(_, part)| format!("{part}  ")).collect();
        let line = line.trim_end().to_owned() + " ";
        let least = parts.iter().enumerate().min_by_key(|(_, (weight, _))| *weight);
        let Some((place, _)) = least.filter(|_| text::width(&line) > room) else {
            return line;
        };
        parts.remove(place);
    }
}

/// What waits for the user, and the key for help, each with its weight.
fn waiting(app: &App) -> Vec<(u8, String)> {
    let mut parts = Vec::new();
    let key = |action: Action| {
        let key = app.config.key_hint(action);
        key.unwrap_or_else(|| format!("/{}", action.name()))
    };
    let count = |count: usize, one: &str, several: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {several}"),
    };
    if !app.approvals.is_empty() {
        let asked = count(app.approvals.len(), "approval", "approvals");
        parts.push((5, format!("{asked}: {}", key(Action::Approvals))));
    }
    if app.asking() > 0 {
        let asked = count(app.asking(), "request", "requests");
        parts.push((4, format!("{asked}: {}", key(Action::Requests))));
    }
    if app.kept_shown() > 0 {
        parts.push((3, format!("{} kept", app.kept_shown())));
    }
    if let Some(status) = app.status.as_ref().filter(|status| status.queued > 0) {
        parts.push((1, format!("{} queued", status.queued)));
    }
    if !app.pending.is_empty() {
        let keys: Vec<String> = app.pending.iter().map(ToString::to_string).collect();
        parts.push((6, format!("{}…", keys.join(" "))));
    }
    parts.push((2, format!("{} keys", key(Action::Help))));
    parts
}

/// How the network is, in a few words.
pub fn network(app: &App) -> (String, Style) {
    let theme = &app.theme;
    if let Connection::Down { why, .. } = &app.connection {
        return (format!("! no daemon: {why}; trying again"), theme.error);
    }
    let Some(status) = &app.status else {
        return (String::from("Connecting to the daemon…"), Style::new());
    };
    let network = &status.network;
    let tor = if network.kind == "tor" { "Tor" } else { "Network" };
    if let Some(problem) = &network.problem {
        return (format!("! {problem}"), theme.warning);
    }
    match (network.phase, network.reachability) {
        (Phase::Offline, _) => (String::from("○ this computer is offline"), theme.warning),
        (Phase::Starting, _) => (format!("◌ {tor} is starting"), Style::new()),
        (Phase::Bootstrapping, _) => {
            let doing = network.doing.as_deref().unwrap_or("connecting");
            (format!("◌ {tor} {} %: {doing}", network.percent), Style::new())
        }
        (Phase::Stopping, _) => (format!("◌ {tor} is stopping"), Style::new()),
        (Phase::Publishing, _) => (format!("◌ {tor}: publishing your address"), Style::new()),
        (Phase::Ready, Reachability::Reachable) => (String::from("● reachable"), Style::new()),
        (Phase::Ready, Reachability::Degraded | Reachability::Unreachable) => (
            String::from("! contacts cannot reach you; it is tried again"),
            theme.warning,
        ),
        (Phase::Ready, Reachability::Unknown) => (
            format!("● {tor} is up; whether you are reachable is being proven"),
            Style::new(),
        ),
    }
}
