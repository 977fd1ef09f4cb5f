-- Version 4: the prekey offer by its name; records of the application; the default timer.
--
-- As before, numbers of core's (u64) are stored as the i64 of the same bits; moments are Unix milliseconds; enumerations are
-- the codes of code.rs.

ALTER TABLE offer RENAME TO prekey_offer;

-- What the application must not forget and the node does not interpret.
CREATE TABLE record (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Our timer in conversations that begin, in seconds; 0 is off.
ALTER TABLE identity ADD COLUMN default_timer INTEGER NOT NULL DEFAULT 0;
