-- Files that are stored and checked, and not part of their dataset yet. A file keeps its id when
-- it is committed, so the files of a dataset show which commits went through.
CREATE TABLE staged_schemas (
    -- SHA-256 of the text, in hexadecimal.
    schema_id TEXT NOT NULL PRIMARY KEY,
    data_schema TEXT NOT NULL
);

CREATE TABLE staged (
    staged_id TEXT NOT NULL PRIMARY KEY,
    dataset_id TEXT NOT NULL REFERENCES datasets (dataset_id),
    -- SHA-256 of the API key that staged the file; empty where there were no keys.
    owner TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    first_byte_at BIGINT NOT NULL,
    last_byte_at BIGINT NOT NULL,
    -- NULL: the dataset had a schema already, and the file has the same.
    schema_id TEXT REFERENCES staged_schemas (schema_id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX staged_by_expiry ON staged (expires_at, staged_id);
CREATE INDEX staged_by_owner ON staged (owner, expires_at, staged_id);
CREATE INDEX staged_by_schema ON staged (schema_id);

-- What each owner has staged, so that a limit costs one row.
CREATE TABLE staged_totals (
    owner TEXT NOT NULL PRIMARY KEY,
    file_count BIGINT NOT NULL,
    total_size_bytes BIGINT NOT NULL
);
