//! [`Keymap`]: which keys do what, in each [`Scope`]. Three maps are built in; `[tui.keys.SCOPE]` tables of `config.toml` change
//! single keys.

mod chord;
mod maps;

use std::fmt;

use crossterm::event::KeyEvent;

use crate::action::{Action, Scope};

pub use chord::Chord;
pub use maps::Builtin;
#[cfg(test)]
pub use maps::PALETTE_ONLY;

/// The most chords of a sequence.
const LONGEST: usize = 3;

/// Keys pressed one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sequence(Vec<Chord>);

impl Sequence {
    fn parse(text: &str) -> Result<Self, String> {
        let chords = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<Chord>, _>>()?;
        match chords.len() {
            0 => Err("a key is missing".to_owned()),
            1..=LONGEST => Ok(Self(chords)),
            _ => Err(format!("`{text}` has more than {LONGEST} keys")),
        }
    }

    fn starts_with(&self, chords: &[Chord]) -> bool {
        self.0.starts_with(chords)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, chord) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{chord}")?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Binding {
    scope: Scope,
    sequence: Sequence,
    action: Action,
}

/// What a key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It does this.
    Action(Action),
    /// It begins a sequence.
    Pending,
    /// It is text for the composer.
    Text(String),
    /// It means nothing here.
    Unbound,
}

/// The keys of an interface.
#[derive(Clone, Debug)]
pub struct Keymap {
    builtin: Builtin,
    bindings: Vec<Binding>,
}

impl Keymap {
    /// A map as it is built in.
    pub fn builtin(builtin: Builtin) -> Self {
        let mut keymap = Self {
            builtin,
            bindings: Vec::new(),
        };
        for (scope, action, keys) in maps::bindings(builtin) {
            for key in keys.split(", ") {
                let sequence = Sequence::parse(key).expect("a key of a built-in map can be read");
                keymap.bindings.push(Binding {
                    scope,
                    sequence,
                    action,
                });
            }
        }
        keymap
    }

    /// A built-in map with the changes of `[tui.keys]`: a table of a scope has keys, each with the name of an action, or with
    /// `""` for none. Each entry that cannot be taken is an error; the others are taken.
    pub fn with_overrides(builtin: Builtin, keys: &toml::Table) -> (Self, Vec<String>) {
        let mut keymap = Self::builtin(builtin);
        let mut errors = Vec::new();
        for (name, entries) in keys {
            let place = format!("[tui.keys.{name}]");
            let Some(scope) = Scope::ALL.into_iter().find(|scope| scope.name() == name) else {
                let near = nearest(name, Scope::ALL.into_iter().map(Scope::name));
                errors.push(format!("{place}: no scope is called `{name}`{near}"));
                continue;
            };
            let Some(entries) = entries.as_table() else {
                errors.push(format!("{place} is not a table"));
                continue;
            };
            for (key, action) in entries {
                let result = match action.as_str() {
                    Some(action) => keymap.change(scope, key, action),
                    None => Err(format!("the action of `{key}` is not text")),
                };
                errors.extend(result.err().map(|error| format!("{place}: {error}")));
            }
        }
        (keymap, errors)
    }

    /// Whether the focus is the mode: Back goes from the composer to the messages.
    pub const fn is_modal(&self) -> bool {
        matches!(self.builtin, Builtin::Vim)
    }

    /// What a key means after those that are pending.
    pub fn resolve(&self, scope: Scope, pending: &mut Vec<Chord>, event: KeyEvent) -> Resolution {
        let Some(chord) = Chord::of(event) else {
            return Resolution::Unbound;
        };
        let first = pending.is_empty();
        pending.push(chord);
        let here = || {
            self.bindings
                .iter()
                .filter(|binding| binding.scope == scope || binding.scope == Scope::Global)
        };
        if let Some(binding) = here().find(|binding| binding.sequence.0 == *pending) {
            pending.clear();
            return Resolution::Action(binding.action);
        }
        if here().any(|binding| binding.sequence.starts_with(pending)) {
            return Resolution::Pending;
        }
        pending.clear();
        match chord.text().filter(|_| first && scope == Scope::Composer) {
            Some(c) => Resolution::Text(c.into()),
            None => Resolution::Unbound,
        }
    }

    /// The keys of each scope, with what they do, for help.
    pub fn help(&self) -> Vec<(Scope, Vec<(String, &'static str)>)> {
        let scopes = Scope::ALL.into_iter().map(|scope| {
            let actions = Action::ALL.iter().filter_map(|action| {
                let keys = self.keys(scope, *action);
                (!keys.is_empty()).then(|| (keys.join(", "), action.about()))
            });
            (scope, actions.collect::<Vec<_>>())
        });
        scopes.filter(|(_, actions)| !actions.is_empty()).collect()
    }

    /// The first key of an action, for a hint: of its own scope, or else of another one.
    pub fn key_of(&self, action: Action) -> Option<String> {
        let of = |scope| self.keys(scope, action).into_iter().next();
        of(action.scope()).or_else(|| Scope::ALL.into_iter().find_map(of))
    }

    fn keys(&self, scope: Scope, action: Action) -> Vec<String> {
        let here = self
            .bindings
            .iter()
            .filter(|binding| binding.scope == scope && binding.action == action);
        here.map(|binding| binding.sequence.to_string()).collect()
    }

    /// What the key of an override meant before is gone: also sequences that it begins, or that begin with it.
    fn change(&mut self, scope: Scope, key: &str, action: &str) -> Result<(), String> {
        let sequence = Sequence::parse(key)?;
        let action = match action {
            "" => None,
            name => Some(find(name)?),
        };
        if let Some(action) = action {
            applies(scope, action)?;
            if scope != Scope::List && scope != Scope::Messages && sequence.0[0].text().is_some() {
                return Err(format!(
                    "`{key}` is text in the composer; only a sequence that begins with Ctrl, Alt or a function key can be bound"
                ));
            }
        }
        let meets = |other: &Sequence| other.starts_with(&sequence.0) || sequence.starts_with(&other.0);
        self.bindings
            .retain(|binding| !(Self::meet(binding.scope, scope) && meets(&binding.sequence)));
        self.bindings.extend(action.map(|action| Binding {
            scope,
            sequence,
            action,
        }));
        Ok(())
    }

    /// Whether keys of the two scopes can be pressed at one place.
    fn meet(one: Scope, two: Scope) -> bool {
        one == two || one == Scope::Global || two == Scope::Global
    }
}

fn find(name: &str) -> Result<Action, String> {
    let all = Action::ALL.iter().copied();
    all.clone()
        .find(|action| action.name() == name)
        .ok_or_else(|| format!("no action is called `{name}`{}", nearest(name, all.map(Action::name))))
}

/// An action applies in its own scope, a global one in each; from the composer also the messages above it can be moved.
fn applies(scope: Scope, action: Action) -> Result<(), String> {
    let own = action.scope();
    if own == scope || own == Scope::Global || (own == Scope::Messages && scope == Scope::Composer) {
        return Ok(());
    }
    Err(format!("`{}` is an action of [tui.keys.{}]", action.name(), own.name()))
}

/// `; did you mean …?`, if a name is near.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    let near = names
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .min();
    match near.filter(|(distance, other)| *distance <= 1 + other.len().min(name.len()) / 3) {
        Some((_, other)) => format!("; did you mean `{other}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use proptest::prelude::*;

    use super::*;

    fn press(keymap: &Keymap, scope: Scope, keys: &[(KeyCode, KeyModifiers)]) -> Vec<Resolution> {
        let mut pending = Vec::new();
        keys.iter()
            .map(|(code, modifiers)| keymap.resolve(scope, &mut pending, KeyEvent::new(*code, *modifiers)))
            .collect()
    }

    fn table(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;

    #[test]
    fn no_sequence_is_the_beginning_of_another_one() {
        for builtin in Builtin::ALL {
            let keymap = Keymap::builtin(builtin);
            for (index, one) in keymap.bindings.iter().enumerate() {
                for two in &keymap.bindings[index + 1..] {
                    let meet = Keymap::meet(one.scope, two.scope);
                    let clash = one.sequence.starts_with(&two.sequence.0) || two.sequence.starts_with(&one.sequence.0);
                    assert!(
                        !(meet && clash),
                        "{builtin}: {} of {one:?} and {} of {two:?}",
                        one.sequence,
                        two.sequence
                    );
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_or_is_of_the_palette() {
        for builtin in Builtin::ALL {
            let keymap = Keymap::builtin(builtin);
            for action in Action::ALL {
                let palette = PALETTE_ONLY.contains(action);
                let bound = keymap.key_of(*action).is_some();
                assert!(
                    bound != palette,
                    "{builtin}: {}: a key: {bound}, of the palette: {palette}",
                    action.name()
                );
                assert!(!palette || action.scope() == Scope::Global, "{}", action.name());
            }
        }
    }

    #[test]
    fn keys_are_where_their_action_applies() {
        for builtin in Builtin::ALL {
            for binding in Keymap::builtin(builtin).bindings {
                applies(binding.scope, binding.action).unwrap();
            }
        }
    }

    #[test]
    fn only_a_bare_enter_sends_and_a_new_line_has_its_keys_in_every_map() {
        for builtin in Builtin::ALL {
            let keymap = Keymap::builtin(builtin);
            assert_eq!(keymap.keys(Scope::Composer, Action::Submit), ["enter"]);
            assert!(
                keymap
                    .bindings
                    .iter()
                    .all(|binding| binding.action != Action::Submit || binding.scope == Scope::Composer)
            );
            for (code, modifiers) in [
                (KeyCode::Enter, KeyModifiers::ALT),
                (KeyCode::Char('j'), CTRL),
                (KeyCode::Enter, KeyModifiers::SHIFT),
            ] {
                let resolution = press(&keymap, Scope::Composer, &[(code, modifiers)]);
                assert_eq!(resolution, [Resolution::Action(Action::NewLine)], "{builtin}");
            }
        }
    }

    #[test]
    fn every_character_can_be_written() {
        for builtin in Builtin::ALL {
            let keymap = Keymap::builtin(builtin);
            for c in (' '..='~').chain(['ß', '€', '語', '😀']) {
                let resolution = press(&keymap, Scope::Composer, &[(KeyCode::Char(c), NONE)]);
                assert_eq!(resolution, [Resolution::Text(c.into())], "{builtin}");
            }
        }
    }

    /// Terminals without the kitty protocol send the same for these pairs: Tab, Enter, Esc. `ctrl-s` and `ctrl-q` may stop the
    /// terminal, `ctrl-b` is the prefix of tmux.
    #[test]
    fn the_plain_map_leaves_the_keys_of_terminals_alone() {
        for builtin in Builtin::ALL {
            for binding in Keymap::builtin(builtin).bindings {
                for chord in binding.sequence.0 {
                    let chord = chord.to_string();
                    assert!(!["ctrl-i", "ctrl-m", "ctrl-["].contains(&&*chord), "{builtin}: {chord}");
                    let taken = ["ctrl-s", "ctrl-q", "ctrl-b"].contains(&&*chord);
                    assert!(builtin != Builtin::Plain || !taken, "{chord}");
                }
            }
        }
    }

    #[test]
    fn a_sequence_waits_for_its_rest() {
        let vim = Keymap::builtin(Builtin::Vim);
        let (g, x) = ((KeyCode::Char('g'), NONE), (KeyCode::Char('%'), NONE));
        let oldest = [Resolution::Pending, Resolution::Action(Action::Oldest)];
        assert_eq!(press(&vim, Scope::Messages, &[g, g]), oldest);
        assert_eq!(
            press(&vim, Scope::Messages, &[g, x, g]),
            [Resolution::Pending, Resolution::Unbound, Resolution::Pending]
        );
        let emacs = Keymap::builtin(Builtin::Emacs);
        let quit = [(KeyCode::Char('x'), CTRL), (KeyCode::Char('c'), CTRL)];
        assert_eq!(
            press(&emacs, Scope::Composer, &quit),
            [Resolution::Pending, Resolution::Action(Action::Quit)]
        );
        // A letter after a prefix is no text.
        let stray = [(KeyCode::Char('x'), CTRL), (KeyCode::Char('%'), NONE)];
        assert_eq!(
            press(&emacs, Scope::Composer, &stray),
            [Resolution::Pending, Resolution::Unbound]
        );
    }

    #[test]
    fn overrides_bind_and_unbind() {
        let keys = table("[global]\n'ctrl-k' = 'palette'\n'ctrl-p' = ''\n[messages]\n'r r' = 'reply'");
        let (keymap, errors) = Keymap::with_overrides(Builtin::Plain, &keys);
        assert_eq!(errors, Vec::<String>::new());
        let ctrl = |c| [(KeyCode::Char(c), CTRL)];
        // `ctrl-k` was a key of the composer.
        assert_eq!(
            press(&keymap, Scope::Composer, &ctrl('k')),
            [Resolution::Action(Action::Palette)]
        );
        assert_eq!(press(&keymap, Scope::Composer, &ctrl('p')), [Resolution::Unbound]);
        let reply = press(&keymap, Scope::Messages, &[(KeyCode::Char('r'), NONE); 2]);
        assert_eq!(reply, [Resolution::Pending, Resolution::Action(Action::Reply)]);
        assert_eq!(keymap.key_of(Action::Reply).as_deref(), Some("r r"));
    }

    #[test]
    fn overrides_that_cannot_be_taken_say_why_and_the_others_are_taken() {
        let keys = table(
            "[composr]\n[global]\n'ctrl-k' = 'palete'\n'crtl-k' = 'palette'\n'f3' = 3\n'x' = 'quit'\n'f4' = 'reply'\n'f5' = 'lock'\n'a b c d' = 'lock'",
        );
        let (keymap, errors) = Keymap::with_overrides(Builtin::Plain, &keys);
        let expected = [
            "[tui.keys.composr]: no scope is called `composr`; did you mean `composer`?",
            "[tui.keys.global]: no action is called `palete`; did you mean `palette`?",
            "[tui.keys.global]: `crtl-k`: no modifier is called `crtl`; did you mean `ctrl`?",
            "[tui.keys.global]: the action of `f3` is not text",
            "[tui.keys.global]: `x` is text in the composer; only a sequence that begins with Ctrl, Alt or a function key can be bound",
            "[tui.keys.global]: `f4` is an action of [tui.keys.messages]",
            "[tui.keys.global]: `a b c d` has more than 3 keys",
        ];
        let expected = expected.map(|error| error.replace("`f4` is", "`reply` is"));
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for error in expected {
            assert!(errors.contains(&error), "{error} is not among {errors:#?}");
        }
        assert!(keymap.keys(Scope::Global, Action::Lock).contains(&"f5".to_owned()));
    }

    #[test]
    fn help_has_every_key() {
        for builtin in Builtin::ALL {
            let keymap = Keymap::builtin(builtin);
            let shown: usize = keymap
                .help()
                .iter()
                .flat_map(|(_, keys)| keys)
                .map(|(keys, _)| keys.split(", ").count())
                .sum();
            assert_eq!(shown, keymap.bindings.len(), "{builtin}");
        }
    }

    proptest! {
        #[test]
        fn any_keys_and_any_overrides_are_safe(
            overrides in proptest::collection::vec(("\\PC{0,8}|ctrl-[a-z]|[a-z] [a-z]", prop_oneof!["\\PC{0,8}".boxed(), Just("reply".to_owned()).boxed(), Just(String::new()).boxed()]), 0..6),
            keys in proptest::collection::vec((any::<char>(), 0u8..64), 0..12),
        ) {
            let entries: toml::Table = overrides.into_iter().map(|(key, action)| (key, action.into())).collect();
            let keys_of = |scope: Scope| (scope.name().to_owned(), toml::Value::Table(entries.clone()));
            for builtin in Builtin::ALL {
                let (keymap, _) = Keymap::with_overrides(builtin, &Scope::ALL.into_iter().map(keys_of).collect());
                let mut pending = Vec::new();
                for (c, bits) in &keys {
                    let event = KeyEvent::new(KeyCode::Char(*c), KeyModifiers::from_bits_truncate(*bits));
                    for scope in Scope::ALL {
                        keymap.resolve(scope, &mut pending, event);
                        prop_assert!(pending.len() < LONGEST);
                    }
                }
            }
        }
    }
}
