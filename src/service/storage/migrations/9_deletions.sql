-- The positions of deleted files are not used again, so that a position stays valid while others
-- delete files: the next file gets the position file_count + deleted_count.
ALTER TABLE datasets ADD COLUMN deleted_count BIGINT NOT NULL DEFAULT 0;
-- The ids of deleted datasets and their owners. Another owner cannot use the id again, because an
-- upload or a listing that is under way would end in the wrong dataset.
CREATE TABLE deleted_datasets (
    dataset_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT
);
