-- The bytes of small files and small staged files, under their ids. Larger ones are blobs. BYTEA is
-- the type of PostgreSQL; SQLite stores bytes as they are, whatever the type of a column is.
CREATE TABLE small_blobs (
    file_id TEXT NOT NULL PRIMARY KEY,
    bytes BYTEA NOT NULL
);
