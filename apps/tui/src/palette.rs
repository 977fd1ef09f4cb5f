//! The rows of the palette: conversations and commands, the best match first, or after a slash commands by the beginning of their name;
//! and slash commands.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::action::{Action, Scope};
use crate::app::App;
use crate::app::dialog::{Choice, Row};

/// Rows at most.
const ROWS: usize = 200;

/// What matches a text that was typed; everything if it is empty.
pub fn rows(app: &App, wanted: &str) -> Vec<Row> {
    let command = |action: Action| {
        let key = app.config.key_hint(action).unwrap_or_default();
        Row::new(
            format!(
                "{}  ({})",
                action.about(),
                action.names().collect::<Vec<_>>().join(", ")
            ),
            key,
            Choice::Act(action),
        )
    };
    if let Some(begun) = wanted.strip_prefix('/') {
        let name = begun.split_whitespace().next().unwrap_or_default();
        let names = completions(name);
        let named = |action: &&Action| is_command(**action) && action.names().any(|name| names.contains(&name));
        return Action::ALL
            .iter()
            .filter(named)
            .map(|action| command(*action))
            .collect();
    }
    let mut rows: Vec<Row> = app
        .conversations
        .shown()
        .map(|entry| {
            let unread = if entry.unread > 0 {
                format!("{} unread", entry.unread)
            } else {
                String::new()
            };
            Row::new(entry.name.text(), unread, Choice::Open(entry.id.clone()))
        })
        .collect();
    let commands = Action::ALL.iter().filter(|action| is_command(**action));
    rows.extend(commands.map(|action| command(*action)));
    best(rows, wanted)
}

/// The rows whose title matches, the best first.
pub fn best(rows: Vec<Row>, wanted: &str) -> Vec<Row> {
    if wanted.trim().is_empty() {
        return rows.into_iter().take(ROWS).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(wanted, CaseMatching::Smart, Normalization::Smart);
    let mut letters = Vec::new();
    let mut scored: Vec<(u32, Row)> = rows
        .into_iter()
        .filter_map(|row| {
            let score = pattern.score(Utf32Str::new(&row.title, &mut letters), &mut matcher)?;
            Some((score, row))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(ROWS).map(|(_, row)| row).collect()
}

/// Actions that make sense without a place on the screen.
pub const fn is_command(action: Action) -> bool {
    matches!(action.scope(), Scope::Global | Scope::Messages)
        && !matches!(
            action,
            Action::NextPane
                | Action::PreviousPane
                | Action::Back
                | Action::Older
                | Action::Newer
                | Action::ScrollUp
                | Action::ScrollDown
                | Action::HalfPageUp
                | Action::HalfPageDown
                | Action::Compose
        )
}

/// What a text that begins with `/` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slash {
    /// A command, and what follows its name.
    Command(Action, String),
    /// No command of that name; the nearest one, if there is one.
    Unknown(String, Option<&'static str>),
    /// No command: a text, in which `//` at the beginning stands for one `/`.
    Text(String),
}

/// Reads what was written.
pub fn slash(text: &str) -> Slash {
    let Some(rest) = text.strip_prefix('/') else {
        return Slash::Text(text.to_owned());
    };
    // A path, a quoted slash, or several lines are a text.
    if rest.starts_with('/') {
        return Slash::Text(rest.to_owned());
    }
    let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    if !plain {
        return Slash::Text(text.to_owned());
    }
    let command = Action::ALL
        .iter()
        .find(|action| is_command(**action) && action.names().any(|one| one == name));
    match command {
        Some(action) => Slash::Command(*action, argument.trim().to_owned()),
        None => Slash::Unknown(name.to_owned(), completions(name).first().copied()),
    }
}

/// What is said of a command that is not there.
pub fn unknown(name: &str, nearest: Option<&str>) -> String {
    let nearest = nearest.map_or_else(String::new, |nearest| format!(" Did you mean /{nearest}?"));
    format!("There is no command /{name}.{nearest}")
}

/// The names of commands that begin so, or else are like it.
pub fn completions(begun: &str) -> Vec<&'static str> {
    let names = || {
        Action::ALL
            .iter()
            .filter(|action| is_command(**action))
            .flat_map(|action| action.names())
    };
    let mut found: Vec<_> = names().filter(|name| name.starts_with(begun)).collect();
    if found.is_empty() {
        found = names()
            .filter(|name| strsim::jaro_winkler(name, begun) > 0.85)
            .collect();
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_begins_a_command_but_no_path() {
        assert_eq!(slash("/quit"), Slash::Command(Action::Quit, String::new()));
        assert_eq!(slash("/timer 5m "), Slash::Command(Action::Timer, String::from("5m")));
        assert_eq!(slash("//quit"), Slash::Text(String::from("/quit")));
        assert_eq!(slash("/usr/bin/env"), Slash::Text(String::from("/usr/bin/env")));
        assert_eq!(slash("/ hello"), Slash::Text(String::from("/ hello")));
        assert_eq!(slash("/serch x"), Slash::Unknown(String::from("serch"), Some("search")));
        assert_eq!(slash("plain"), Slash::Text(String::from("plain")));
        assert_eq!(completions("mu"), ["mute"]);
    }

    #[test]
    fn the_best_match_comes_first() {
        let row = |title: &str| Row::new(title, "", Choice::Nothing);
        let rows = best(vec![row("Mute or unmute"), row("Bob"), row("Bobby Tables")], "bob");
        let titles: Vec<_> = rows.iter().map(|row| row.title.as_str()).collect();
        assert_eq!(titles, ["Bob", "Bobby Tables"]);
    }
}
