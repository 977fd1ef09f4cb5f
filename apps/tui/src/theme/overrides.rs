//! The table `[tui.theme]` of `config.toml`: which theme, and other styles for single slots.

use std::fmt;

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use super::{SLOTS, Theme};
use crate::keys::nearest;

/// What of `[tui.theme]` cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeError {
    /// The entry.
    pub entry: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[tui.theme] {}: {}", self.entry, self.reason)
    }
}

impl std::error::Error for ThemeError {}

const ATTRIBUTES: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed_out", Modifier::CROSSED_OUT),
];

const COLOURS: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

impl Theme {
    /// The theme of a table: that of its `name`, or else `fallback`, with the table's slots. Each entry that cannot be taken is an
    /// error; the others are taken.
    pub fn from_table(table: &Table, fallback: Self) -> (Self, Vec<ThemeError>) {
        let mut errors = Vec::new();
        let mut theme = fallback;
        let mut check = |entry: &str, result: Result<(), String>| {
            errors.extend(result.err().map(|reason| ThemeError {
                entry: entry.to_owned(),
                reason,
            }));
        };
        if let Some(name) = table.get("name") {
            check("name", named(name).map(|named| theme = named));
        }
        for (entry, value) in table.iter().filter(|(entry, _)| *entry != "name") {
            let result = match theme.slot_mut(entry) {
                Some(slot) => change(slot, value),
                None => Err(format!(
                    "there is no such slot{}",
                    nearest(entry, SLOTS.iter().map(|slot| slot.name))
                )),
            };
            check(entry, result);
        }
        (theme, errors)
    }
}

fn named(name: &Value) -> Result<Theme, String> {
    let name = name.as_str().ok_or("the name of a theme is text")?;
    Theme::builtin(name)
        .ok_or_else(|| format!("no theme is called `{name}`{}", nearest(name, Theme::NAMES.into_iter())))
}

/// A text is the foreground; a table changes what it names.
fn change(slot: &mut Style, value: &Value) -> Result<(), String> {
    let mut changed = *slot;
    match value {
        Value::String(foreground) => changed.fg = Some(colour(foreground)?),
        Value::Table(parts) => {
            for (part, value) in parts {
                change_part(&mut changed, part, value)?;
            }
        }
        _ => return Err("a slot is a colour, or a table such as { fg = \"#e0def4\", bold = true }".to_owned()),
    }
    *slot = changed;
    Ok(())
}

fn change_part(style: &mut Style, part: &str, value: &Value) -> Result<(), String> {
    if part == "fg" || part == "bg" {
        let colour = colour(value.as_str().ok_or_else(|| format!("`{part}` is a colour"))?)?;
        *if part == "fg" { &mut style.fg } else { &mut style.bg } = Some(colour);
        return Ok(());
    }
    let Some((_, attribute)) = ATTRIBUTES.iter().find(|(name, _)| *name == part) else {
        let names = ["fg", "bg"].into_iter().chain(ATTRIBUTES.iter().map(|(name, _)| *name));
        return Err(format!("a style has no `{part}`{}", nearest(part, names)));
    };
    let on = value.as_bool().ok_or_else(|| format!("`{part}` is true or false"))?;
    style.add_modifier.set(*attribute, on);
    Ok(())
}

fn colour(text: &str) -> Result<Color, String> {
    if let Some(digits) = text.strip_prefix('#') {
        return hexadecimal(digits).ok_or_else(|| format!("`{text}` is no colour; one is written as #e0def4"));
    }
    if let Ok(index) = text.parse() {
        return Ok(Color::Indexed(index));
    }
    let name = text
        .to_ascii_lowercase()
        .replace(['_', ' '], "-")
        .replace("grey", "gray");
    let named = COLOURS
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, colour)| *colour);
    named.ok_or_else(|| {
        format!(
            "no colour is called `{text}`{}",
            nearest(&name, COLOURS.iter().map(|(name, _)| *name))
        )
    })
}

fn hexadecimal(digits: &str) -> Option<Color> {
    let long = match digits.len() {
        6 => digits.to_owned(),
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => return None,
    };
    if !long.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(&long, 16).ok()?.to_be_bytes();
    Some(Color::Rgb(red, green, blue))
}

/// The names of colours and attributes, for the documentation.
#[cfg(test)]
pub(super) fn words() -> (String, String) {
    let list = |names: Vec<&str>| {
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    (
        list(COLOURS.iter().map(|(name, _)| *name).collect()),
        list(ATTRIBUTES.iter().map(|(name, _)| *name).collect()),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(text: &str) -> (Theme, Vec<String>) {
        let (theme, errors) = Theme::from_table(&text.parse().unwrap(), Theme::default());
        (theme, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_table_chooses_a_theme_and_changes_slots() {
        let (theme, errors) =
            load("name = 'rose-pine'\ndim = '#abc'\nlink = { bg = 'light_blue', bold = true, underlined = false }");
        assert_eq!(errors, Vec::<String>::new());
        let mut expected = Theme::builtin("rose-pine").unwrap();
        expected.dim.fg = Some(Color::Rgb(0xaa, 0xbb, 0xcc));
        expected.link = expected.link.bg(Color::LightBlue);
        expected.link.add_modifier = Modifier::BOLD;
        assert_eq!(theme, expected);
    }

    #[test]
    fn what_cannot_be_taken_names_the_nearest_and_the_others_are_taken() {
        let table = [
            (
                "sidbar = 'red'",
                "[tui.theme] sidbar: there is no such slot; did you mean `sidebar`?",
            ),
            (
                "name = 'rose-pin'",
                "[tui.theme] name: no theme is called `rose-pin`; did you mean `rose-pine`?",
            ),
            (
                "text = 'bleu'",
                "[tui.theme] text: no colour is called `bleu`; did you mean `blue`?",
            ),
            (
                "text = '#12345'",
                "[tui.theme] text: `#12345` is no colour; one is written as #e0def4",
            ),
            (
                "text = { bolt = true }",
                "[tui.theme] text: a style has no `bolt`; did you mean `bold`?",
            ),
            ("text = { bold = 1 }", "[tui.theme] text: `bold` is true or false"),
            (
                "text = 5",
                "[tui.theme] text: a slot is a colour, or a table such as { fg = \"#e0def4\", bold = true }",
            ),
        ];
        for (text, expected) in table {
            let (theme, errors) = load(&format!("{text}\ndim = 'red'"));
            assert_eq!(errors, [expected]);
            assert_eq!(theme.dim.fg, Some(Color::Red));
            assert_eq!(theme.text, Theme::default().text);
        }
    }

    proptest! {
        #[test]
        fn any_table_is_taken_or_refused(entries in proptest::collection::vec(("text|dim|[a-z_]{1,8}|\\PC{0,4}", "#?[0-9a-f]{0,7}|\\PC{0,6}"), 0..6)) {
            let table: Table = entries.into_iter().map(|(slot, colour)| (slot, Value::String(colour))).collect();
            Theme::from_table(&table, Theme::default());
        }
    }
}
