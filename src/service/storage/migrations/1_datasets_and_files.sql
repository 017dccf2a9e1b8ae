CREATE TABLE datasets (
    dataset_id TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    created_at BIGINT NOT NULL,
    data_schema TEXT
);

CREATE TABLE files (
    file_id TEXT NOT NULL PRIMARY KEY,
    dataset_id TEXT NOT NULL REFERENCES datasets (dataset_id),
    position BIGINT NOT NULL,
    file_name TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    first_byte_at BIGINT NOT NULL,
    last_byte_at BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    UNIQUE (dataset_id, position),
    UNIQUE (dataset_id, file_name)
);
