-- How many files a dataset has, and their bytes. An append changes this row first, so a second
-- one waits for it: positions have no gaps. `datasets` would not do: SQLite writes a whole row
-- again, and a schema has up to megabytes. `bytes_through` of `files` is not kept up any more.
CREATE TABLE dataset_counts (
    dataset_id TEXT NOT NULL PRIMARY KEY REFERENCES datasets (dataset_id),
    file_count BIGINT NOT NULL,
    total_size_bytes BIGINT NOT NULL
);
INSERT INTO dataset_counts (dataset_id, file_count, total_size_bytes)
SELECT datasets.dataset_id, COUNT(files.file_id),
    CAST(COALESCE(SUM(files.size_bytes), 0) AS BIGINT)
FROM datasets LEFT JOIN files ON files.dataset_id = datasets.dataset_id
GROUP BY datasets.dataset_id;
