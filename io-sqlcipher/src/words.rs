//! [`words`]: the words of a text as the word index has them. FTS5 is given these instead of the text, and only splits them
//! at blanks (its tokenizer `ascii`). The words of a query are made in the same way.
//!
//! - A text is normalised (NFKC), its case folded, and accents are taken off: `Straße`, `STRASSE` and `ｓｔｒａｓｓｅ` are one
//!   word.
//! - A word is a run of letters, marks and digits. A symbol that is not ASCII, so an emoji, is a word of its own.
//! - Some scripts write no blanks between words (Chinese, Japanese, Thai), or write several words as one (Korean). Where one
//!   word ends there is a matter of dictionaries. So such a run is indexed by its pairs of neighbours, `中文字` as
//!   `中文 文字 字`. A phrase of pairs then finds any part of a run. The last character stands alone, so that a single one is
//!   the beginning of a word wherever it is. (Lucene's `CJKBigramFilter` does the same.)
//!
//! A word that is taken out of the index must be the very word that was put in. So [`version`] is kept in the database; when
//! it is another, the index is built anew.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{CanonicalCombiningClass, GeneralCategory, GeneralCategoryGroup, LineBreak, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

/// To be raised when [`words`] changes; a test notices that.
const VERSION: u32 = 1;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const COMBINING: CodePointMapDataBorrowed<'static, CanonicalCombiningClass> = CodePointMapData::new();
const LINE_BREAK: CodePointMapDataBorrowed<'static, LineBreak> = CodePointMapData::new();
const SCRIPT: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::new();

/// The rules by which words are made: ours, and the standard library's tables of case.
pub(crate) fn version() -> String {
    let (major, minor, update) = char::UNICODE_VERSION;
    format!("{VERSION} {major}.{minor}.{update}")
}

/// Makes `words(text)` and `words_version()` functions of SQL on this connection.
pub(crate) fn register(db: &Connection) -> rusqlite::Result<()> {
    // Innocuous: the schema may use them in a view.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function("words", 1, flags, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Text(text) => words(&String::from_utf8_lossy(text)),
            // A damaged row is refused by its name where it is read.
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
        })
    })?;
    db.create_scalar_function("words_version", 0, flags, |_| Ok(version()))
}

/// The words of a text, with blanks between them.
pub(crate) fn words(text: &str) -> String {
    let mut words = Words::of(text);
    words.end_run();
    words.found
}

/// A part of a query: words that follow each other in a text.
pub(crate) struct Phrase {
    /// The words, with blanks between them.
    pub words: String,
    /// The last one is the beginning of a word.
    pub begins: bool,
}

/// The words of a part of a query; its end may be in the middle of a run.
pub(crate) fn phrase(text: &str) -> Phrase {
    let mut words = Words::of(text);
    let begins = words.run.is_some_and(|run| run.is_first);
    if begins {
        words.end_run();
    }
    Phrase {
        words: words.found,
        begins,
    }
}

/// Words that are being found.
#[derive(Default)]
struct Words {
    found: String,
    /// The last character continues the word at the end of `found`.
    in_word: bool,
    run: Option<Run>,
}

/// A run of a script without blanks, up to here.
#[derive(Clone, Copy)]
struct Run {
    last: char,
    /// It has no other character yet.
    is_first: bool,
}

/// What a character, normalised and folded, does.
enum Class {
    /// It is in a word, with its neighbours.
    Letter,
    /// It is in a run of a script without blanks.
    Unspaced,
    /// It is a word.
    Symbol,
    Separator,
}

impl Words {
    /// Of a text, but for the end of a run that ends the text.
    fn of(text: &str) -> Self {
        let mut words = Self {
            found: String::with_capacity(text.len()),
            ..Self::default()
        };
        if text.is_ascii() {
            for byte in text.bytes() {
                words.push_ascii(byte);
            }
        } else {
            // Capital sharp s has no other capital; its small letter has.
            let folded = normalised(text)
                .flat_map(char::to_lowercase)
                .flat_map(char::to_uppercase)
                .flat_map(char::to_lowercase);
            for c in folded {
                words.push(c);
            }
        }
        words
    }

    /// What `push` does, for texts of ASCII alone: most are, and they have no runs.
    fn push_ascii(&mut self, byte: u8) {
        let is_letter = byte.is_ascii_alphanumeric();
        if is_letter {
            let c = char::from(byte.to_ascii_lowercase());
            if self.in_word {
                self.found.push(c);
            } else {
                self.begin(c);
            }
        }
        self.in_word = is_letter;
    }

    fn push(&mut self, c: char) {
        let class = Class::of(c);
        if !matches!(class, Class::Unspaced) {
            self.end_run();
        }
        match class {
            Class::Letter if self.in_word => self.found.push(c),
            Class::Letter => {
                self.begin(c);
                self.in_word = true;
                return;
            }
            Class::Unspaced => self.push_to_run(c),
            Class::Symbol => self.begin(c),
            Class::Separator => {}
        }
        self.in_word = matches!(class, Class::Letter);
    }

    fn push_to_run(&mut self, c: char) {
        if let Some(run) = self.run {
            self.begin(run.last);
            self.found.push(c);
        }
        self.run = Some(Run {
            last: c,
            is_first: self.run.is_none(),
        });
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.begin(run.last);
        }
    }

    /// Begins a word.
    fn begin(&mut self, c: char) {
        if !self.found.is_empty() {
            self.found.push(' ');
        }
        self.found.push(c);
    }
}

impl Class {
    fn of(c: char) -> Self {
        if c.is_ascii() {
            return if c.is_ascii_alphanumeric() {
                Self::Letter
            } else {
                Self::Separator
            };
        }
        let category = CATEGORY.get(c);
        if GeneralCategoryGroup::Letter
            .union(GeneralCategoryGroup::Mark)
            .union(GeneralCategoryGroup::Number)
            .contains(category)
        {
            return if is_unspaced(c) { Self::Unspaced } else { Self::Letter };
        }
        // An emoji may be younger than the tables.
        let symbols = GeneralCategoryGroup::Symbol
            .union(GeneralCategoryGroup::PrivateUse)
            .union(GeneralCategoryGroup::Unassigned);
        if symbols.contains(category) {
            Self::Symbol
        } else {
            Self::Separator
        }
    }
}

/// Whether a letter's script writes no blanks between words, or several words as one: a line may be broken at it without one
/// (Unicode Standard Annex 14).
fn is_unspaced(letter: char) -> bool {
    matches!(
        LINE_BREAK.get(letter),
        LineBreak::Ideographic
            | LineBreak::ConditionalJapaneseStarter
            | LineBreak::Nonstarter
            | LineBreak::H2
            | LineBreak::H3
            | LineBreak::JL
            | LineBreak::JV
            | LineBreak::JT
            | LineBreak::ComplexContext
            | LineBreak::Aksara
            | LineBreak::AksaraPrebase
            | LineBreak::AksaraStart
    )
}

/// The text in the form NFKC, without accents and without invisible characters.
fn normalised(text: &str) -> impl Iterator<Item = char> {
    let seen = NFKD.normalize_iter(text.chars()).filter(|c| !is_passed_over(*c));
    NFC.normalize_iter(seen)
}

/// Whether a decomposed character makes no other word: an accent, a vowel point, a joiner, a variation selector.
fn is_passed_over(c: char) -> bool {
    match CATEGORY.get(c) {
        GeneralCategory::Format => true,
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => {
            // Marks that belong to no script, but for the voicing marks of kana, which make other letters; and the points of
            // Hebrew, which has classes of its own for each.
            let class = COMBINING.get(c);
            SCRIPT.get(c) == Script::Inherited && class != CanonicalCombiningClass::KanaVoicing
                || SCRIPT.get(c) == Script::Hebrew && class != CanonicalCombiningClass::NotReordered
        }
        _ => false,
    }
}
