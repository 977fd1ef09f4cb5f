//! Addresses and the small numbers that stand for them in every table. Both ways are remembered, since turning 32 bytes
//! back into an address costs a check of the curve point.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sotto_core::{OnionAddress, OnionSecret};

use crate::code::{named, of, undecodable};

/// Remembered pairs at most: strangers come and go, and must not fill memory.
const REMEMBERED: usize = 16 * 1024;

/// One connection's memory of the `peer` table.
#[derive(Default)]
pub(crate) struct Peers {
    numbers: BTreeMap<OnionAddress, i64>,
    addresses: BTreeMap<i64, OnionAddress>,
    own: Option<OnionAddress>,
}

impl Peers {
    /// The number of an address, given to it now if it has none.
    pub fn intern(&mut self, db: &Connection, address: &OnionAddress) -> rusqlite::Result<i64> {
        if let Some(number) = self.find(db, address)? {
            return Ok(number);
        }
        db.prepare_cached("INSERT INTO peer (address) VALUES (?)")?
            .execute([address.public_key()])?;
        let number = db.last_insert_rowid();
        self.remember(*address, number);
        Ok(number)
    }

    /// The number of an address, if any row has ever named it.
    pub fn find(&mut self, db: &Connection, address: &OnionAddress) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.numbers.get(address) {
            return Ok(Some(*number));
        }
        let found = db
            .prepare_cached("SELECT number FROM peer WHERE address = ?")?
            .query_row([address.public_key()], |row| row.get(0))
            .optional()?;
        if let Some(number) = found {
            self.remember(*address, number);
        }
        Ok(found)
    }

    /// The address behind a number.
    pub fn address(&mut self, db: &Connection, number: i64) -> rusqlite::Result<OnionAddress> {
        if let Some(address) = self.addresses.get(&number) {
            return Ok(*address);
        }
        let mut statement = db.prepare_cached("SELECT address FROM peer WHERE number = ?")?;
        let address = statement.query_row([number], |row| of("peer", row, address(row)));
        let address = named("peer", number, address)?;
        self.remember(address, number);
        Ok(address)
    }

    /// Our own address; none before there is an identity.
    pub fn own(&mut self, db: &Connection) -> rusqlite::Result<Option<OnionAddress>> {
        if self.own.is_none() {
            let seed: Option<[u8; 32]> = db
                .prepare_cached("SELECT onion_seed FROM identity")?
                .query_row([], |row| of("identity", row, row.get(0)))
                .optional()?;
            self.own = seed.map(|seed| OnionSecret::from_seed(&seed).address());
        }
        Ok(self.own)
    }

    /// Forgets everything: numbers given in a transaction that failed mean nothing.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, address: OnionAddress, number: i64) {
        if self.numbers.len() >= REMEMBERED {
            self.forget();
        }
        self.numbers.insert(address, number);
        self.addresses.insert(number, address);
    }
}

fn address(row: &Row<'_>) -> rusqlite::Result<OnionAddress> {
    OnionAddress::from_public_key(row.get(0)?).map_err(|_| undecodable(0, "onion address"))
}
