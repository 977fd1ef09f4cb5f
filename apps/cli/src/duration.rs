//! Durations as the user writes them: `90s`, `30m`, `8h`, `2d`, `1w`, or seconds alone.

/// The seconds of a duration.
pub fn seconds(text: &str) -> Result<u32, String> {
    parse(text)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| format!("{text:?} is no duration like 90s, 30m, 8h, 2d or 1w"))
}

/// The seconds of a timer, which is a duration, or `off` or 0 for none.
pub fn timer(text: &str) -> Result<u32, String> {
    match text {
        "off" => Ok(0),
        _ => parse(text).ok_or_else(|| format!("{text:?} is no timer like 90s, 30m, 8h, 2d, 1w or off")),
    }
}

fn parse(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    // `parse` alone would take a sign.
    let count: u32 = digits
        .parse()
        .ok()
        .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRONG: &[&str] = &[
        "",
        "h",
        "8x",
        "-1h",
        "+1h",
        "1.5h",
        "100000000000d",
        "99999d9",
        "9999w",
        "8 h",
        "٣h",
        "OFF",
    ];

    #[test]
    fn a_duration_has_a_unit_and_is_not_nothing() {
        for (text, expected) in [
            ("90", 90),
            ("90s", 90),
            ("30m", 1800),
            ("8h", 28_800),
            ("2d", 172_800),
            ("1w", 604_800),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
            assert_eq!(timer(text), Ok(expected), "{text}");
        }
        for wrong in WRONG {
            assert!(seconds(wrong).is_err() && timer(wrong).is_err(), "{wrong:?}");
        }
        for nothing in ["0", "0h"] {
            assert!(seconds(nothing).is_err(), "{nothing}");
            assert_eq!(timer(nothing), Ok(0), "{nothing}");
        }
        assert!(seconds("off").is_err());
        assert_eq!(timer("off"), Ok(0));
    }
}
