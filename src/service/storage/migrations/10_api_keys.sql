-- An owner has a name and keys. The owner stays when its keys are revoked, so that a new key of the
-- same name sees its datasets.
CREATE TABLE key_owners (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL
);
CREATE UNIQUE INDEX key_owners_by_owner ON key_owners (owner);
-- Rows stay when a key is revoked, so that it cannot be added again by mistake.
CREATE TABLE api_keys (
    key_hash TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL,
    name TEXT NOT NULL REFERENCES key_owners (name),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_keys_by_id ON api_keys (key_id);
CREATE INDEX api_keys_by_name ON api_keys (name);
