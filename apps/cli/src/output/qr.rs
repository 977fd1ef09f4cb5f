//! QR codes made of half blocks.

use qrcode::{Color, QrCode};
use sotto_api::Error;

use super::Paint;

/// The lines of a QR code of these bytes: black on white where colours are, since cameras want it so; without colours
/// the blocks are the light modules, which is right on a dark terminal.
pub fn qr(paint: Paint, bytes: &[u8]) -> Result<String, Error> {
    const QUIET: i32 = 2;
    let code = QrCode::new(bytes).map_err(|error| Error::internal(format!("no QR code holds this: {error}")))?;
    let width = i32::try_from(code.width()).unwrap_or(i32::MAX);
    let block = |x: i32, y: i32| {
        let dark = match (usize::try_from(x), usize::try_from(y)) {
            (Ok(column), Ok(row)) if x < width && y < width => code[(column, row)] == Color::Dark,
            _ => false,
        };
        dark == paint.on()
    };
    let (start, end) = if paint.on() {
        ("\u{1b}[30;107m", "\u{1b}[0m\n")
    } else {
        ("", "\n")
    };
    let mut text = String::new();
    for y in (-QUIET..width + QUIET).step_by(2) {
        text.push_str(start);
        text.extend((-QUIET..width + QUIET).map(|x| match (block(x, y), block(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        text.push_str(end);
    }
    Ok(text)
}
