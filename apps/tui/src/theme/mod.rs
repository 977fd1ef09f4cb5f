//! [`Theme`]: the style of everything that is drawn, by named slots. Seven themes are built in; `[tui.theme]` of `config.toml`
//! chooses one and changes single slots. A theme is made for 24-bit colours and reduced to what the terminal has.

mod builtin;
pub mod contrast;
mod depth;
mod overrides;

use ratatui::style::{Color, Modifier, Style};

pub use depth::ColorDepth;

macro_rules! slots {
    ($($slot:ident $kind:ident $attributes:expr, $about:literal;)*) => {
        /// The style of everything that is drawn. A slot without a background is drawn on that of `text`, `sidebar`, `dialog` or
        /// `status_bar`.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Theme {
            /// As in `config.toml`.
            pub name: String,
            /// Whether its background is dark.
            pub dark: bool,
            $(#[doc = $about] pub $slot: Style,)*
        }

        /// The slots, in the order of the documentation.
        pub const SLOTS: &[Slot] = &[$(Slot {
            name: stringify!($slot),
            kind: Kind::$kind,
            attributes: $attributes,
            #[cfg(test)]
            about: $about,
        },)*];

        impl Theme {
            /// A theme whose slots have only their attributes.
            fn colourless(name: &str, dark: bool) -> Self {
                Self { name: name.to_owned(), dark, $($slot: Style::new().add_modifier($attributes),)* }
            }

            /// The style of a slot, by name.
            #[cfg(test)]
            pub fn slot(&self, name: &str) -> Option<Style> {
                match name {
                    $(stringify!($slot) => Some(self.$slot),)*
                    _ => None,
                }
            }

            fn slot_mut(&mut self, name: &str) -> Option<&mut Style> {
                match name {
                    $(stringify!($slot) => Some(&mut self.$slot),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a slot is for.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// As in `config.toml`.
    pub name: &'static str,
    /// Whether it has a background.
    pub kind: Kind,
    /// Its attributes, which alone tell it from other slots where there is no colour.
    pub attributes: Modifier,
    /// What is drawn with it.
    #[cfg(test)]
    pub about: &'static str,
}

/// Whether a slot has a background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is the background of a part of the screen.
    Backdrop,
    /// It stands out from the backdrop that it is on by a background of its own.
    Patch,
    /// It is drawn on a backdrop.
    Ink,
    /// As `Ink`, and it is a line, so less contrast is enough.
    Rule,
}

const NONE: Modifier = Modifier::empty();
const BOLD: Modifier = Modifier::BOLD;
const DIM: Modifier = Modifier::DIM;
const ITALIC: Modifier = Modifier::ITALIC;
const UNDERLINED: Modifier = Modifier::UNDERLINED;
const REVERSED: Modifier = Modifier::REVERSED;
const BOLD_UNDERLINED: Modifier = BOLD.union(UNDERLINED);
const BOLD_REVERSED: Modifier = BOLD.union(REVERSED);
const DIM_ITALIC: Modifier = DIM.union(ITALIC);
const BOLD_ITALIC: Modifier = BOLD.union(ITALIC);

slots! {
    text Backdrop NONE, "Text of messages, and the background of everything without one of its own";
    sidebar Backdrop NONE, "The list of conversations";
    dialog Backdrop NONE, "A dialog over the main view";
    status_bar Backdrop REVERSED, "The line at the bottom";
    field Backdrop NONE, "The composer, and fields of dialogs";
    selected Patch REVERSED, "The selected row or message";
    hit Patch BOLD_REVERSED, "A hit of the search";
    mention Patch BOLD_UNDERLINED, "Your name in a message, and what else asks for you";
    code Patch DIM, "Code in a message";
    badge Patch BOLD_REVERSED, "A number of unread messages";
    dim Ink DIM, "Times, hints, and states that ask for nothing";
    placeholder Ink DIM_ITALIC, "What stands in an empty field";
    accent Ink BOLD, "What is active, and marks of choices";
    title Ink BOLD, "Titles of panes and dialogs";
    heading Ink BOLD_UNDERLINED, "Headings in a message";
    author_in Ink BOLD, "The name of a contact above its message";
    author_out Ink BOLD_ITALIC, "Your name above your message";
    unread Ink BOLD, "A conversation with unread messages, and the line above the first of them";
    separator Ink DIM, "The line between days";
    quote Ink ITALIC, "Quoted text, and the message that is replied to";
    link Ink UNDERLINED, "A link";
    key Ink BOLD, "A key in a hint";
    reaction Ink NONE, "Reactions under a message";
    timer Ink ITALIC, "Time that a message has left";
    verified Ink BOLD, "The mark of a verified contact";
    online Ink BOLD, "Presence: online";
    away Ink ITALIC, "Presence: away";
    offline Ink DIM, "Presence: offline or unknown";
    success Ink NONE, "What worked; a message that was delivered or read";
    warning Ink BOLD, "What needs attention";
    error Ink BOLD_REVERSED, "What failed";
    border Rule DIM, "The border of a pane";
    border_focused Rule BOLD, "The border of the pane that has the keys";
}

impl Theme {
    /// The names of the built-in themes.
    pub const NAMES: [&str; 7] = [
        "dark",
        "light",
        "high-contrast",
        "minimal",
        "rose-pine",
        "rose-pine-moon",
        "rose-pine-dawn",
    ];

    /// A built-in theme.
    pub fn builtin(name: &str) -> Option<Self> {
        builtin::theme(name)
    }

    /// What is taken when nothing is chosen: by the background of the terminal.
    pub fn for_background(dark: bool) -> Self {
        builtin::theme(if dark { "dark" } else { "light" }).expect("both are built in")
    }

    /// For a terminal with fewer colours.
    #[must_use]
    pub fn reduced(&self, depth: ColorDepth) -> Self {
        let mut theme = self.clone();
        for slot in SLOTS {
            let style = theme
                .slot_mut(slot.name)
                .expect("a slot of the table is one of the theme");
            *style = depth::reduce(*style, slot, depth, self.dark);
        }
        theme
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::for_background(true)
    }
}

/// Sets foreground and background.
const fn style(fg: Color, bg: Color) -> Style {
    Style::new().fg(fg).bg(bg)
}

/// The slots as a table of Markdown, with the words for colours and attributes.
#[cfg(test)]
pub fn documentation() -> String {
    let row = |slot: &Slot| {
        let background = if matches!(slot.kind, Kind::Backdrop | Kind::Patch) {
            "`fg`, `bg`"
        } else {
            "`fg`"
        };
        format!("| `{}` | {background} | {} |\n", slot.name, slot.about)
    };
    let rows = SLOTS.iter().map(row).collect::<String>();
    let (colours, attributes) = overrides::words();
    format!(
        "| slot | colours | what is drawn with it |\n|---|---|---|\n{rows}\n\
         A colour is `#rrggbb`, `#rgb`, a number from 0 to 255, or one of {colours}.\n\
         Attributes are {attributes}; each is `true` or `false`.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The background that a slot is drawn on, by name.
    const BACKDROPS: [&str; 5] = ["text", "sidebar", "dialog", "status_bar", "field"];

    impl Theme {
        /// A slot as it is drawn on a backdrop.
        fn on(&self, backdrop: &str, slot: &str) -> Option<Style> {
            Some(self.slot(backdrop)?.patch(self.slot(slot)?))
        }
    }

    fn themes() -> impl Iterator<Item = Theme> {
        Theme::NAMES.into_iter().map(|name| Theme::builtin(name).unwrap())
    }

    /// WCAG 2: 4.5 : 1 for text, 3 : 1 for lines.
    #[test]
    fn every_slot_is_readable_on_what_it_is_drawn_on() {
        for theme in themes().filter(|theme| theme.name != "minimal") {
            for slot in SLOTS {
                let backdrops = match slot.kind {
                    Kind::Backdrop | Kind::Patch => &["text"][..],
                    Kind::Ink | Kind::Rule => &BACKDROPS[..],
                };
                let least = if slot.kind == Kind::Rule { 3.0 } else { 4.5 };
                for backdrop in backdrops {
                    let style = theme.on(backdrop, slot.name).unwrap();
                    let ratio = contrast::of_style(style).unwrap();
                    assert!(
                        ratio >= least,
                        "{}: {} on {backdrop} has {ratio:.2} : 1",
                        theme.name,
                        slot.name
                    );
                }
            }
        }
    }

    #[test]
    fn high_contrast_is_seven_to_one() {
        let theme = Theme::builtin("high-contrast").unwrap();
        for slot in SLOTS {
            let ratio = contrast::of_style(theme.on("text", slot.name).unwrap()).unwrap();
            assert!(ratio >= 7.0, "{} has {ratio:.2} : 1", slot.name);
        }
    }

    #[test]
    fn a_theme_is_complete() {
        for theme in themes().filter(|theme| theme.name != "minimal") {
            for slot in SLOTS {
                let style = theme.slot(slot.name).unwrap();
                assert!(style.fg.is_some(), "{}: {} has no colour", theme.name, slot.name);
                let has_background = matches!(slot.kind, Kind::Backdrop | Kind::Patch);
                assert_eq!(style.bg.is_some(), has_background, "{}: {}", theme.name, slot.name);
            }
            let background = theme.text.bg.and_then(contrast::luminance).unwrap();
            assert_eq!(theme.dark, background < 0.5, "{}", theme.name);
        }
        assert!(themes().all(|theme| Theme::builtin(&theme.name) == Some(theme)));
    }

    /// Slots of one group can stand at one place, so that attributes alone must tell them apart. Words and glyphs do so too.
    #[test]
    fn states_are_told_apart_without_colour() {
        let groups: [&[&str]; 9] = [
            &["text", "selected", "hit", "mention", "code", "link", "quote"],
            &["author_in", "author_out"],
            &["border", "border_focused"],
            &["sidebar", "unread", "selected", "badge", "dim"],
            &["online", "away", "offline"],
            &["success", "warning", "error"],
            &["text", "status_bar"],
            &["text", "heading", "quote", "code"],
            &["field", "placeholder", "selected"],
        ];
        for theme in themes() {
            for depth in [ColorDepth::None, ColorDepth::Ansi16] {
                let theme = theme.reduced(depth);
                for group in groups {
                    let mut seen = Vec::new();
                    for slot in group {
                        let style = theme.slot(slot).unwrap();
                        let attributes = style.add_modifier;
                        let look = if depth == ColorDepth::None {
                            (attributes, None)
                        } else {
                            (attributes, style.fg)
                        };
                        assert!(
                            !seen.contains(&look),
                            "{} at {depth:?}: {slot} looks as another of {group:?}",
                            theme.name
                        );
                        seen.push(look);
                    }
                }
            }
        }
    }

    #[test]
    fn reduced_themes_have_only_the_colours_of_their_depth() {
        for theme in themes() {
            for slot in SLOTS {
                let colours = |depth| {
                    let style = theme.reduced(depth).slot(slot.name).unwrap();
                    [style.fg, style.bg, style.underline_color]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                };
                assert_eq!(colours(ColorDepth::None), []);
                let rgb = |colour: &Color| matches!(colour, Color::Rgb(..));
                assert!(!colours(ColorDepth::Ansi256).iter().any(rgb), "{}", slot.name);
                let wide = |colour: &Color| matches!(colour, Color::Rgb(..) | Color::Indexed(_));
                assert!(!colours(ColorDepth::Ansi16).iter().any(wide), "{}", slot.name);
            }
            assert_eq!(theme.reduced(ColorDepth::True), theme);
        }
    }

    /// The nearest of 256 colours is not the colour. 4 : 1 is what is left at worst.
    #[test]
    fn text_stays_readable_with_256_colours() {
        for theme in themes()
            .filter(|theme| theme.name != "minimal")
            .map(|theme| theme.reduced(ColorDepth::Ansi256))
        {
            for slot in SLOTS.iter().filter(|slot| slot.kind != Kind::Rule) {
                let ratio = contrast::of_style(theme.on("text", slot.name).unwrap()).unwrap();
                assert!(ratio >= 4.0, "{}: {} has {ratio:.2} : 1", theme.name, slot.name);
            }
        }
    }
}
