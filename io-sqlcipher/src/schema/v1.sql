-- Version 1. Numbers of core's (u64) are stored as the i64 of the same bits; moments are Unix milliseconds; enumerations
-- are the codes of code.rs. Table and column names are those of core's rows.

-- "stto", so that file(1) and we ourselves know the file once it is open.
PRAGMA application_id = 0x7374746f;

-- Every address that any row has named, once; rows hold the number. Not the contacts: an event may name a peer that has
-- no row of their own any more.
CREATE TABLE peer (
    number  INTEGER PRIMARY KEY,
    address BLOB NOT NULL UNIQUE CHECK (length(address) = 32)
) STRICT;

CREATE TABLE identity (
    number          INTEGER PRIMARY KEY CHECK (number = 1),
    onion_seed      BLOB NOT NULL,
    signal_identity BLOB NOT NULL,
    registration_id INTEGER NOT NULL,
    name            TEXT NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE contact (
    contact      INTEGER PRIMARY KEY,
    standing     INTEGER NOT NULL,
    petname      TEXT NOT NULL,
    claimed_name TEXT NOT NULL,
    note         TEXT NOT NULL,
    invite       BLOB,
    identity_key BLOB,
    verified     INTEGER NOT NULL,
    blocked      INTEGER NOT NULL,
    timer_ours   INTEGER NOT NULL,
    timer_theirs INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen    INTEGER,
    attempts     INTEGER NOT NULL,
    next_attempt INTEGER
) STRICT;

CREATE TABLE session (
    contact INTEGER PRIMARY KEY,
    record  BLOB NOT NULL
) STRICT;

CREATE TABLE cursors (
    contact      INTEGER PRIMARY KEY,
    generation   INTEGER NOT NULL,
    sent         INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    received     INTEGER NOT NULL
) STRICT;

CREATE TABLE offer (
    contact    INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    bundle     BLOB NOT NULL,
    secrets    BLOB NOT NULL
) STRICT;

CREATE TABLE request (
    contact     INTEGER PRIMARY KEY,
    generation  INTEGER NOT NULL,
    bundle      BLOB NOT NULL,
    note        TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;

CREATE TABLE invite (
    token      BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    contact       INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    message       BLOB,
    content       BLOB NOT NULL,
    sequence      INTEGER,
    ciphertext    BLOB,
    repeat        INTEGER NOT NULL,
    queued_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    ttl           INTEGER NOT NULL,
    disappears_at INTEGER,
    PRIMARY KEY (contact, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE consumer (
    name         TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A message, and its delivery row in the last three columns: both vanish together. `state` is NULL without a delivery row.
-- `number` grows as messages come, so newest first is a walk backwards.
CREATE TABLE message (
    number        INTEGER PRIMARY KEY,
    contact       INTEGER NOT NULL,
    direction     INTEGER NOT NULL,
    id            BLOB NOT NULL,
    ordinal       INTEGER NOT NULL,
    text          TEXT NOT NULL,
    content_type  INTEGER NOT NULL,
    thread        TEXT,
    reply_to      BLOB,
    ttl           INTEGER NOT NULL,
    sent_at       INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    edited_at     INTEGER,
    deleted_at    INTEGER,
    state         INTEGER,
    state_at      INTEGER,
    disappears_at INTEGER
) STRICT;

-- Numbers by name, of the messages up to the settled number; name.rs says why not of all. The conversation comes first, so
-- that a burst of one conversation touches few pages.
CREATE TABLE name (
    contact   INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    id        BLOB NOT NULL,
    number    INTEGER NOT NULL,
    PRIMARY KEY (contact, direction, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE settled (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO settled VALUES (1, 0);

-- The thread is there so that a list of threads needs no look at the messages themselves.
CREATE INDEX conversation ON message (contact, ordinal, thread);
CREATE INDEX unread ON message (contact, ordinal, thread)
    WHERE direction = 0 AND state IS NOT 3 AND deleted_at IS NULL;
CREATE INDEX thread ON message (thread, ordinal) WHERE thread IS NOT NULL;
CREATE INDEX failed ON message (ordinal) WHERE state IN (4, 5);
CREATE INDEX disappearing ON message (disappears_at) WHERE disappears_at IS NOT NULL;

CREATE TABLE reaction (
    message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
    author  INTEGER NOT NULL,
    emoji   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (message, author)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    contact   INTEGER NOT NULL,
    direction INTEGER,
    message   BLOB,
    value     INTEGER
) STRICT;

-- The index of words. It keeps no copy of the text, and what is deleted is taken out of it at once, not at some later merge.
-- The contact's number is a word of its own column, so that a search within a conversation meets no other's messages.
CREATE VIRTUAL TABLE word USING fts5 (
    text,
    contact,
    content = 'message',
    content_rowid = 'number',
    columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
-- Each page of it fits into a page of the database as one cell, with nothing left for an overflow page.
INSERT INTO word (word, rank) VALUES ('pgsz', 3900);

-- One row from an erasing commit on until its traces are wiped as well; see erase.rs.
CREATE TABLE trace (
    number INTEGER PRIMARY KEY CHECK (number = 1)
) STRICT;
