//! Search by words. What a user types is never taken as a language: it becomes quoted words, all of which must occur.

use sotto_core::{ConversationId, EventSeq};

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;
use crate::words::phrase;

/// Words beyond these are passed over; FTS5 has a limit of its own somewhere above.
const WORDS: usize = 64;

impl Reader {
    /// The newest `limit` messages whose text has every word of the query, the newest first; of one conversation, if one
    /// is named. `"in quotes"` is a phrase, and a word with a star at its end is the beginning of one. Case, accents and
    /// compatibility forms do not matter. In scripts without blanks between words any part of a text is found.
    pub fn search(
        &self,
        query: &str,
        limit: u32,
        within: Option<&ConversationId>,
    ) -> Result<Vec<MessageView>, StoreError> {
        self.search_before(query, limit, within, None)
    }

    /// The same, of the messages before that place.
    pub fn search_before(
        &self,
        query: &str,
        limit: u32,
        within: Option<&ConversationId>,
        before: Option<EventSeq>,
    ) -> Result<Vec<MessageView>, StoreError> {
        let before = before.map_or(i64::MAX, |place| i64::try_from(place.0).unwrap_or(i64::MAX));
        let words = words(query);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        self.read(|at| {
            let expression = match within {
                None => format!("text : ({words})"),
                Some(conversation) => match at.numbers.find(at.db, conversation)? {
                    Some(number) => format!("(text : ({words})) AND conversation : \"{number}\""),
                    None => return Ok(Vec::new()),
                },
            };
            // What is not settled is newer than what is.
            let mut found = Vec::new();
            for number in at.search_unsettled(&expression, before, limit)? {
                found.extend(at.view_of_number(number)?);
            }
            let rest = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
            if rest > 0 {
                // Message numbers grow with time, and the index can be walked backwards: what is not shown is not read. The
                // cross join keeps the index in front.
                let sql = view_sql!("word CROSS JOIN message ON message.number = word.rowid" =>
                    "WHERE word MATCH ? AND word.rowid < ? ORDER BY word.rowid DESC LIMIT ?");
                found.extend(at.views(sql, (expression, before, rest))?);
            }
            Ok(found)
        })
    }
}

/// The query as an FTS5 expression: quoted strings, each perhaps with a star, side by side, which means "and".
fn words(query: &str) -> String {
    let mut words = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find(|c: char| !separates(c)) {
        rest = &rest[start..];
        if let Some(quoted) = rest.strip_prefix('"') {
            // A quote that is not closed reaches to the end.
            let (phrase, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            let star = after.strip_prefix('*');
            words.extend(expression(phrase, star.is_some()));
            rest = star.unwrap_or(after);
        } else {
            let end = rest.find(|c| separates(c) || c == '"').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let beginning = word.trim_end_matches('*');
            words.extend(expression(beginning, beginning.len() < word.len()));
            rest = after;
        }
    }
    words.truncate(WORDS);
    words.join(" ")
}

/// One word or phrase; none of punctuation alone. Words of the index have no quote and no NUL.
fn expression(text: &str, begins: bool) -> Option<String> {
    let phrase = phrase(text);
    let star = if begins || phrase.begins { " *" } else { "" };
    (!phrase.words.is_empty()).then(|| format!("\"{}\"{star}", phrase.words))
}

fn separates(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn everything_typed_becomes_quoted_words() {
        let cases = [
            ("", ""),
            (" \t\n", ""),
            ("hello", r#""hello""#),
            ("Hello  WORLD", r#""hello" "world""#),
            ("NOT a OR b", r#""not" "a" "or" "b""#),
            ("text:x (y) ^z a-b", r#""text x" "y" "z" "a b""#),
            ("hel*", r#""hel" *"#),
            ("a*b * !", r#""a b""#),
            (r#""two words" x"#, r#""two words" "x""#),
            (r#""two wor"* x"#, r#""two wor" * "x""#),
            (r#""two wor*" x"#, r#""two wor" "x""#),
            (r#"open "to the end"#, r#""open" "to the end""#),
            (r#"a"b"c"#, r#""a" "b" "c""#),
            ("nul\0inside", r#""nul" "inside""#),
            ("\"nul\0inside\"", r#""nul inside""#),
            ("中 中文字 中文*", r#""中" * "中文 文字" "中文" *"#),
            ("🎉", r#""🎉""#),
        ];
        for (typed, expression) in cases {
            assert_eq!(words(typed), expression, "{typed:?}");
        }
    }
}
