//! QR codes made of half blocks.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use qrcode::{Color, QrCode};
use sotto_api::Error;

use super::has_looks;

/// The lines of a QR code of these bytes: black on white where colours are, since cameras want it so; without colours
/// the blocks are the light modules, which is right on a dark terminal.
pub fn qr(bytes: &[u8]) -> Result<String, Error> {
    const QUIET: i32 = 2;
    let code = QrCode::new(bytes).map_err(|error| Error::internal(format!("no QR code holds this: {error}")))?;
    let looks = has_looks();
    let style = if looks {
        Style::new()
            .fg_color(Some(AnsiColor::Black.into()))
            .bg_color(Some(AnsiColor::BrightWhite.into()))
    } else {
        Style::new()
    };
    let width = i32::try_from(code.width()).unwrap_or(i32::MAX);
    let block = |x: i32, y: i32| {
        let dark = match (usize::try_from(x), usize::try_from(y)) {
            (Ok(column), Ok(row)) if x < width && y < width => code[(column, row)] == Color::Dark,
            _ => false,
        };
        dark == looks
    };
    let mut text = String::new();
    for y in (-QUIET..width + QUIET).step_by(2) {
        let _ = write!(text, "{style}");
        text.extend((-QUIET..width + QUIET).map(|x| match (block(x, y), block(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        let _ = writeln!(text, "{style:#}");
    }
    Ok(text)
}
