//! What a result may cost the client's context: characters of the structured content and of its mirrored text together.

/// The longest result: 60 000 characters, less what stands around the items of a list.
const RESULT: usize = 57_000;

/// The longest text in a list.
pub(crate) const TEXT_IN_LIST: usize = 16_000;

/// The longest part of one text alone.
pub(crate) const TEXT_ALONE: usize = 50_000;

/// What a character of a text costs: in the JSON of the structured content, and in the mirrored text, where that JSON is a
/// string again.
const fn character(c: char) -> usize {
    match c {
        '"' | '\\' => 2 + 4,
        '\n' | '\t' => 2 + 3,
        '\0'..='\u{1f}' => 6 + 7,
        _ => 1 + 1,
    }
}

/// What a value costs whose JSON this is.
pub(crate) fn cost(json: &str) -> usize {
    json.chars().map(|c| if matches!(c, '"' | '\\') { 3 } else { 2 }).sum()
}

/// As much of a text from an offset on as costs no more than `most`, and the offset after it. Offsets are in characters.
pub(crate) fn cut(text: &str, offset: usize, most: usize) -> (&str, usize) {
    let start = text.char_indices().nth(offset).map_or(text.len(), |(at, _)| at);
    let (mut spent, mut next) = (0, offset);
    for (at, c) in text[start..].char_indices() {
        spent += character(c);
        if spent > most {
            return (&text[start..start + at], next);
        }
        next += 1;
    }
    (&text[start..], next)
}

/// How many items, from the first on, fit into one result. At least one: no item is longer than a result.
pub(crate) fn fitting<'a>(items: impl Iterator<Item = &'a str>) -> usize {
    let mut left = RESULT;
    let fitting = items
        .take_while(|item| {
            let cost = cost(item);
            let fits = cost <= left;
            left = left.saturating_sub(cost);
            fits
        })
        .count();
    fitting.max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_parts_of_a_text_are_the_text() {
        let text = "a\"é\\\n".repeat(9000);
        let (mut whole, mut offset, mut parts) = (String::new(), 0, 0);
        while offset < text.chars().count() {
            let (part, next) = cut(&text, offset, TEXT_ALONE);
            assert!(next > offset, "it goes on");
            let json = Value::from(part).to_string();
            let mirrored = Value::from(json.as_str()).to_string();
            assert!(json.chars().count() + mirrored.chars().count() <= TEXT_ALONE + 8);
            whole.push_str(part);
            (offset, parts) = (next, parts + 1);
        }
        assert_eq!((whole, parts > 1), (text, true));
    }

    #[test]
    fn an_offset_after_the_end_has_nothing() {
        assert_eq!(cut("abc", 7, 100), ("", 7));
    }

    #[test]
    fn what_fits_costs_no_more_than_a_result() {
        let text = |length| Value::from("x".repeat(length)).to_string();
        let items = vec![text(1000); 100];
        let count = fitting(items.iter().map(String::as_str));
        let spent: usize = items[..count].iter().map(|item| cost(item)).sum();
        assert!(spent <= RESULT && count > 20, "{count} {spent}");
        assert_eq!(fitting(std::iter::once(text(RESULT).as_str())), 1);
    }
}
