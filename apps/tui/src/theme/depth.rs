//! [`ColorDepth`]: how many colours a terminal has, and a style with so many.

use ratatui::style::{Color, Style};

use super::{Kind, Slot};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None: attributes alone.
    None,
    /// The 16 that the user's terminal defines. Backgrounds stay the terminal's own.
    Ansi16,
    /// The 6 × 6 × 6 cube and 24 greys.
    Ansi256,
    /// 24 bits.
    True,
}

impl ColorDepth {
    /// What the environment says, given a variable by its name.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| variable(name).unwrap_or_default();
        let terminal = value("TERM");
        if !value("NO_COLOR").is_empty() || terminal == "dumb" {
            return Self::None;
        }
        let colour = value("COLORTERM");
        let program = value("TERM_PROGRAM");
        let wide = ["iTerm.app", "WezTerm", "ghostty", "vscode", "Hyper", "rio"];
        let told = colour == "truecolor" || colour == "24bit" || terminal.ends_with("-direct");
        let known = ["kitty", "alacritty", "foot", "ghostty", "wezterm"]
            .iter()
            .any(|name| terminal.contains(name));
        if told || known || !value("WT_SESSION").is_empty() || wide.contains(&&*program) {
            return Self::True;
        }
        if terminal.contains("256color") || program == "Apple_Terminal" {
            return Self::Ansi256;
        }
        Self::Ansi16
    }
}

pub(super) fn reduce(style: Style, slot: &Slot, depth: ColorDepth, dark: bool) -> Style {
    match depth {
        ColorDepth::True => style,
        ColorDepth::Ansi256 => map(style, |colour| match colour {
            Color::Rgb(red, green, blue) => Color::Indexed(nearest(red, green, blue)),
            other => other,
        }),
        ColorDepth::None => bare(style, slot),
        ColorDepth::Ansi16 => {
            let own = slot.kind == Kind::Backdrop && slot.name != "status_bar";
            let attributes = if own {
                style.add_modifier
            } else {
                style.add_modifier | slot.attributes
            };
            let ink = matches!(slot.kind, Kind::Ink | Kind::Rule);
            let mut reduced = Style::new().add_modifier(attributes);
            // How the 16 colours look is the terminal's; reversed is always readable.
            reduced.fg = style
                .fg
                .map(|colour| if ink { ansi(colour, dark) } else { kept(colour) });
            reduced.bg = style.bg.map(kept);
            reduced
        }
    }
}

fn bare(style: Style, slot: &Slot) -> Style {
    Style::new().add_modifier(style.add_modifier | slot.attributes)
}

fn map(mut style: Style, colour: impl Fn(Color) -> Color) -> Style {
    style.fg = style.fg.map(&colour);
    style.bg = style.bg.map(&colour);
    style
}

/// A named colour of an override stays; what was chosen for another background does not.
fn kept(colour: Color) -> Color {
    match colour {
        Color::Rgb(..) | Color::Indexed(_) => Color::Reset,
        other => other,
    }
}

/// The colour of the 16 with the same hue; the bright one on a dark background.
fn ansi(colour: Color, dark: bool) -> Color {
    let (red, green, blue) = match colour {
        Color::Rgb(red, green, blue) => (red, green, blue),
        Color::Indexed(index) => match indexed(index) {
            Some(colour) => colour,
            None => return colour,
        },
        other => return other,
    };
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if u16::from(most - least) * 4 < u16::from(most) {
        return Color::Reset;
    }
    let half = least + (most - least) / 2;
    match (red > half, green > half, blue > half) {
        (true, false, false) => {
            if dark {
                Color::LightRed
            } else {
                Color::Red
            }
        }
        (true, true, false) => {
            if dark {
                Color::LightYellow
            } else {
                Color::Yellow
            }
        }
        (false, true, false) => {
            if dark {
                Color::LightGreen
            } else {
                Color::Green
            }
        }
        (false, true, true) => {
            if dark {
                Color::LightCyan
            } else {
                Color::Cyan
            }
        }
        (false, false, true) => {
            if dark {
                Color::LightBlue
            } else {
                Color::Blue
            }
        }
        (true, false, true) => {
            if dark {
                Color::LightMagenta
            } else {
                Color::Magenta
            }
        }
        (true, true, true) | (false, false, false) => Color::Reset,
    }
}

/// The steps of a channel of the cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The red, green and blue of one of 256 colours. `None`: one of the 16 that the terminal defines.
pub(super) fn indexed(index: u8) -> Option<(u8, u8, u8)> {
    match index {
        0..16 => None,
        16..232 => {
            let index = index - 16;
            let step = |place: u8| STEPS[usize::from(index / place % 6)];
            Some((step(36), step(6), step(1)))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Some((grey, grey, grey))
        }
    }
}

/// The nearest of the colours 16 to 255.
fn nearest(red: u8, green: u8, blue: u8) -> u8 {
    let distance = |index: &u8| {
        let (r, g, b) = indexed(*index).unwrap_or_default();
        let square = |one: u8, two: u8| u32::from(one.abs_diff(two)).pow(2);
        // The eye sees differences of green most, of blue least.
        2 * square(red, r) + 4 * square(green, g) + square(blue, b)
    };
    (16..=255).min_by_key(distance).unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_how_many_colours() {
        let table: [(&[(&str, &str)], ColorDepth); 12] = [
            (&[("TERM", "xterm-256color")], ColorDepth::Ansi256),
            (
                &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")],
                ColorDepth::True,
            ),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("NO_COLOR", "1"),
                    ("COLORTERM", "truecolor"),
                ],
                ColorDepth::None,
            ),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], ColorDepth::Ansi256),
            (&[("TERM", "linux")], ColorDepth::Ansi16),
            (&[("TERM", "screen")], ColorDepth::Ansi16),
            (&[("TERM", "tmux-256color")], ColorDepth::Ansi256),
            (&[("TERM", "xterm-kitty")], ColorDepth::True),
            (&[("TERM", "xterm-direct")], ColorDepth::True),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], ColorDepth::None),
            (&[("WT_SESSION", "x")], ColorDepth::True),
            (&[], ColorDepth::Ansi16),
        ];
        for (environment, expected) in table {
            let value = |name: &str| {
                environment
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(ColorDepth::detect(value), expected, "{environment:?}");
        }
    }

    #[test]
    fn colours_keep_their_hue() {
        let table = [
            (Color::Rgb(0xeb, 0x6f, 0x92), Color::LightRed),
            (Color::Rgb(0xf6, 0xc1, 0x77), Color::LightYellow),
            (Color::Rgb(0x9c, 0xcf, 0xd8), Color::LightCyan),
            (Color::Rgb(0xe0, 0xde, 0xf4), Color::Reset),
            (Color::Green, Color::Green),
            (Color::Indexed(3), Color::Indexed(3)),
        ];
        for (colour, expected) in table {
            assert_eq!(ansi(colour, true), expected, "{colour:?}");
        }
        assert_eq!(
            (nearest(0, 0, 0), nearest(255, 255, 255), nearest(128, 128, 128)),
            (16, 231, 244)
        );
        assert!(
            (16..=255)
                .all(|index| indexed(index).is_some_and(|(r, g, b)| indexed(nearest(r, g, b)) == Some((r, g, b))))
        );
    }
}
