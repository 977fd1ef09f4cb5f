//! Separators of the word index. FTS5 finds the page of a word by separators: for each page that begins with a word, a
//! beginning of that word, long enough to tell it from the word before. Its secure-delete takes words out of the pages and
//! leaves the separators as they are. Here every separator whose word is gone becomes a beginning of the word that is now
//! the first one on the page, which separates as well.
//!
//! The forms read here are those of FTS5's `%_idx` and `%_data` tables, as described at the top of `fts5_index.c`.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// Bits of a page's number in the key of `word_data`; above them is the segment's.
const PAGE_NUMBER_BITS: u32 = 37;

/// A separator: which segment, which page of it, and the bytes.
struct Separator {
    segment: i64,
    page: i64,
    bytes: Vec<u8>,
}

/// What is to become of a separator.
enum Fate {
    Stays,
    /// Its page is gone; FTS5 itself passes it over.
    Goes,
    Becomes(Vec<u8>),
}

pub(super) fn renew_separators(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for separator in separators(&transaction)? {
        let Separator { segment, page, bytes } = &separator;
        match fate(&transaction, &separator)? {
            Fate::Stays => {}
            Fate::Goes => {
                transaction
                    .prepare_cached("DELETE FROM word_idx WHERE segid = ? AND term = ?")?
                    .execute((segment, bytes))?;
            }
            Fate::Becomes(new) => {
                transaction
                    .prepare_cached("UPDATE word_idx SET term = ?4 WHERE segid = ?1 AND term = ?3 AND pgno / 2 = ?2")?
                    .execute((segment, page, bytes, new))?;
            }
        }
    }
    transaction.commit()
}

/// All but the empty ones: the first page of a segment needs none.
fn separators(db: &Connection) -> rusqlite::Result<Vec<Separator>> {
    // The lowest bit of `pgno` is a flag.
    db.prepare_cached("SELECT segid, pgno / 2, term FROM word_idx WHERE length(term) > 0")?
        .query_map([], |row| {
            Ok(Separator {
                segment: row.get(0)?,
                page: row.get(1)?,
                bytes: row.get(2)?,
            })
        })?
        .collect()
}

fn fate(db: &Connection, separator: &Separator) -> rusqlite::Result<Fate> {
    // One that is too large is no page's.
    let key = (separator.segment << PAGE_NUMBER_BITS).wrapping_add(separator.page);
    let fate = db
        .prepare_cached("SELECT block FROM word_data WHERE id = ?")?
        .query_row([key], |row| {
            Ok(match first_word(row.get_ref(0)?.as_blob()?) {
                Some(word) if !word.starts_with(&separator.bytes) => Fate::Becomes(beginning(word, &separator.bytes)),
                Some(_) | None => Fate::Stays,
            })
        })
        .optional()?;
    Ok(fate.unwrap_or(Fate::Goes))
}

/// The shortest beginning of `word` that comes after `separator`. It separates where `separator` did: what was before that
/// one is before this one, and `word` is not.
fn beginning(word: &[u8], separator: &[u8]) -> Vec<u8> {
    let shared = word.iter().zip(separator).take_while(|(a, b)| a == b).count();
    word[..word.len().min(shared + 1)].to_vec()
}

/// The first word that begins on a page of the index. The page's bytes 2 and 3 are the length of its content; behind that
/// are the offsets of its words. At its offset, the first one stands whole, its length before it. Numbers are varints.
fn first_word(page: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes([*page.get(2)?, *page.get(3)?]));
    let (offset, _) = varint(page.get(length..)?)?;
    let (length, word) = varint(page.get(offset..)?)?;
    word.get(..length)
}

/// SQLite's variable-length number, of at most four bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        number = number << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_separator_is_after_the_old_one_and_not_after_the_word() {
        for (word, separator, expected) in [
            ("0meeting", "0meadow", "0mee"),
            ("0meeting", "0lunch", "0m"),
            ("0b", "0apple", "0b"),
            ("0ab", "0aa", "0ab"),
        ] {
            let new = beginning(word.as_bytes(), separator.as_bytes());
            assert_eq!(new, expected.as_bytes());
            assert!(new.as_slice() > separator.as_bytes() && new.as_slice() <= word.as_bytes());
        }
    }

    #[test]
    fn the_first_word_of_a_page_is_read_and_nonsense_is_none() {
        // No rowid, content of 4 + 1 + 3 + 2 bytes, a word of 3 at offset 4.
        let page = [0, 0, 0, 10, 3, b'0', b'a', b'b', 9, 9, 4];
        assert_eq!(first_word(&page), Some(&b"0ab"[..]));
        assert_eq!(first_word(&page[..10]), None, "no word begins on it");
        assert_eq!(first_word(&[]), None);
        assert_eq!(first_word(&[0, 0, 0xff, 0xff]), None);
        assert_eq!(first_word(&[0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
