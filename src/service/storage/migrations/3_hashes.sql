-- SHA-256 of the file's bytes, in hexadecimal; NULL for files of releases that kept none.
ALTER TABLE files ADD COLUMN sha256 TEXT;
