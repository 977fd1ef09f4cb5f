//! The records of the application.

use rusqlite::OptionalExtension as _;

use super::Reader;
use crate::StoreError;
use crate::code::of;

impl Reader {
    /// The records whose keys begin so, in the order of the keys.
    pub fn records(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.records_after(prefix, None, usize::MAX)
    }

    /// The first `limit` of them whose keys come after that one.
    pub fn records_after(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|at| {
            let mut statement = at.db.prepare_cached(
                "SELECT key, value FROM record WHERE key >= ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key",
            )?;
            let mut rows = statement.query((prefix, after))?;
            let mut records = Vec::new();
            while records.len() < limit
                && let Some(row) = rows.next()?
            {
                let key: String = of("record", row, row.get(0))?;
                if !key.starts_with(prefix) {
                    break;
                }
                records.push((key, of("record", row, row.get(1))?));
            }
            Ok(records)
        })
    }

    /// How many records have keys that begin so, and their bytes, without the ones of these keys.
    pub fn size_of_records(&self, prefix: &str, without: &[String]) -> Result<(u64, u64), StoreError> {
        self.read(|at| {
            // Every key is text, and no character comes after this one.
            let end = format!("{prefix}\u{10ffff}");
            let mut all = at.db.prepare_cached(
                "SELECT count(*), coalesce(sum(octet_length(key) + octet_length(value)), 0) FROM record
                 WHERE key >= ? AND key < ?",
            )?;
            let (mut records, mut bytes): (i64, i64) =
                all.query_one([prefix, &end], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut one = at
                .db
                .prepare_cached("SELECT octet_length(key) + octet_length(value) FROM record WHERE key = ?")?;
            for key in without {
                if let Some(size) = one.query_row([key], |row| row.get::<_, i64>(0)).optional()? {
                    records -= 1;
                    bytes -= size;
                }
            }
            Ok((records.cast_unsigned(), bytes.cast_unsigned()))
        })
    }
}
