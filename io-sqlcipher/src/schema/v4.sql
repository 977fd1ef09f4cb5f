-- Version 4: the prekey offer by its name; records of the application; the default timer; what the messages of a contact take up;
-- what each burst of messages writes, on fewer pages; hops of messages.
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

-- Bytes that the contact's messages take up: of their texts, and 512 for each. Of a peer that is forgotten nothing is counted.
ALTER TABLE cursors ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
UPDATE cursors SET stored = taken.bytes
    FROM (SELECT conversation, sum(512 + length(CAST(text AS BLOB))) AS bytes
          FROM message WHERE author = conversation GROUP BY conversation) AS taken
    WHERE taken.conversation = cursors.contact;

-- A contact's ratchet and its sequence numbers: most commits change both, so they are one row. `record` is NULL without a
-- session, the five numbers are without cursors.
ALTER TABLE session RENAME TO session_3;
CREATE TABLE session (
    contact       INTEGER PRIMARY KEY,
    session_epoch INTEGER,
    sent          INTEGER,
    acknowledged  INTEGER,
    received      INTEGER,
    stored        INTEGER,
    record        BLOB
) STRICT;
INSERT INTO session
    SELECT contact, session_epoch, sent, acknowledged, received, stored, record
    FROM cursors FULL JOIN session_3 USING (contact);
DROP TABLE session_3;
DROP TABLE cursors;

-- `named`: messages up to this number are in the index `name`. It takes in more messages at once than the index of words
-- does, for ids are random: each time it does, all of its pages are written.
ALTER TABLE mark ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
UPDATE mark SET named = settled;

-- Programs that have written, each to answer the one before; 0 if a person wrote the message.
ALTER TABLE message ADD COLUMN hops INTEGER NOT NULL DEFAULT 0;
