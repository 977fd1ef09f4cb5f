//! A screen as an SVG picture, for the documentation.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// Half of a pixel is a unit, so that no number has a fraction.
const WIDTH: usize = 17;
const HEIGHT: usize = 38;
const BASE: usize = 28;

/// Around the screen.
const MARGIN: usize = 24;

/// The terminal's own colours: those of the theme `dark`, whose edge the margin continues.
const INK: &str = "#e4e6eb";
const GROUND: &str = "#15171c";

/// How a text looks.
#[derive(PartialEq)]
struct Style {
    ink: String,
    ground: String,
    bold: bool,
    italic: bool,
    underline: bool,
}

/// A part of a line with one style.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    style: Style,
}

/// Draws a screen. The same screen is always the same picture.
pub fn picture(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (
        usize::from(columns) * WIDTH + 2 * MARGIN,
        usize::from(rows) * HEIGHT + 2 * MARGIN,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{}\" height=\"{}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"16\" fill=\"{GROUND}\"/>\n\
         <g font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"28\" xml:space=\"preserve\">\n",
        width / 2,
        height / 2
    );
    for row in 0..rows {
        for run in runs(screen, row, columns) {
            draw(&mut svg, &run, top(row));
        }
    }
    if !screen.hide_cursor() {
        let (row, column) = screen.cursor_position();
        let (x, y) = (MARGIN + usize::from(column) * WIDTH, top(row));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{INK}\" opacity=\"0.6\"/>"
        );
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn top(row: u16) -> usize {
    MARGIN + usize::from(row) * HEIGHT
}

fn draw(svg: &mut String, run: &Run, y: usize) {
    let x = MARGIN + run.column * WIDTH;
    let width = run.columns * WIDTH;
    let style = &run.style;
    if style.ground != GROUND {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{}\"/>",
            style.ground
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let mut attributes = String::new();
    for (is_set, attribute) in [
        (style.bold, " font-weight=\"bold\""),
        (style.italic, " font-style=\"italic\""),
        (style.underline, " text-decoration=\"underline\""),
    ] {
        if is_set {
            attributes.push_str(attribute);
        }
    }
    let text = run.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{attributes}>{text}</text>",
        y + BASE,
        style.ink
    );
}

/// The parts of a row. What is not a letter of one cell stands alone, so that fonts cannot move what follows.
fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let cells = (0..columns).filter_map(|column| Some((usize::from(column), screen.cell(row, column)?)));
    for (column, cell) in cells.filter(|(_, cell)| !cell.is_wide_continuation()) {
        let symbol = if cell.has_contents() { cell.contents() } else { " " };
        let columns = if cell.is_wide() { 2 } else { 1 };
        let style = style(cell);
        match runs.last_mut() {
            Some(run) if symbol.is_ascii() && run.text.is_ascii() && run.style == style => {
                run.text.push_str(symbol);
                run.columns += columns;
            }
            _ => runs.push(Run {
                column,
                columns,
                text: symbol.to_owned(),
                style,
            }),
        }
    }
    runs
}

fn style(cell: &Cell) -> Style {
    let (ink, ground) = (hex(cell.fgcolor(), INK), hex(cell.bgcolor(), GROUND));
    let (ink, ground) = if cell.inverse() { (ground, ink) } else { (ink, ground) };
    Style {
        ink,
        ground,
        bold: cell.bold(),
        italic: cell.italic(),
        underline: cell.underline(),
    }
}

fn hex(colour: Color, own: &str) -> String {
    match colour {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Default => own.to_owned(),
        Color::Idx(index) => panic!("a picture is of a terminal with all colours, and has the colour {index}"),
    }
}
