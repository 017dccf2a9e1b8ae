-- Bytes of this file and of all before it in its dataset: the last file tells the dataset's size.
ALTER TABLE files ADD COLUMN bytes_through BIGINT;
UPDATE files SET bytes_through = sums.bytes_through FROM (
    SELECT file_id, SUM(size_bytes) OVER (PARTITION BY dataset_id ORDER BY position) AS bytes_through
    FROM files
) AS sums WHERE sums.file_id = files.file_id;
CREATE INDEX datasets_by_age ON datasets (created_at DESC, dataset_id);
CREATE INDEX datasets_by_owner ON datasets (owner, created_at DESC, dataset_id);
