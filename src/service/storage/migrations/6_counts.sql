-- How many files a dataset has, and their bytes. An append changes its row first, so a second one
-- waits for it: positions have no gaps. SQLite writes only those pages of a row that differ, so a
-- long schema in it costs nothing. `bytes_through` of `files` is not kept up any more.
ALTER TABLE datasets ADD COLUMN file_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN total_size_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE datasets SET
    file_count = (SELECT COUNT(*) FROM files WHERE files.dataset_id = datasets.dataset_id),
    total_size_bytes = (
        SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM files
        WHERE files.dataset_id = datasets.dataset_id
    );
