//! The tables of the catalog, version by version. The texts are the same for both databases.

use std::borrow::Cow;

use sqlx::{
    SqlStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

/// Each migration has a version, and never changes once it was released, because catalogs store a
/// checksum of it. Migrations only add, so that a running instance of an earlier release can
/// continue.
pub(super) const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "datasets and files", include_str!("migrations/1_datasets_and_files.sql")),
    (2, "owners", include_str!("migrations/2_owners.sql")),
    (3, "hashes", include_str!("migrations/3_hashes.sql")),
    (4, "folded names", include_str!("migrations/4_folded_names.sql")),
    (5, "totals", include_str!("migrations/5_totals.sql")),
    (6, "counts", include_str!("migrations/6_counts.sql")),
    (7, "staged", include_str!("migrations/7_staged.sql")),
    (8, "pending blobs", include_str!("migrations/8_pending_blobs.sql")),
    (9, "deletions", include_str!("migrations/9_deletions.sql")),
    (10, "api keys", include_str!("migrations/10_api_keys.sql")),
    (11, "small blobs", include_str!("migrations/11_small_blobs.sql")),
];

pub(super) fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, description, sql)| {
        let (description, sql) = (Cow::Borrowed(description), SqlStr::from_static(sql));
        Migration::new(version, description, MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.into())
}

/// Checks the version of a catalog that is only read.
pub(super) fn check_version(version: i64) -> Result<(), String> {
    let known = MIGRATIONS.len();
    match i64::try_from(known) {
        Ok(known) if version > known => Err(failure(&MigrateError::VersionMissing(version))),
        Ok(known) if version < known => Err(format!(
            "its version is {version}, of an earlier release; start a server of this release \
             once, which migrates it to version {known}"
        )),
        _ => Ok(()),
    }
}

/// Why a catalog could not be migrated.
pub(super) fn failure(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => format!(
            "a newer release has migrated it to version {version}, and this release knows versions \
             up to {}; use the newer release",
            MIGRATIONS.len()
        ),
        error => error.to_string(),
    }
}
