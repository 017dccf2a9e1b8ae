//! Columns in folder names: `year=2024/month=1`, as Hive and Spark write them.

use std::{ffi::OsStr, path::Path};

use percent_encoding::percent_decode_str;

/// The name of a folder that stands for null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Keys with their values, outermost folder first; `None` is null.
pub type Partition = Vec<(String, Option<String>)>;

/// The columns in the folders of `path`: those below the source's folder, that folder itself, and
/// the folders directly above it that are named `key=value` as well.
pub(super) fn of_path(path: &Path, root: &Path) -> Partition {
    let above = root.ancestors().map_while(|folder| step(folder.file_name()?));
    let mut partition: Partition = above.collect();
    partition.reverse();
    let below = path.parent().and_then(|folder| folder.strip_prefix(root).ok());
    partition.extend(below.into_iter().flatten().filter_map(step));
    partition
}

/// The columns in the folders directly above an open file, of which only the path is known.
#[must_use]
pub fn partition_of_open_file(path: &str) -> Partition {
    let path = Path::new(path);
    path.parent().map(|folder| of_path(path, folder)).unwrap_or_default()
}

fn step(name: &OsStr) -> Option<(String, Option<String>)> {
    let (key, value) = name.to_str()?.split_once('=')?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let key = decoded(key).filter(|key| !key.is_empty())?;
    Some((key, if value == NULL { None } else { Some(decoded(value)?) }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{of_path, partition_of_open_file};

    #[test]
    fn columns_come_from_folders_below_the_source_and_directly_above_it() {
        let partition = |path: &str, root: &str| -> String {
            let partition = of_path(Path::new(path), Path::new(root));
            let words = |(key, value): (String, Option<String>)| {
                format!("{key}={}", value.as_deref().unwrap_or("<null>"))
            };
            partition.into_iter().map(words).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(partition("/t/y=1/m=2/a.parquet", "/t"), "y=1 m=2");
        assert_eq!(partition("/t/y=1/m=2/a.parquet", "/t/y=1"), "y=1 m=2");
        assert_eq!(partition("/t/y=1/m=2/a.parquet", "/t/y=1/m=2"), "y=1 m=2");
        assert_eq!(partition("/x=0/t/y=1/a.parquet", "/x=0/t"), "y=1");
        assert_eq!(partition("/t/y=1/raw/m=2/a.parquet", "/t"), "y=1 m=2");
        assert_eq!(partition("/t/a=1.parquet", "/t"), "");
        assert_eq!(partition("/t/k%20k=a%2Fb%3Dc/a.parquet", "/t"), "k k=a/b=c");
        assert_eq!(partition("/t/k=__HIVE_DEFAULT_PARTITION__/a.parquet", "/t"), "k=<null>");
        assert_eq!(partition("/t/=1/k=/a.parquet", "/t"), "k=");
    }

    #[test]
    fn columns_come_from_the_folders_of_an_open_file() {
        let keys = |path| partition_of_open_file(path).into_iter().map(|(key, _)| key);
        assert_eq!(keys("bucket/t/y=1/m=2/a.parquet").collect::<Vec<_>>(), ["y", "m"]);
        assert_eq!(keys("y=1/a.parquet").collect::<Vec<_>>(), ["y"]);
        assert_eq!(keys("a=1.parquet").count(), 0);
    }
}
