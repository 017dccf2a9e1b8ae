-- Blobs that are not files, and were not staged: of uploads that have not ended, and blobs that
-- are to be deleted. Instances that share blobs need it; in a folder, the names of the blobs are
-- enough.
CREATE TABLE pending_blobs (
    file_id TEXT NOT NULL PRIMARY KEY,
    -- 1: the upload can no longer be committed, and the blob is deleted when this expires.
    is_expired BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pending_blobs_by_expiry ON pending_blobs (is_expired, expires_at, file_id);
