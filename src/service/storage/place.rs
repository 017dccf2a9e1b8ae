//! Where datasets are stored: the place of the catalog, and that of the blobs.

use std::path::{Path, PathBuf};

use super::{postgres::PostgresUrl, s3::S3Place};
use crate::error::{Error, Result};

const CATALOG_FILE: &str = "catalog.sqlite";
const BLOBS_FOLDER: &str = "blobs";

/// Where datasets are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) catalog: CatalogPlace,
    pub(super) blobs: BlobsPlace,
}

/// Where names, positions and owners are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CatalogPlace {
    /// A file of SQLite, which one instance uses.
    Sqlite(PathBuf),
    /// A database that any number of instances use.
    Postgres(PostgresUrl),
}

/// Where the bytes of files are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BlobsPlace {
    Folder(PathBuf),
    /// Objects that any number of instances use.
    S3(S3Place),
}

impl Place {
    /// A folder for everything: `catalog.sqlite` and `blobs` in it.
    #[must_use]
    pub fn folder(folder: &Path) -> Self {
        Self {
            catalog: CatalogPlace::Sqlite(folder.join(CATALOG_FILE)),
            blobs: BlobsPlace::Folder(folder.join(BLOBS_FOLDER)),
        }
    }

    /// Whether only one process can use the place, which has its blobs next to the catalog.
    pub(super) fn is_one_folder(&self) -> bool {
        match &self.catalog {
            CatalogPlace::Sqlite(file) => {
                file.parent().is_some_and(|folder| *self == Self::folder(folder))
            }
            CatalogPlace::Postgres(_) => false,
        }
    }

    /// `folder` has the defaults of the others: see [`Place::folder`]. `blobs_options` are those of
    /// the store in `blobs`.
    ///
    /// # Errors
    /// [`Error::Configuration`] if one of them cannot be used, or if there is none.
    pub fn of(
        folder: Option<&Path>,
        catalog: Option<&str>,
        blobs: Option<&str>,
        blobs_options: &[(String, String)],
    ) -> Result<Self> {
        let blobs = match blobs {
            None if !blobs_options.is_empty() => return Err(no_options()),
            blobs => blobs.map(|place| blobs_place(place, blobs_options)).transpose()?,
        };
        let default = folder.map(local_folder).transpose()?.map(Self::folder);
        Ok(Self {
            catalog: catalog_of(folder, catalog)?,
            blobs: blobs
                .or(default.map(|default| default.blobs))
                .ok_or_else(|| missing("the place of the files"))?,
        })
    }
}

/// The place of a catalog: see [`Place::of`].
pub(super) fn catalog_of(folder: Option<&Path>, catalog: Option<&str>) -> Result<CatalogPlace> {
    let default = folder.map(local_folder).transpose()?.map(Place::folder);
    let catalog = catalog.map(catalog_place).transpose()?;
    catalog
        .or(default.map(|default| default.catalog))
        .ok_or_else(|| missing("the place of the catalog"))
}

fn missing(what: &str) -> Error {
    Error::configuration(format!("specify where to store datasets: {what} is missing"))
}

fn local_folder(folder: &Path) -> Result<&Path> {
    match folder.to_str().and_then(|place| place.split_once("://")) {
        Some((scheme, _)) => Err(Error::configuration(format!(
            "cannot store datasets in {scheme}://…; the place must be a local folder"
        ))),
        None => Ok(folder),
    }
}

fn catalog_place(place: &str) -> Result<CatalogPlace> {
    match place.split_once(':') {
        Some(("sqlite", file)) if !file.is_empty() => {
            Ok(CatalogPlace::Sqlite(local_path(file).into()))
        }
        Some(("postgres" | "postgresql", _)) => {
            Ok(CatalogPlace::Postgres(PostgresUrl::parse(place)?))
        }
        _ => Err(Error::configuration(format!(
            "cannot store a catalog in {}; the place must be sqlite:FILE or postgres://…",
            scheme_of(place)
        ))),
    }
}

fn blobs_place(place: &str, options: &[(String, String)]) -> Result<BlobsPlace> {
    match place.split_once(':') {
        Some(("file", folder)) if !folder.is_empty() => {
            if !options.is_empty() {
                return Err(no_options());
            }
            Ok(BlobsPlace::Folder(local_path(folder).into()))
        }
        Some(("s3", _)) => Ok(BlobsPlace::S3(S3Place::parse(place, options)?)),
        _ => Err(Error::configuration(format!(
            "cannot store files in {}; the place must be file:FOLDER or s3://BUCKET/PREFIX",
            scheme_of(place)
        ))),
    }
}

fn no_options() -> Error {
    Error::configuration("options apply only to files in s3://BUCKET/PREFIX")
}

/// `file:FOLDER` and `file:///FOLDER` name the same folder.
fn local_path(path: &str) -> &str {
    match path.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        _ => path,
    }
}

/// A URL without what may be secret in it.
fn scheme_of(place: &str) -> String {
    match place.split_once(':') {
        Some((scheme, _)) => format!("{scheme}:…"),
        None => "a place without a scheme".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{BlobsPlace, CatalogPlace, Place};

    fn of(folder: Option<&str>, catalog: Option<&str>, blobs: Option<&str>) -> Place {
        Place::of(folder.map(Path::new), catalog, blobs, &[]).unwrap()
    }

    fn refusal(folder: Option<&str>, catalog: Option<&str>, blobs: Option<&str>) -> String {
        Place::of(folder.map(Path::new), catalog, blobs, &[]).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_is_short_for_a_catalog_and_blobs_in_it() {
        for folder in ["data", "/data", "s3/data", "a:b"] {
            let long = (format!("sqlite:{folder}/catalog.sqlite"), format!("file:{folder}/blobs"));
            let place = of(Some(folder), None, None);
            assert_eq!(place, Place::folder(Path::new(folder)));
            assert_eq!(place, of(None, Some(&long.0), Some(&long.1)));
        }
        let elsewhere = of(Some("data"), None, Some("file:///mnt/blobs"));
        assert_eq!(elsewhere.blobs, BlobsPlace::Folder("/mnt/blobs".into()));
        assert_eq!(elsewhere.catalog, CatalogPlace::Sqlite("data/catalog.sqlite".into()));
    }

    #[test]
    fn a_place_that_cannot_be_used_is_rejected_without_its_secrets() {
        for url in ["s3://bucket/data", "postgres://db/sutro"] {
            assert!(refusal(Some(url), None, None).contains("must be a local folder"), "{url}");
        }
        for url in ["mysql://me:secret@db/sutro", "secret", "sqlite:", ""] {
            let words = refusal(Some("data"), Some(url), None);
            assert!(words.contains("must be sqlite:FILE") && !words.contains("secret"), "{words}");
            let words = refusal(Some("data"), None, Some(url));
            assert!(words.contains("must be file:FOLDER") && !words.contains("secret"), "{words}");
        }
        let option = [("endpoint".to_owned(), "secret".to_owned())];
        for blobs in [None, Some("file:a")] {
            let words =
                Place::of(Some(Path::new("a")), None, blobs, &option).unwrap_err().to_string();
            assert!(words.contains("s3://") && !words.contains("secret"), "{words}");
        }
        assert!(refusal(None, Some("sqlite:a"), None).contains("the place of the files"));
        assert!(refusal(None, None, Some("file:a")).contains("the place of the catalog"));
    }
}
