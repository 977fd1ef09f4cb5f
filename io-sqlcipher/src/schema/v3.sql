-- Version 3: words of every script.
--
-- As before, numbers of core's (u64) are stored as the i64 of the same bits; moments are Unix milliseconds; enumerations are
-- the codes of code.rs.

-- The rules by which the words of the index were made.
ALTER TABLE mark ADD COLUMN words TEXT;

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
