//! The statements about keys, by the rules of [`super::sql`], whose tests check them too.

/// No row if the name has an owner, or the owner has a name.
pub(super) const ADD_OWNER: &str =
    "INSERT INTO key_owners (name, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING";

pub(super) const OWNER_OF_NAME: &str = "SELECT owner FROM key_owners WHERE name = $1";

/// No row if there is such a key, or one with this id.
pub(super) const ADD_KEY: &str = "\
    INSERT INTO api_keys (key_hash, key_id, name, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT DO NOTHING";

/// One row if a key was added under this name at this time.
pub(super) const IS_ADDED: &str =
    "SELECT 1 FROM api_keys WHERE key_hash = $1 AND name = $2 AND created_at = $3";

/// An earlier run of the same transaction has revoked at the same time.
pub(super) const REVOKE: &str = "\
    UPDATE api_keys SET revoked_at = $2 \
    WHERE (name = $1 OR key_id = $1) AND (revoked_at IS NULL OR revoked_at = $2) \
    RETURNING key_id, name, created_at";

pub(super) const HAS_KEYS: &str = "SELECT 1 FROM api_keys WHERE revoked_at IS NULL LIMIT 1";

pub(super) const KEYS: &str = "\
    SELECT key_id, name, created_at FROM api_keys WHERE revoked_at IS NULL \
    ORDER BY name, created_at, key_id";

pub(super) const OWNERS_BY_KEY: &str = "\
    SELECT key_hash, owner FROM api_keys JOIN key_owners ON key_owners.name = api_keys.name \
    WHERE revoked_at IS NULL";
