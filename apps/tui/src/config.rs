//! [`Config`]: the table `[tui]` of `config.toml`, and what the user has chosen in the interface since, which comes first.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::action::Action;
use crate::keys::{Builtin, Keymap};
use crate::text::bidi::Reorder;
use crate::theme::Theme;

/// How the interface behaves.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Config {
    /// The theme; by the terminal's background if nothing is said.
    pub theme: Option<String>,
    /// Changed slots of the theme.
    pub slots: Table,
    /// The name of the key map.
    pub keys: String,
    /// The keys.
    pub keymap: Keymap,
    overrides: Table,
    /// Clicks and the wheel.
    pub mouse: bool,
    /// Texts are sent as markdown.
    pub markdown: bool,
    /// A bell when a message arrives.
    pub bell: bool,
    /// Notifications by the terminal.
    pub notify: bool,
    /// What puts right-to-left text into the order in which it is drawn.
    pub reorder: Reorder,
    /// Minutes without a key after which the interface is locked.
    pub lock_after: Option<u32>,
    /// The editor, in place of `$VISUAL` and `$EDITOR`.
    pub editor: Option<String>,
    /// There are no keys, only lines: hints name commands.
    pub keyless: bool,
    /// Where a new key file is offered to be made.
    pub key_file: String,
    /// The daemon of this process ends with the interface.
    pub ends_together: bool,
}

/// What the user has chosen in the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// The theme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// The name of the key map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// Clicks and the wheel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mouse: Option<bool>,
    /// Texts are sent as markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<bool>,
    /// A bell when a message arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bell: Option<bool>,
    /// Notifications by the terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// The list has the latest conversations first, unread or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_first: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: None,
            slots: Table::new(),
            keys: Builtin::Plain.name().to_owned(),
            keymap: Keymap::builtin(Builtin::Plain),
            overrides: Table::new(),
            mouse: true,
            markdown: true,
            bell: true,
            notify: false,
            reorder: Reorder::Terminal,
            lock_after: None,
            editor: None,
            keyless: false,
            key_file: String::new(),
            ends_together: false,
        }
    }
}

/// The keys of the table, with what each is; for `config.toml` and for the nearest one in an error.
pub const KEYS: &[(&str, &str)] = &[
    (
        "theme",
        "the name of the theme, or a table with its name and slots that are changed; by the terminal's background if nothing is said",
    ),
    ("keymap", "plain, vim or emacs"),
    (
        "keys",
        "a table for each of global, list, messages and composer: keys, changed",
    ),
    ("mouse", "clicks and the wheel"),
    ("markdown", "send texts as markdown"),
    ("bell", "ring when a message arrives"),
    (
        "notify",
        "have the terminal notify of messages (OSC 9, 99 or 777), as over ssh",
    ),
    (
        "bidi",
        "what reorders right-to-left text: the \"terminal\", or Sotto (\"here\")",
    ),
    (
        "lock_after",
        "minutes without a key, after which the interface is locked",
    ),
    ("editor", "the editor for long texts, in place of $VISUAL and $EDITOR"),
];

impl Config {
    /// Reads the table `[tui]`. What cannot be taken is an error; the rest is taken.
    pub fn read(table: &Table) -> (Self, Vec<String>) {
        let mut config = Self::default();
        let mut errors = Vec::new();
        for (key, value) in table {
            let taken = config.set(key, value);
            errors.extend(taken.err().map(|why| format!("[tui] {key}: {why}")));
        }
        errors.extend(config.map_keys());
        if let Some(name) = &config.theme
            && Theme::builtin(name).is_none()
        {
            let nearest = nearest(name, Theme::NAMES.into_iter());
            errors.push(format!("[tui] theme: there is no theme {name:?}{nearest}"));
            config.theme = None;
        }
        (config, errors)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let text = || value.as_str().map(str::to_owned).ok_or("must be a text in quotes");
        let flag = || value.as_bool().ok_or("must be true or false");
        let table = || value.as_table().cloned().ok_or("must be a table");
        match key {
            "theme" => match value {
                Value::Table(slots) => {
                    self.theme = slots.get("name").and_then(Value::as_str).map(str::to_owned);
                    self.slots.clone_from(slots);
                    self.slots.remove("name");
                }
                _ => self.theme = Some(text()?),
            },
            "keymap" => self.keys = text()?,
            "keys" => self.overrides = table()?,
            "mouse" => self.mouse = flag()?,
            "markdown" => self.markdown = flag()?,
            "bell" => self.bell = flag()?,
            "notify" => self.notify = flag()?,
            "bidi" => {
                self.reorder = match value.as_str() {
                    Some("here") => Reorder::Here,
                    Some("terminal") => Reorder::Terminal,
                    _ => return Err(String::from("must be \"terminal\" or \"here\"")),
                }
            }
            "lock_after" => {
                let minutes = value.as_integer().and_then(|minutes| u32::try_from(minutes).ok());
                self.lock_after = Some(
                    minutes
                        .filter(|minutes| *minutes > 0)
                        .ok_or("must be minutes, 1 or more")?,
                );
            }
            "editor" => self.editor = Some(text()?),
            _ => {
                return Err(format!(
                    "there is no such key{}",
                    nearest(key, KEYS.iter().map(|(name, _)| *name))
                ));
            }
        }
        Ok(())
    }

    /// Makes the map of the name that is set; what is wrong with it otherwise.
    fn map_keys(&mut self) -> Vec<String> {
        let builtin = Builtin::ALL.into_iter().find(|builtin| builtin.name() == self.keys);
        let mut errors = Vec::new();
        let builtin = builtin.unwrap_or_else(|| {
            let nearest = nearest(&self.keys, Builtin::ALL.into_iter().map(Builtin::name));
            errors.push(format!("[tui] keymap: there is no map {:?}{nearest}", self.keys));
            Builtin::Plain
        });
        builtin.name().clone_into(&mut self.keys);
        let (keymap, wrong) = Keymap::with_overrides(builtin, &self.overrides);
        self.keymap = keymap;
        errors.extend(wrong);
        errors
    }

    /// Takes what the user has chosen before, as the store has it.
    pub fn choose(&mut self, stored: &str) -> Choices {
        // What another version has stored and this one cannot read is as if nothing had been chosen.
        let choices: Choices = serde_json::from_str(stored).unwrap_or_default();
        self.take(&choices);
        choices
    }

    /// Takes choices.
    pub fn take(&mut self, choices: &Choices) {
        if let Some(theme) = &choices.theme {
            self.theme = Some(theme.clone());
        }
        if let Some(keys) = &choices.keys {
            self.keys.clone_from(keys);
            self.map_keys();
        }
        self.mouse = choices.mouse.unwrap_or(self.mouse);
        self.markdown = choices.markdown.unwrap_or(self.markdown);
        self.bell = choices.bell.unwrap_or(self.bell);
        self.notify = choices.notify.unwrap_or(self.notify);
    }

    /// The first key of an action, for hints.
    pub fn key_hint(&self, action: Action) -> Option<String> {
        self.keymap.key_of(action).filter(|_| !self.keyless)
    }
}

fn nearest<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> String {
    let near = among.max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    near.filter(|near| strsim::jaro_winkler(name, near) > 0.7)
        .map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Config, Vec<String>) {
        Config::read(&text.parse::<Table>().expect("TOML"))
    }

    #[test]
    fn every_key_is_taken_and_others_name_the_nearest() {
        let (config, errors) = read(
            "theme = \"rose-pine\"\nkeymap = \"vim\"\nmouse = false\nmarkdown = false\nbell = false\nlock_after = 5\neditor = \"vi\"\n",
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(
            (config.theme.as_deref(), config.keys.as_str()),
            (Some("rose-pine"), "vim")
        );
        assert_eq!(
            (config.mouse, config.markdown, config.bell, config.lock_after),
            (false, false, false, Some(5))
        );
        let (_, errors) = read("them = \"dark\"");
        assert_eq!(errors, ["[tui] them: there is no such key; did you mean theme?"]);
        let (config, errors) = read("theme = \"drak\"\nlock_after = 0\nkeymap = \"vi\"");
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert_eq!((config.theme, config.keys.as_str()), (None, "plain"));
    }

    #[test]
    fn what_the_user_has_chosen_comes_first_and_survives_another_version() {
        let (mut config, _) = read("theme = \"light\"\nmouse = false");
        config.choose(r#"{"theme":"dark","keys":"emacs","later":1}"#);
        assert_eq!(
            (config.theme.as_deref(), config.keys.as_str(), config.mouse),
            (Some("dark"), "emacs", false)
        );
        config.choose("not JSON");
        assert_eq!(config.theme.as_deref(), Some("dark"));
    }
}
