//! A frame as an SVG picture, for the documentation.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use crate::text;
use crate::theme::Theme;

/// Half of a pixel is a unit, so that no number has a fraction.
const WIDTH: usize = 17;
const HEIGHT: usize = 38;
const BASE: usize = 28;

/// Around the screen.
const MARGIN: usize = 24;

/// A part of a line with one style.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    ink: String,
    ground: String,
    attributes: Modifier,
}

/// Draws a frame in the colours of the theme. The same frame is always the same picture.
pub fn picture(buffer: &Buffer, cursor: Option<Position>, theme: &Theme) -> String {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let (width, height) = (columns * WIDTH + 2 * MARGIN, rows * HEIGHT + 2 * MARGIN);
    let ground = hex(theme.text.bg.unwrap_or(Color::Reset), "#000000");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{}\" height=\"{}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"16\" fill=\"{ground}\"/>\n\
         <g font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"28\" xml:space=\"preserve\">\n",
        width / 2,
        height / 2
    );
    for row in 0..rows {
        let y = MARGIN + row * HEIGHT;
        for run in runs(buffer, row, theme) {
            draw(&mut svg, &run, y, &ground);
        }
    }
    if let Some(at) = cursor {
        let (x, y) = (MARGIN + usize::from(at.x) * WIDTH, MARGIN + usize::from(at.y) * HEIGHT);
        let ink = hex(theme.text.fg.unwrap_or(Color::Reset), "#ffffff");
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{ink}\" opacity=\"0.6\"/>"
        );
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn draw(svg: &mut String, run: &Run, y: usize, ground: &str) {
    let x = MARGIN + run.column * WIDTH;
    let width = run.columns * WIDTH;
    if run.ground != ground {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{}\"/>",
            run.ground
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let mut attributes = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ] {
        if run.attributes.contains(modifier) {
            attributes.push_str(attribute);
        }
    }
    let text = run.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{attributes}>{text}</text>",
        y + BASE,
        run.ink
    );
}

/// The parts of a row. What is not a letter of one cell stands alone, so that fonts cannot move what follows.
fn runs(buffer: &Buffer, row: usize, theme: &Theme) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let y = u16::try_from(row).unwrap_or(0);
    let mut column = 0;
    while column < usize::from(buffer.area.width) {
        let cell = &buffer[(u16::try_from(column).unwrap_or(0), y)];
        let columns = text::width(cell.symbol()).max(1);
        let (ink, ground) = colours(cell, theme);
        let simple = cell.symbol().is_ascii();
        let continues = runs.last().is_some_and(|run| {
            simple && run.text.is_ascii() && run.ink == ink && run.ground == ground && run.attributes == cell.modifier
        });
        match runs.last_mut().filter(|_| continues) {
            Some(run) => {
                run.text.push_str(cell.symbol());
                run.columns += columns;
            }
            None => runs.push(Run {
                column,
                columns,
                text: cell.symbol().to_owned(),
                ink,
                ground,
                attributes: cell.modifier,
            }),
        }
        column += columns;
    }
    runs
}

/// The colours of ink and ground.
fn colours(cell: &Cell, theme: &Theme) -> (String, String) {
    let default = |colour: Option<Color>| colour.unwrap_or(Color::Reset);
    let ink = match cell.fg {
        Color::Reset => default(theme.text.fg),
        colour => colour,
    };
    let ground = match cell.bg {
        Color::Reset => default(theme.text.bg),
        colour => colour,
    };
    let (ink, ground) = (hex(ink, "#ffffff"), hex(ground, "#000000"));
    if cell.modifier.contains(Modifier::REVERSED) {
        (ground, ink)
    } else {
        (ink, ground)
    }
}

fn hex(colour: Color, otherwise: &str) -> String {
    match colour {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::White => String::from("#ffffff"),
        Color::Black => String::from("#000000"),
        _ => otherwise.to_owned(),
    }
}
