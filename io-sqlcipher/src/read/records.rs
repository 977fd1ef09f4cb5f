//! The records of the application.

use super::Reader;
use crate::StoreError;
use crate::code::of;

impl Reader {
    /// The records whose keys begin so, in the order of the keys.
    pub fn records(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|at| {
            let mut statement = at
                .db
                .prepare_cached("SELECT key, value FROM record WHERE key >= ? ORDER BY key")?;
            let mut rows = statement.query([prefix])?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                let key: String = of("record", row, row.get(0))?;
                if !key.starts_with(prefix) {
                    break;
                }
                records.push((key, of("record", row, row.get(1))?));
            }
            Ok(records)
        })
    }
}
