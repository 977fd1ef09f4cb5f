//! The schema's versions. Each step takes a store from the version before it to its own, in one transaction together with
//! the number that says so; a store is never between two versions.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use sotto_core::OnionSecret;

use crate::code::of;

/// `PRAGMA application_id` of every store.
pub(crate) const APPLICATION_ID: i64 = 0x7374_746f;

/// A step from one version to the next.
struct Step {
    /// What SQL cannot do, before the rest.
    before: fn(&Connection) -> rusqlite::Result<()>,
    sql: &'static str,
}

/// The steps, the first of which starts from an empty database.
const STEPS: &[Step] = &[
    Step {
        before: |_| Ok(()),
        sql: include_str!("v1.sql"),
    },
    Step {
        before: own_address,
        sql: include_str!("v2.sql"),
    },
    Step {
        before: |_| Ok(()),
        sql: include_str!("v3.sql"),
    },
    Step {
        before: |_| Ok(()),
        sql: include_str!("v4.sql"),
    },
];

/// The version that this program writes.
#[expect(clippy::cast_possible_wrap, reason = "there are few versions")]
pub(crate) const SUPPORTED: i64 = STEPS.len() as i64;

/// The version that the database has; 0 is an empty one.
pub(crate) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the database from version `found` to the newest.
pub(crate) fn migrate(db: &mut Connection, found: i64) -> rusqlite::Result<()> {
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > found) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        (step.before)(&transaction)?;
        transaction.execute_batch(step.sql)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Builds the word index anew if it has words that were made by other rules.
pub(crate) fn renew_word_index(db: &mut Connection) -> rusqlite::Result<()> {
    let sql = "SELECT words IS words_version() FROM mark";
    if db.query_row(sql, [], |row| of("mark", row, row.get(0)))? {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("INSERT INTO word (word) VALUES ('rebuild'); UPDATE mark SET words = words_version()")?;
    transaction.commit()
}

/// Version 2 names this node by its address, which version 1 only had as the seed of its key.
fn own_address(db: &Connection) -> rusqlite::Result<()> {
    let seed: Option<[u8; 32]> = db
        .query_row("SELECT onion_seed FROM identity", [], |row| {
            of("identity", row, row.get(0))
        })
        .optional()?;
    let address = seed.map(|seed| *OnionSecret::from_seed(&seed).address().public_key());
    db.execute_batch("CREATE TEMP TABLE own (address BLOB)")?;
    db.execute("INSERT INTO temp.own SELECT ?1 WHERE ?1 IS NOT NULL", [address])?;
    Ok(())
}
