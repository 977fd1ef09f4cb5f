//! The schema's versions. Each file takes a store from the version before it to its own, in one transaction together
//! with the number that says so; a store is never between two versions.

use rusqlite::{Connection, TransactionBehavior};

/// `PRAGMA application_id` of every store.
pub(crate) const APPLICATION_ID: i64 = 0x7374_746f;

/// The steps, the first of which starts from an empty database.
const STEPS: &[&str] = &[include_str!("v1.sql")];

/// The version that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are few versions")]
pub(crate) const SUPPORTED: i64 = STEPS.len() as i64;

/// The version that the database has; 0 is an empty one.
pub(crate) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the database from version `found` to the newest.
pub(crate) fn migrate(db: &mut Connection, found: i64) -> rusqlite::Result<()> {
    for (version, sql) in (1..).zip(STEPS).filter(|(version, _)| *version > found) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
