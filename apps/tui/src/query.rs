//! [`Query`]: what the user searches for. The daemon is asked by [`Query::expression`]; [`Query::hits`] says where a text has it, as the store
//! finds it: words by their beginnings, without regard to case and accents.

use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;

const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();

/// Words to search for, as the user has typed them.
#[derive(Debug)]
pub struct Query {
    terms: Vec<Term>,
}

/// Words that follow each other in a text.
#[derive(Debug)]
struct Term {
    typed: String,
    words: Vec<Vec<char>>,
    /// The last one is the beginning of a word.
    begins: bool,
}

impl Query {
    /// Reads what was typed. Each word can be the beginning of one, as it may not be written to its end; `"in quotes"` it is a whole one.
    pub fn of(typed: &str) -> Self {
        let mut terms = Vec::new();
        for (number, part) in typed.split('"').enumerate() {
            if number % 2 == 1 {
                terms.extend(Term::of(part, false));
            } else {
                let words = part.split(|c: char| c.is_whitespace() || c.is_control());
                terms.extend(words.filter_map(|word| Term::of(word.trim_end_matches('*'), true)));
            }
        }
        Self { terms }
    }

    /// What the daemon is asked for; empty if there are no words.
    pub fn expression(&self) -> String {
        let term = |term: &Term| {
            if term.begins {
                format!("{}*", term.typed)
            } else {
                format!("\"{}\"", term.typed)
            }
        };
        self.terms.iter().map(term).collect::<Vec<_>>().join(" ")
    }

    /// Where a text has one of the words: in bytes, in order.
    pub fn hits(&self, text: &str) -> Vec<Range<usize>> {
        let folded: Vec<Folded> = folded(text).collect();
        let mut hits = Vec::new();
        let mut at = 0;
        while at < folded.len() {
            let longest = self.terms.iter().filter_map(|term| term.end_at(&folded, at)).max();
            match longest {
                Some(end) => {
                    hits.push(folded[at].from..folded[end - 1].to);
                    at = end;
                }
                None => at += 1,
            }
        }
        hits
    }
}

impl Term {
    /// None of punctuation alone.
    fn of(typed: &str, begins: bool) -> Option<Self> {
        let folded: Vec<char> = folded(typed).map(|folded| folded.c).collect();
        let words = folded.split(|c| !is_of_word(*c)).filter(|word| !word.is_empty());
        let words: Vec<Vec<char>> = words.map(<[char]>::to_vec).collect();
        (!words.is_empty()).then(|| Self {
            typed: typed.to_owned(),
            words,
            begins,
        })
    }

    /// Where the term ends, if the text has it at that place.
    fn end_at(&self, text: &[Folded], at: usize) -> Option<usize> {
        let mut end = at;
        for (number, word) in self.words.iter().enumerate() {
            while number > 0 && text.get(end).is_some_and(|next| !is_of_word(next.c)) {
                end += 1;
            }
            let here = text.get(end..end + word.len())?;
            let same = here.iter().map(|folded| folded.c).eq(word.iter().copied());
            let first = is_unspaced(word[0]) || end == 0 || !is_of_word(text[end - 1].c);
            end += word.len();
            let begins = self.begins && number + 1 == self.words.len();
            let last =
                begins || is_unspaced(word[word.len() - 1]) || text.get(end).is_none_or(|next| !is_of_word(next.c));
            if !(same && first && last) {
                return None;
            }
        }
        Some(end)
    }
}

/// A character without case and accents, and the bytes of the text that it is of.
struct Folded {
    c: char,
    from: usize,
    to: usize,
}

fn folded(text: &str) -> impl Iterator<Item = Folded> {
    text.char_indices().flat_map(|(from, c)| {
        let to = from + c.len_utf8();
        let folds = NFKD.normalize_iter(std::iter::once(c)).filter(|c| !is_accent(*c));
        // Of capital sharp s only the small letter has another capital.
        let folds = folds
            .flat_map(char::to_lowercase)
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase);
        folds.map(move |c| Folded { c, from, to })
    })
}

const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace() && !c.is_control()
}

/// Of a script without blanks between words, in which any part of a text is found.
const fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{1f000}'..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Query;

    #[test]
    fn words_are_beginnings_and_what_is_quoted_is_whole() {
        for (typed, expression) in [
            ("need", "need*"),
            ("Two  words", "Two* words*"),
            ("need*", "need*"),
            ("\"two words\" more", "\"two words\" more*"),
            ("\"to the end", "\"to the end\""),
            (" ! \"\" *", ""),
            ("a-b", "a-b*"),
        ] {
            assert_eq!(Query::of(typed).expression(), expression, "{typed}");
        }
    }

    #[test]
    fn every_hit_of_a_text_is_found_as_the_store_finds_it() {
        for (typed, text, hits) in [
            (
                "need",
                "A needle needs NEED, kneeling unneeded",
                vec!["need", "need", "NEED"],
            ),
            ("\"need\"", "A needle needs NEED", vec!["NEED"]),
            ("lake see", "See you at the lakes, see", vec!["See", "lake", "see"]),
            (
                "\"the lake\"",
                "the lake, the  Lake; the sea",
                vec!["the lake", "the  Lake"],
            ),
            ("zoe", "Zoë and ZOE\u{308}", vec!["Zoë", "ZOE"]),
            ("weiß", "ＷＥＩẞ", vec!["ＷＥＩẞ"]),
            ("文字", "中文字", vec!["文字"]),
            ("a-b", "a b, a_b and ab", vec!["a b", "a_b"]),
            ("", "nothing", vec![]),
        ] {
            let query = Query::of(typed);
            let found: Vec<&str> = query.hits(text).into_iter().map(|hit| &text[hit]).collect();
            assert_eq!(found, hits, "{typed:?} in {text:?}");
        }
    }

    proptest! {
        #[test]
        fn hits_are_in_order_and_at_characters(typed in "\\PC{0,6}", text in "\\PC{0,40}") {
            let mut end = 0;
            for hit in Query::of(&typed).hits(&text) {
                prop_assert!(hit.start >= end || hit.start < hit.end);
                prop_assert!(text.get(hit.clone()).is_some());
                end = hit.end;
            }
        }
    }
}
