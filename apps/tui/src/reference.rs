//! `docs/tui-keys-and-themes.md`, made from the tables of keys, themes and slots, so that it says what the program does.

use std::fmt::Write;

use crate::action::{Action, Scope};
use crate::keys::{Builtin, Keymap, PALETTE_ONLY};
use crate::theme::{self, Theme};

const REGENERATE: &str = "SOTTO_BLESS=1 cargo test --workspace --lib reference";

const KEYS: &str = "\
# Keys and themes of the terminal interface

This page is generated from the tables of the program.

## Key maps

`config.toml` chooses a map and changes single keys of it:

```toml
[tui]
keymap = \"vim\"               # plain, vim or emacs; plain if it is left out

[tui.keys.global]
\"ctrl-k\" = \"palette\"         # this key, this action
\"ctrl-p\" = \"\"                # no action

[tui.keys.messages]
\"g x\" = \"details\"            # one key after the other, at most three
```

A key is a character or one of `enter`, `esc`, `tab`, `space`, `backspace`, `delete`, `insert`, `up`, `down`, `left`, `right`, `home`,
`end`, `pageup`, `pagedown`, `minus`, `f1` to `f24`, with `ctrl-`, `alt-`, `shift-` or `super-` before it. An upper-case letter is its own
key: `G`, not `shift-g`. A key that is bound anew loses what it did before, and so do sequences that begin with it. In `global` and
`composer` a sequence cannot begin with a character, because that is text.

Keys of `global` work everywhere, those of the other scopes where the focus is.
";

const THEMES: &str = "\
## Themes

`config.toml` chooses a theme and changes single slots of it:

```toml
[tui.theme]
name = \"rose-pine\"
link = \"#9ccfd8\"                               # the foreground
selected = { bg = \"#403d52\", bold = true }     # what is not named stays
```

";

fn page() -> String {
    let mut page = KEYS.to_owned();
    let maps = Builtin::ALL.map(|builtin| Keymap::builtin(builtin).help());
    for scope in Scope::ALL {
        let _ = write!(
            page,
            "\n### `{}`\n\n| action | what it does | plain | vim | emacs |\n|---|---|---|---|---|\n",
            scope.name()
        );
        for action in Action::ALL {
            let keys = maps.each_ref().map(|map| keys_of(map, scope, *action));
            if keys.iter().any(|keys| !keys.is_empty()) {
                let _ = writeln!(
                    page,
                    "| `{}` | {} | {} |",
                    action.name(),
                    action.about(),
                    keys.join(" | ")
                );
            }
        }
    }
    page.push_str("\n### In the palette alone\n\n| action | what it does |\n|---|---|\n");
    for action in PALETTE_ONLY {
        let _ = writeln!(page, "| `{}` | {} |", action.name(), action.about());
    }
    let _ = write!(page, "\n{THEMES}");
    let names = Theme::NAMES.map(|name| format!("`{name}`")).join(", ");
    let _ = write!(
        page,
        "The themes are {names}. Without a name it is `dark` or `light`, by the background of the terminal. In each of them but `minimal`, \
         which leaves the colours to the terminal, text has a contrast of at least 4.5 : 1 on what it is drawn on, and of 7 : 1 in \
         `high-contrast`.\n\nThe colours follow what the terminal has: 24 bits, 256 colours, 16 colours, or with `NO_COLOR` none; then \
         attributes alone tell states apart.\n\n"
    );
    page.push_str(&theme::documentation());
    page
}

fn keys_of(map: &[(Scope, Vec<(String, &'static str)>)], scope: Scope, action: Action) -> String {
    let of_scope = map
        .iter()
        .filter(|(other, _)| *other == scope)
        .flat_map(|(_, keys)| keys);
    let keys = of_scope
        .filter(|(_, about)| *about == action.about())
        .flat_map(|(keys, _)| keys.split(", "));
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_for_newcomers_has_every_setting() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tui.md");
    let page = std::fs::read_to_string(path).expect("the page");
    for (key, about) in crate::config::KEYS {
        let row = format!("| `{key}` | {about} |");
        assert!(page.contains(&row), "docs/tui.md has no line {row}");
    }
}

#[test]
fn the_page_says_what_the_tables_say() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tui-keys-and-themes.md");
    let page = page();
    if std::env::var_os("SOTTO_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = committed
        .lines()
        .zip(page.lines())
        .position(|(one, other)| one != other);
    assert!(
        committed == page,
        "docs/tui-keys-and-themes.md is not of today's tables (line {line:?}): {REGENERATE}"
    );
}
