-- The file's name as names are compared. Not unique: earlier releases took what differs only in
-- case or in the composition of characters.
ALTER TABLE files ADD COLUMN folded_name TEXT;
CREATE INDEX files_by_folded_name ON files (dataset_id, folded_name);
