-- Version 3. As before, numbers of core's (u64) are stored as the i64 of the same bits; moments are Unix milliseconds;
-- enumerations are the codes of code.rs.

-- The index of words is built anew.
INSERT INTO word (word) VALUES ('rebuild');
