//! The built-in themes, made of palettes.

use ratatui::style::{Color, Style};

use super::contrast::readable;
use super::{SLOTS, Theme, style};

/// The colours that a theme is made of.
struct Palette {
    dark: bool,
    /// Backgrounds: of messages, of the sidebar and the fields, of dialogs, of code, of the selection.
    base: u32,
    panel: u32,
    overlay: u32,
    code: u32,
    selection: u32,
    /// Text, and text that matters less.
    text: u32,
    subtle: u32,
    line: u32,
    red: u32,
    yellow: u32,
    green: u32,
    blue: u32,
    cyan: u32,
    magenta: u32,
    /// The least contrast of text.
    contrast: f64,
}

const DARK: Palette = Palette {
    dark: true,
    base: 0x0015_171c,
    panel: 0x001c_1f26,
    overlay: 0x0022_2630,
    code: 0x0024_2832,
    selection: 0x0033_4a6b,
    text: 0x00e4_e6eb,
    subtle: 0x009a_a3b2,
    line: 0x006b_7484,
    red: 0x00ff_8a80,
    yellow: 0x00f0_c674,
    green: 0x008f_d694,
    blue: 0x008a_b8ff,
    cyan: 0x0076_d3d3,
    magenta: 0x00d3_a6f5,
    contrast: 4.5,
};

const LIGHT: Palette = Palette {
    dark: false,
    base: 0x00fd_fdfc,
    panel: 0x00f3_f4f5,
    overlay: 0x00ee_f0f2,
    code: 0x00ea_ecef,
    selection: 0x00cf_e1fb,
    text: 0x001f_2328,
    subtle: 0x0059_636e,
    line: 0x0082_8a94,
    red: 0x00b4_2318,
    yellow: 0x0083_5a00,
    green: 0x001a_6e33,
    blue: 0x0009_56b8,
    cyan: 0x000b_6a70,
    magenta: 0x0078_3ab0,
    contrast: 4.5,
};

const HIGH_CONTRAST: Palette = Palette {
    dark: true,
    base: 0x0000_0000,
    panel: 0x0000_0000,
    overlay: 0x0000_0000,
    code: 0x0026_2626,
    selection: 0x0000_3c8f,
    text: 0x00ff_ffff,
    subtle: 0x00d6_d6d6,
    line: 0x00ff_ffff,
    red: 0x00ff_9a94,
    yellow: 0x00ff_e14d,
    green: 0x006b_ff7a,
    blue: 0x009c_c8ff,
    cyan: 0x0066_ffff,
    magenta: 0x00ff_a8ff,
    contrast: 7.0,
};

/// The published values: <https://rosepinetheme.com/palette/>. Where one is too light or too dark to be read as text, it is
/// mixed with black or white until it can be.
const ROSE_PINE: Palette = Palette {
    dark: true,
    base: 0x0019_1724,
    panel: 0x001f_1d2e,
    overlay: 0x0026_233a,
    code: 0x0021_202e,
    selection: 0x0040_3d52,
    text: 0x00e0_def4,
    subtle: 0x0090_8caa,
    line: 0x006e_6a86,
    red: 0x00eb_6f92,
    yellow: 0x00f6_c177,
    green: 0x0031_748f,
    blue: 0x009c_cfd8,
    cyan: 0x00eb_bcba,
    magenta: 0x00c4_a7e7,
    contrast: 4.5,
};

const ROSE_PINE_MOON: Palette = Palette {
    dark: true,
    base: 0x0023_2136,
    panel: 0x002a_273f,
    overlay: 0x0039_3552,
    code: 0x002a_283e,
    selection: 0x0044_415a,
    text: 0x00e0_def4,
    subtle: 0x0090_8caa,
    line: 0x006e_6a86,
    red: 0x00eb_6f92,
    yellow: 0x00f6_c177,
    green: 0x003e_8fb0,
    blue: 0x009c_cfd8,
    cyan: 0x00ea_9a97,
    magenta: 0x00c4_a7e7,
    contrast: 4.5,
};

const ROSE_PINE_DAWN: Palette = Palette {
    dark: false,
    base: 0x00fa_f4ed,
    panel: 0x00ff_faf3,
    overlay: 0x00f2_e9e1,
    code: 0x00f4_ede8,
    selection: 0x00df_dad9,
    text: 0x0057_5279,
    subtle: 0x0079_7593,
    line: 0x0098_93a5,
    red: 0x00b4_637a,
    yellow: 0x00ea_9d34,
    green: 0x0028_6983,
    blue: 0x0056_949f,
    cyan: 0x00d7_827e,
    magenta: 0x0090_7aa9,
    contrast: 4.5,
};

pub(super) fn theme(name: &str) -> Option<Theme> {
    let palette = match name {
        "minimal" => return Some(Theme::colourless(name, true)),
        "dark" => &DARK,
        "light" => &LIGHT,
        "high-contrast" => &HIGH_CONTRAST,
        "rose-pine" => &ROSE_PINE,
        "rose-pine-moon" => &ROSE_PINE_MOON,
        "rose-pine-dawn" => &ROSE_PINE_DAWN,
        _ => return None,
    };
    Some(palette.theme(name))
}

const fn rgb(value: u32) -> Color {
    let [_, red, green, blue] = value.to_be_bytes();
    Color::Rgb(red, green, blue)
}

impl Palette {
    fn theme(&self, name: &str) -> Theme {
        let mut theme = Theme::colourless(name, self.dark);
        for slot in SLOTS {
            let own = theme
                .slot_mut(slot.name)
                .expect("a slot of the table is one of the theme");
            let attributes = own.add_modifier;
            let colours = self.colours(slot.name);
            // A background of its own says what reversing says without colours.
            let kept = if colours.bg.is_some() || slot.name == "error" {
                attributes - super::REVERSED - super::DIM
            } else {
                attributes - super::DIM
            };
            *own = colours.add_modifier(kept);
        }
        theme
    }

    fn colours(&self, slot: &str) -> Style {
        let [base, panel, overlay] = [self.base, self.panel, self.overlay].map(rgb);
        let on =
            |colour: u32, background: Color| style(readable(rgb(colour), self.contrast, &[background]), background);
        let ink = |colour: u32| Style::new().fg(readable(rgb(colour), self.contrast, &[base, panel, overlay]));
        let rule = |colour: u32| Style::new().fg(readable(rgb(colour), 3.0, &[base, panel, overlay]));
        // On the colour of a patch that shouts, the background is the text.
        let patch = |colour: u32| {
            let colour = readable(rgb(colour), self.contrast, &[base, panel, overlay]);
            style(base, colour)
        };
        match slot {
            "text" => on(self.text, base),
            "sidebar" | "field" | "status_bar" => on(self.text, panel),
            "dialog" => on(self.text, overlay),
            "selected" => on(self.text, rgb(self.selection)),
            "code" => on(self.text, rgb(self.code)),
            "hit" => patch(self.yellow),
            "mention" => patch(self.magenta),
            "badge" => patch(self.blue),
            "dim" | "placeholder" | "separator" | "offline" => ink(self.subtle),
            "author_in" | "verified" | "online" | "success" => ink(self.green),
            "author_out" | "title" | "link" => ink(self.magenta),
            "unread" | "heading" | "accent" | "key" => ink(self.blue),
            "quote" | "reaction" => ink(self.cyan),
            "timer" | "away" | "warning" => ink(self.yellow),
            "error" => ink(self.red),
            "border" => rule(self.line),
            "border_focused" => rule(self.blue),
            other => unreachable!("no colours for the slot {other}"),
        }
    }
}
