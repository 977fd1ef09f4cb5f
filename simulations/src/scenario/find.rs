//! Finds a [`Scenario`] by its name, or reads it from a file.

use std::fs;
use std::path::Path;

use super::{FULL_SIZE, LIBRARY, Scale, Scenario, Steps};
use crate::script::{ParseError, Script};

impl Scenario {
    /// The scenario of the library with that name, or the one in the file with that path, if it ends in `.toml`.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
            return Self::named(name).ok_or_else(|| format!("no scenario: {name}{}", similar(name)));
        }
        let text = fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(name, &text).map_err(|wrong| wrong.to_string())
    }

    /// The scenario in this text of a file of that name. It is kept as long as the program runs.
    pub fn parse(name: &str, text: &str) -> Result<&'static Self, ParseError> {
        let (script, friends) = Script::parse(name, text)?;
        Ok(Box::leak(Box::new(Self {
            name: name.to_owned().leak(),
            people: script.people(),
            begins: script.begins(),
            friends: friends.leak(),
            scale: Scale::Small,
            steps: Steps::Script(Box::leak(Box::new(script))),
        })))
    }
}

/// Names of the library that share a word with an unknown name.
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
