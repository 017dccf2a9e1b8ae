//! Resolves sources to local paths and URLs.

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    hint::{Hint, Message},
    source::{of_file_url, remote::RemoteUrl, scheme_of},
};

/// Where a source is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Located {
    Local(PathBuf),
    Remote(RemoteUrl),
}

/// Where a source is.
///
/// # Errors
/// [`Error::Configuration`] for an empty path, and for a URL that cannot be read.
pub(super) fn locate(source: &str) -> Result<Located> {
    if source.is_empty() {
        return Err(Error::configuration("a source is an empty path"));
    }
    let path = Path::new(source);
    match scheme_of(source) {
        Some(_) if path.exists() => Ok(Located::Local(path.to_owned())),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => {
            Ok(Located::Local(of_file_url(rest)))
        }
        Some((scheme, rest)) if rest.trim_matches('/').is_empty() => {
            Err(Error::configuration(format!("{source} has no path after {scheme}:")))
        }
        Some((scheme, rest)) => match RemoteUrl::parse(scheme, rest.trim_start_matches('/'))? {
            Some(url) => Ok(Located::Remote(url)),
            None => Err(elsewhere(source, scheme, rest)),
        },
        None => Ok(Located::Local(path.to_owned())),
    }
}

fn elsewhere(source: &str, scheme: &str, rest: &str) -> Error {
    let url = format!("{scheme}://{}", rest.trim_start_matches('/'));
    let hint = if source.contains(['*', '?', '[']) {
        Hint::FetchFiles { url }
    } else {
        Hint::FetchFile { url }
    };
    let message = format!("{source} is not on this machine, and {scheme}: URLs are not supported");
    Error::configuration(Message::from(message).hint(hint))
}

/// The likely cause if no file has this path.
pub(in crate::upload) fn why_missing(path: &Path) -> Option<Message> {
    if let Ok(target) = path.read_link() {
        let why = format!("it is a link to {}, which does not exist", target.display());
        return Some(why.into());
    }
    let text = path.to_string_lossy();
    let names_variable = text.split_once('$').is_some_and(|(_, rest)| {
        rest.starts_with(|c: char| c == '{' || c == '_' || c.is_alphabetic())
    });
    names_variable.then(|| {
        Message::from("environment variables are not expanded").hint(Hint::ExpandVariables)
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Located, RemoteUrl, locate, why_missing};
    use crate::{Error, hint::Hint};

    fn local(source: &str) -> Result<PathBuf, Error> {
        match locate(source)? {
            Located::Local(path) => Ok(path),
            Located::Remote(url) => panic!("{url:?}"),
        }
    }

    #[test]
    fn urls_of_stores_the_web_and_the_hub_are_remote() {
        let parsed = |scheme, rest| RemoteUrl::parse(scheme, rest).unwrap().unwrap();
        for (source, url) in [
            ("s3://bucket/x/*.parquet", parsed("s3", "bucket/x/*.parquet")),
            ("gs:/bucket/x", parsed("gs", "bucket/x")),
            ("ABFSS://container/x", parsed("az", "container/x")),
            ("https://h/x.parquet?q", RemoteUrl::Web("https://h/x.parquet?q".into())),
            ("hf://datasets/a/b/c", parsed("hf", "datasets/a/b/c")),
        ] {
            assert_eq!(locate(source).unwrap(), Located::Remote(url));
        }
    }

    #[test]
    fn a_url_of_another_kind_is_rejected_with_advice_to_download_it() {
        for url in ["sftp://h/x", "oss://c/x/*.parquet", "dbfs:/a/b"] {
            let message = local(url).unwrap_err().to_string();
            assert!(message.contains(url) && message.ends_with("; download it first"), "{message}");
        }
        let hint_for = |url| match local(url) {
            Err(Error::Configuration(message)) => message.hints().to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!(hint_for("sftp://h/*"), [Hint::FetchFiles { url: "sftp://h/*".to_owned() }]);
        assert_eq!(hint_for("sftp:/h/x"), [Hint::FetchFile { url: "sftp://h/x".to_owned() }]);
    }

    #[test]
    fn a_url_without_a_path_is_rejected() {
        for url in ["https://", "s3:/", "hf:///"] {
            let message = local(url).unwrap_err().to_string();
            assert!(message.starts_with(url) && message.contains("has no path"), "{message}");
        }
    }

    #[test]
    fn a_file_url_is_a_path() {
        for url in [
            "file:///data/a%20b.parquet",
            "FILE://localhost/data/a%20b.parquet",
            "file:/data/a%20b.parquet",
        ] {
            assert_eq!(local(url).unwrap(), PathBuf::from("/data/a b.parquet"), "{url}");
        }
        for path in ["a:b.parquet", "C:/a.parquet", "x/a:/b.parquet"] {
            assert_eq!(local(path).unwrap(), PathBuf::from(path));
        }
    }

    #[test]
    fn an_unexpanded_environment_variable_is_suggested_as_the_cause_of_a_missing_file() {
        for path in ["$DATA/a.parquet", "/x/${DATA}/a.parquet"] {
            assert_eq!(why_missing(Path::new(path)).unwrap().hints(), [Hint::ExpandVariables]);
        }
        for path in ["/x/a.parquet", "/x/a$.parquet", "/x/$1"] {
            assert_eq!(why_missing(Path::new(path)), None, "{path}");
        }
    }
}
