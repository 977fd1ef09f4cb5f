//! A story by its name, or from its file.

use std::fs;
use std::path::Path;

use super::{FULL_SIZE, LIBRARY, Scale, Scenario, Story};
use crate::script::{Script, Unreadable};

impl Scenario {
    /// The story of the library with that name, or the one in the file with that path, if it ends in `.toml`.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
            return Self::named(name).ok_or_else(|| format!("no scenario: {name}{}", similar(name)));
        }
        let text = fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
        Self::written(name, &text).map_err(|wrong| wrong.to_string())
    }

    /// The story in this text, which is a file of that name. It is kept as long as the program runs, as runs are.
    pub fn written(name: &str, text: &str) -> Result<&'static Self, Unreadable> {
        let (script, friends) = Script::read(name, text)?;
        Ok(Box::leak(Box::new(Self {
            name: name.to_owned().leak(),
            people: script.people(),
            begins: script.begins(),
            friends: friends.leak(),
            scale: Scale::Small,
            story: Story::Written(Box::leak(Box::new(script))),
        })))
    }
}

/// What of the library shares a word with a name that is not there.
fn similar(name: &str) -> String {
    let shares = |other: &str| name.split('_').any(|word| word.len() > 2 && other.contains(word));
    let names: Vec<_> = LIBRARY
        .iter()
        .chain(FULL_SIZE)
        .map(|scenario| scenario.name)
        .filter(|known| shares(known))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; is it {}?", names.join(" or "))
    }
}
