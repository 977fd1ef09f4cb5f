-- Version 3: words of every script; an outbox without texts; what this node shows of itself, and what it knows of a contact's
-- key and consent.
--
-- As before, numbers of core's (u64) are stored as the i64 of the same bits; moments are Unix milliseconds; enumerations are
-- the codes of code.rs.

-- The rules by which the words of the index were made.
ALTER TABLE mark ADD COLUMN words TEXT;

-- A program has the store open: a part of it may be in the log beside the database.
ALTER TABLE mark ADD COLUMN open INTEGER NOT NULL DEFAULT 0;

-- The index of words, made by the function `words`; see words.rs. Else as in version 2: it keeps no copy of the text, what is
-- deleted is taken out of it at once, and the conversation's number is a word of its own column.
DROP TABLE word;
DROP VIEW settled;
CREATE VIEW settled AS
    SELECT number, words(text) AS text, conversation FROM message WHERE number <= (SELECT settled FROM mark);
CREATE VIRTUAL TABLE word USING fts5 (
    text,
    conversation,
    content = 'settled',
    content_rowid = 'number',
    columnsize = 0,
    tokenize = 'ascii'
);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
-- Each page of it fits into a page of the database as one cell, with nothing left for an overflow page.
INSERT INTO word (word, rank) VALUES ('pgsz', 3900);
INSERT INTO word (word) VALUES ('rebuild');
UPDATE mark SET words = words_version();

-- The outbox holds no text. `kind` says what a row carries: 0 a message, 1 the present text of an edited message, 2 a serialised
-- content (`content`), 3 nothing that is still worth sending. Of kinds 0 and 1, `conversation`, `author` and `message` name the
-- message; its content is made from it when the row is sealed.
ALTER TABLE outbox RENAME TO outbox_2;
CREATE TABLE outbox (
    contact       INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
    conversation  INTEGER,
    author        INTEGER,
    message       BLOB,
    content       BLOB,
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
    SELECT contact, position, CASE WHEN message IS NOT NULL THEN 0 WHEN length(content) > 0 THEN 2 ELSE 3 END,
           conversation, author, message, CASE WHEN message IS NULL AND length(content) > 0 THEN content END,
           sequence, ciphertext, repeat, queued_at, expires_at, ttl, disappears_at
    FROM outbox_2;
DROP TABLE outbox_2;

-- How this node shows itself; it was forgotten at each start, and online is what contacts have seen.
ALTER TABLE identity ADD COLUMN availability INTEGER NOT NULL DEFAULT 0;

-- `untrusted`: the identity key has replaced a verified one, and the user has not accepted it. `removed_by_peer`: the contact's
-- node says that it has removed this one.
ALTER TABLE contact ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN removed_by_peer INTEGER NOT NULL DEFAULT 0;
