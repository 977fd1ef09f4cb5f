-- Version 2: conversations of several kinds, messages by author, the event log inside the messages that it announces.
--
-- As in version 1, numbers of core's (u64) are stored as the i64 of the same bits; moments are Unix milliseconds;
-- enumerations are the codes of code.rs. The tables session, cursors, offer, request, invite, consumer and trace stay as they
-- are, but for a column's name. `temp.own` holds this node's address, which SQL cannot derive from its key; it is empty
-- without an identity.

DROP INDEX conversation;
DROP INDEX unread;
DROP INDEX thread;
DROP INDEX failed;
DROP INDEX disappearing;

-- Every conversation that any row has named, once; rows hold the number. A peer has the number of the direct conversation with
-- it, as a contact and as an author. It is not a list of contacts: an event may name a peer that is none any more.
CREATE TABLE conversation (
    number INTEGER PRIMARY KEY,
    kind   INTEGER NOT NULL,
    id     BLOB NOT NULL CHECK (length(id) = 32),
    UNIQUE (kind, id)
) STRICT;
INSERT INTO conversation SELECT number, 0, address FROM peer;
DROP TABLE peer;
INSERT INTO conversation (kind, id) SELECT 0, address FROM temp.own WHERE true ON CONFLICT DO NOTHING;

ALTER TABLE cursors RENAME COLUMN generation TO session_epoch;
ALTER TABLE offer RENAME COLUMN generation TO session_epoch;
ALTER TABLE request RENAME COLUMN generation TO session_epoch;

-- `address` is this node's own number, by which its messages are told from those of others.
ALTER TABLE identity RENAME TO identity_1;
CREATE TABLE identity (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    address         INTEGER NOT NULL,
    onion_seed      BLOB NOT NULL,
    signal_identity BLOB NOT NULL,
    registration_id INTEGER NOT NULL,
    name            TEXT NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
INSERT INTO identity
    SELECT 1, conversation.number, onion_seed, signal_identity, registration_id, name, created_at
    FROM identity_1 LEFT JOIN conversation ON kind = 0 AND id = (SELECT address FROM temp.own);
DROP TABLE identity_1;

-- `features` are four bytes each, the highest first; NULL before the first Hello.
ALTER TABLE contact RENAME TO contact_1;
CREATE TABLE contact (
    contact      INTEGER PRIMARY KEY,
    relationship INTEGER NOT NULL,
    petname      TEXT NOT NULL,
    claimed_name TEXT NOT NULL,
    note         TEXT NOT NULL,
    invite       BLOB,
    identity_key BLOB,
    verified     INTEGER NOT NULL,
    blocked      INTEGER NOT NULL,
    features     BLOB,
    created_at   INTEGER NOT NULL,
    last_seen    INTEGER,
    attempts     INTEGER NOT NULL,
    next_attempt INTEGER
) STRICT;
INSERT INTO contact
    SELECT contact, standing, petname, claimed_name, note, invite, identity_key, verified, blocked, NULL, created_at,
           last_seen, attempts, next_attempt
    FROM contact_1;

CREATE TABLE timer (
    conversation INTEGER NOT NULL,
    author       INTEGER NOT NULL,
    seconds      INTEGER NOT NULL,
    PRIMARY KEY (conversation, author)
) STRICT, WITHOUT ROWID;
INSERT INTO timer SELECT contact, (SELECT address FROM identity), timer_ours FROM contact_1 WHERE timer_ours <> 0;
INSERT INTO timer SELECT contact, contact, timer_theirs FROM contact_1 WHERE timer_theirs <> 0;
DROP TABLE contact_1;

-- `conversation`, `author` and `message` are the key of the message whose delivery the row is; all three or none.
ALTER TABLE outbox RENAME TO outbox_1;
CREATE TABLE outbox (
    contact       INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    conversation  INTEGER,
    author        INTEGER,
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
INSERT INTO outbox
    SELECT contact, position, iif(message IS NULL, NULL, contact),
           iif(message IS NULL, NULL, (SELECT address FROM identity)), message, content, sequence, ciphertext, repeat,
           queued_at, expires_at, ttl, disappears_at
    FROM outbox_1;
DROP TABLE outbox_1;

-- A message, and its delivery row in the last three columns: both vanish together. `state` is NULL without a delivery row.
--
-- `number` is its order: the number of the event that announced it, so newest first is a walk backwards. While that event is
-- in the log and says nothing that is not here, it has no row of its own: `announced` is its kind, else NULL.
ALTER TABLE message RENAME TO message_1;
CREATE TABLE message (
    number        INTEGER PRIMARY KEY,
    conversation  INTEGER NOT NULL,
    author        INTEGER NOT NULL,
    id            BLOB NOT NULL,
    announced     INTEGER,
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
INSERT INTO message
    SELECT ordinal, message_1.contact, iif(message_1.direction = 0, message_1.contact, (SELECT address FROM identity)), id,
           event.kind, text, content_type, thread, reply_to, ttl, sent_at, message_1.at, edited_at, deleted_at, state,
           state_at, disappears_at
    FROM message_1 LEFT JOIN event ON seq = ordinal AND event.at = message_1.at AND event.contact = message_1.contact
        AND event.direction = message_1.direction AND event.message = message_1.id AND event.kind IN (1, 2)
    ORDER BY ordinal;

ALTER TABLE reaction RENAME TO reaction_1;
CREATE TABLE reaction (
    message INTEGER NOT NULL REFERENCES message ON UPDATE CASCADE ON DELETE CASCADE,
    author  INTEGER NOT NULL,
    emoji   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (message, author)
) STRICT, WITHOUT ROWID;
INSERT INTO reaction
    SELECT ordinal, iif(author = 0, contact, (SELECT address FROM identity)), emoji, reaction_1.at
    FROM reaction_1 JOIN message_1 ON number = reaction_1.message;
DROP TABLE reaction_1;

-- What happened and is not told by a message row. `author` and `message` are those of the message, or the author of the timer;
-- `actor` reacts; `value` depends on the kind.
ALTER TABLE event RENAME TO event_1;
CREATE TABLE event (
    seq          INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    author       INTEGER,
    message      BLOB,
    actor        INTEGER,
    value        INTEGER
) STRICT;
INSERT INTO event
    SELECT seq, at, kind, contact,
           CASE direction WHEN 0 THEN contact WHEN 1 THEN (SELECT address FROM identity) END, message,
           iif(kind <> 6, NULL, iif(value = 0, contact, (SELECT address FROM identity))), iif(kind <> 6, value, NULL)
    FROM event_1 WHERE seq NOT IN (SELECT number FROM message WHERE announced IS NOT NULL)
    ORDER BY seq;

-- `settled`: messages up to this number are in the indexes `name` and `word`; tail.rs says why not all. `dropped`: events up to
-- this one are not in the log any more.
CREATE TABLE mark (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    settled INTEGER NOT NULL,
    dropped INTEGER NOT NULL
) STRICT;
INSERT INTO mark SELECT 1, (SELECT coalesce(max(number), 0) FROM message), coalesce(min(seq), 1) - 1 FROM event_1;
DROP TABLE event_1;
DROP TABLE settled;

-- Numbers by key. The conversation comes first, so that a burst of one conversation touches few pages.
DROP TABLE name;
CREATE TABLE name (
    conversation INTEGER NOT NULL,
    author       INTEGER NOT NULL,
    id           BLOB NOT NULL,
    number       INTEGER NOT NULL,
    PRIMARY KEY (conversation, author, id)
) STRICT, WITHOUT ROWID;
INSERT INTO name SELECT conversation, author, id, number FROM message ORDER BY conversation, author, id;

-- The index of words. It keeps no copy of the text, and what is deleted is taken out of it at once, not at some later merge.
-- The conversation's number is a word of its own column, so that a search within a conversation meets no other's messages.
DROP TABLE word;
DROP TABLE message_1;
CREATE VIEW settled AS
    SELECT number, text, conversation FROM message WHERE number <= (SELECT settled FROM mark);
CREATE VIRTUAL TABLE word USING fts5 (
    text,
    conversation,
    content = 'settled',
    content_rowid = 'number',
    columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
-- Each page of it fits into a page of the database as one cell, with nothing left for an overflow page.
INSERT INTO word (word, rank) VALUES ('pgsz', 3900);
INSERT INTO word (word) VALUES ('rebuild');

-- The thread is there so that a list of threads needs no look at the messages themselves.
CREATE INDEX conversation_order ON message (conversation, number, thread);
-- What has no state is not ours, or was never read; what is ours has one from the start.
CREATE INDEX unread ON message (conversation, number, thread, author) WHERE state IS NULL AND deleted_at IS NULL;
CREATE INDEX thread_order ON message (thread, number) WHERE thread IS NOT NULL;
CREATE INDEX failed ON message (state) WHERE state IN (4, 5);
CREATE INDEX disappearing ON message (disappears_at) WHERE disappears_at IS NOT NULL;

DROP TABLE temp.own;
