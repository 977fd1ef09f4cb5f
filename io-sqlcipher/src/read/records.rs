//! The records of the application.

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

    /// How many records have keys that begin so.
    pub fn count_records(&self, prefix: &str) -> Result<u64, StoreError> {
        self.read(|at| {
            // Every key is text, and no character comes after this one.
            let end = format!("{prefix}\u{10ffff}");
            let mut statement = at
                .db
                .prepare_cached("SELECT count(*) FROM record WHERE key >= ? AND key < ?")?;
            let count: i64 = statement.query_one([prefix, &end], |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
    }
}
