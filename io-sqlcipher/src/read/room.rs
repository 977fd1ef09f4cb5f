//! The room that a store has in its own file: pages of what was deleted, which it fills before the file grows.

use super::Reader;
use crate::StoreError;

impl Reader {
    /// Bytes that can be written before the file grows.
    pub fn room(&self) -> Result<u64, StoreError> {
        self.read(|at| {
            let pragma = |name| at.db.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
            Ok(u64::from(pragma("freelist_count")?) * u64::from(pragma("page_size")?))
        })
    }
}
