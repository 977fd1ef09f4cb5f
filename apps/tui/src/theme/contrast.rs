//! The contrast of two colours, by WCAG 2.

use ratatui::style::{Color, Style};

/// The contrast of a style's foreground on its background. `None`: one of them is the terminal's own.
pub fn of_style(style: Style) -> Option<f64> {
    Some(ratio(luminance(style.fg?)?, luminance(style.bg?)?))
}

/// The contrast of two luminances, from 1 to 21.
pub fn ratio(one: f64, two: f64) -> f64 {
    (one.max(two) + 0.05) / (one.min(two) + 0.05)
}

/// The relative luminance of a colour, from 0 to 1. `None`: the terminal decides how it looks.
pub fn luminance(colour: Color) -> Option<f64> {
    let (red, green, blue) = match colour {
        Color::Rgb(red, green, blue) => (red, green, blue),
        Color::Indexed(index) => super::depth::indexed(index)?,
        _ => return None,
    };
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
}

/// A colour for text on backgrounds: the colour itself, or the nearest one towards black or white that has the contrast.
pub(super) fn readable(colour: Color, least: f64, backgrounds: &[Color]) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let dark = backgrounds
        .iter()
        .filter_map(|background| luminance(*background))
        .all(|background| background < 0.5);
    let end = if dark { 255 } else { 0 };
    let step = |share: u16| {
        let mix = |channel: u8| {
            let mixed = (u16::from(channel) * (100 - share) + end * share) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Color::Rgb(mix(red), mix(green), mix(blue))
    };
    let enough = |colour: &Color| {
        backgrounds
            .iter()
            .all(|background| of_style(super::style(*colour, *background)).is_none_or(|ratio| ratio >= least))
    };
    (0..=100).map(step).find(enough).unwrap_or(colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_wcag() {
        let (black, white) = (Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255));
        let of = |fg, bg| of_style(super::super::style(fg, bg)).unwrap();
        assert!((of(black, white) - 21.0).abs() < 1e-9);
        assert!((of(white, white) - 1.0).abs() < 1e-9);
        // A grey that is known to pass just so.
        assert!((of(Color::Rgb(0x76, 0x76, 0x76), white) - 4.54).abs() < 0.01);
        assert_eq!(of_style(super::super::style(Color::Reset, white)), None);
    }

    #[test]
    fn a_colour_is_changed_only_as_far_as_it_must() {
        let paper = Color::Rgb(0xfa, 0xf4, 0xed);
        let pine = Color::Rgb(0x28, 0x69, 0x83);
        assert_eq!(readable(pine, 4.5, &[paper]), pine);
        let gold = readable(Color::Rgb(0xea, 0x9d, 0x34), 4.5, &[paper]);
        let ratio = of_style(super::super::style(gold, paper)).unwrap();
        assert!((4.5..4.8).contains(&ratio), "{ratio}");
    }
}
