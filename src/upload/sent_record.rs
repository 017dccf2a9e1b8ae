//! A record of what this machine has sent into datasets, for servers that do not report hashes.
//!
//! One file for each dataset, one line of JSON for each file that was committed. Lines are only
//! appended, each in one write, and whole files are deleted, so many processes can share the
//! folder. The record is optional: if it cannot be written or read, uploads work without it.

use std::{
    collections::HashMap,
    fs::{self, DirEntry, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    client::ApiClient,
    config::{MAX_RECORD_BYTES, MAX_RECORDS, MAX_RECORDS_BYTES},
    content_hash::ContentHasher,
    wire::{digest::ContentHash, messages::DatasetFile},
};

/// The record of one dataset.
#[derive(Clone, Debug)]
pub(super) struct SentRecord {
    folder: PathBuf,
    path: PathBuf,
}

/// A file that was sent. Earlier releases wrote a SHA-256, as `sha256`; files are compared with it
/// as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SentFile {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    #[serde(flatten)]
    pub(super) hash: ContentHash,
}

impl SentRecord {
    /// The record in `folder` of a dataset. The file name is a hash, because a URL may contain more
    /// than others should read.
    pub(super) fn of(folder: &Path, service_url: &str, dataset_id: &str) -> Self {
        let hash =
            ContentHasher::hash_of(format!("{service_url}\n{dataset_id}").as_bytes()).to_string();
        let folder = folder.join("sent");
        Self { path: folder.join(format!("{}.jsonl", &hash[..32])), folder }
    }

    /// The record of a dataset, if the client keeps one.
    pub(super) fn of_client(client: &ApiClient, dataset_id: &str) -> Option<Self> {
        let folder = client.options().state_folder.as_deref()?;
        Some(Self::of(folder, client.base_url(), dataset_id))
    }

    /// Adds the hashes of files that this machine has sent to a listing without hashes.
    pub(super) fn complete(&self, listing: &mut [DatasetFile]) {
        if listing.iter().all(|file| file.sha256.is_some()) {
            return;
        }
        let sent = self.read().unwrap_or_default();
        for file in listing.iter_mut().filter(|file| file.sha256.is_none()) {
            let line = sent.get(&file.file_name);
            let line =
                line.filter(|line| file.size_bytes.is_none_or(|size| size == line.size_bytes));
            file.recorded_hash = line.map(|line| Box::new(line.hash));
        }
    }

    fn read(&self) -> io::Result<HashMap<String, SentFile>> {
        let mut text = Vec::new();
        File::open(&self.path)?.take(2 * MAX_RECORD_BYTES).read_to_end(&mut text)?;
        // A line that a full disk has cut short is skipped.
        let lines = text.split(|&byte| byte == b'\n');
        let lines = lines.filter_map(|line| serde_json::from_slice::<SentFile>(line).ok());
        Ok(lines.map(|line| (line.name.clone(), line)).collect())
    }

    /// Notes that files were committed.
    pub(super) fn add(&self, files: &[SentFile]) {
        if let Err(error) = self.append(files) {
            tracing::debug!("cannot record what was sent: {error}");
        }
    }

    fn append(&self, files: &[SentFile]) -> io::Result<()> {
        if !self.path.exists() {
            private_folder(&self.folder)?;
            self.make_room();
        }
        let mut file = private_file(&self.path)?;
        if file.metadata()?.len() >= MAX_RECORD_BYTES {
            return Ok(());
        }
        // The newline in front ends a line that a full disk has cut short.
        let mut text = String::from("\n");
        for file in files {
            text += &serde_json::to_string(file)?;
            text.push('\n');
        }
        file.write_all(text.as_bytes())
    }

    /// Deletes the records that were not written to for the longest time.
    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let facts = |entry: DirEntry| {
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            Some((modified, metadata.len(), entry.path()))
        };
        let mut records: Vec<_> = entries.flatten().filter_map(facts).collect();
        records.sort_unstable_by(|left, right| right.cmp(left));
        let mut bytes = 0;
        for (index, (_, length, path)) in records.iter().enumerate() {
            bytes += length;
            if index + 1 >= MAX_RECORDS || bytes > MAX_RECORDS_BYTES {
                // Another process may have deleted it.
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, thread};

    use super::{SentFile, SentRecord};
    use crate::{
        config::{MAX_RECORD_BYTES, MAX_RECORDS},
        content_hash::ContentHasher,
        wire::{digest::ContentHash, messages::DatasetFile},
        xxh3::{Xxh3, Xxh3Hasher},
    };

    fn listing(names: &[String], size_bytes: Option<u64>) -> Vec<DatasetFile> {
        let mut listing: Vec<DatasetFile> =
            serde_json::from_value(serde_json::to_value(names).unwrap()).unwrap();
        for file in &mut listing {
            file.size_bytes = size_bytes;
        }
        listing
    }

    fn sent(name: &str, size_bytes: u64, hash: Xxh3) -> SentFile {
        SentFile { name: name.to_owned(), size_bytes, hash: ContentHash::Xxh3(hash) }
    }

    fn hash_of(bytes: &[u8]) -> Xxh3 {
        let mut hasher = Xxh3Hasher::default();
        hasher.update(bytes);
        hasher.hash()
    }

    fn recorded(record: &SentRecord, name: &str, size_bytes: Option<u64>) -> Option<ContentHash> {
        let mut listing = listing(&[name.to_owned()], size_bytes);
        record.complete(&mut listing);
        listing[0].content_hash()
    }

    #[test]
    fn the_last_hash_sent_is_found_by_server_dataset_name_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let record = SentRecord::of(folder.path(), "https://one", "dataset-1");
        let (old, new) = (hash_of(b"old"), hash_of(b"new"));
        record.add(&[sent("é \"x\".parquet", 3, old)]);
        record.add(&[sent("é \"x\".parquet", 3, new)]);
        assert_eq!(recorded(&record, "é \"x\".parquet", Some(3)), Some(ContentHash::Xxh3(new)));
        assert_eq!(recorded(&record, "é \"x\".parquet", None), Some(ContentHash::Xxh3(new)));
        assert_eq!(recorded(&record, "é \"x\".parquet", Some(4)), None);
        assert_eq!(recorded(&record, "y.parquet", Some(3)), None);
        for (url, dataset) in [("https://two", "dataset-1"), ("https://one", "dataset-2")] {
            let other = SentRecord::of(folder.path(), url, dataset);
            assert_eq!(recorded(&other, "é \"x\".parquet", Some(3)), None);
        }
    }

    #[test]
    fn a_hash_in_the_listing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let record = SentRecord::of(folder.path(), "https://one", "dataset-1");
        record.add(&[sent("a.parquet", 3, hash_of(b"mine"))]);
        let mut listing = listing(&["a.parquet".to_owned()], Some(3));
        listing[0].sha256 = Some(ContentHasher::hash_of(b"theirs"));
        record.complete(&mut listing);
        let theirs = ContentHash::Sha256(ContentHasher::hash_of(b"theirs"));
        assert_eq!(listing[0].content_hash(), Some(theirs));
    }

    #[test]
    fn a_line_of_an_earlier_release_has_a_sha_256_and_is_used_until_a_later_line() {
        let folder = tempfile::tempdir().unwrap();
        let record = SentRecord::of(folder.path(), "https://one", "dataset-1");
        record.add(&[sent("b.parquet", 1, hash_of(b"b"))]);
        let sha256 = ContentHasher::hash_of(b"abc");
        let line =
            format!("\n{{\"name\":\"a.parquet\",\"size_bytes\":3,\"sha256\":\"{sha256}\"}}\n");
        let mut file = fs::OpenOptions::new().append(true).open(&record.path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
        assert_eq!(recorded(&record, "a.parquet", Some(3)), Some(ContentHash::Sha256(sha256)));
        assert_eq!(recorded(&record, "a.parquet", Some(4)), None);
        record.add(&[sent("a.parquet", 3, hash_of(b"abc"))]);
        let xxh3 = ContentHash::Xxh3(hash_of(b"abc"));
        assert_eq!(recorded(&record, "a.parquet", Some(3)), Some(xxh3));
    }

    #[test]
    fn concurrent_writers_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let record = SentRecord::of(folder.path(), "https://one", "dataset-1");
        let name = |writer, file| format!("{writer}-{file}-{}.parquet", "x".repeat(200));
        thread::scope(|scope| {
            for writer in 0..8 {
                let record = record.clone();
                scope.spawn(move || {
                    for file in 0..100 {
                        record.add(&[sent(&name(writer, file), file, hash_of(&[1]))]);
                    }
                });
            }
        });
        for writer in 0..8 {
            for file in 0..100 {
                assert!(recorded(&record, &name(writer, file), Some(file)).is_some());
            }
        }
    }

    #[test]
    fn a_truncated_line_does_not_affect_other_lines() {
        let folder = tempfile::tempdir().unwrap();
        let record = SentRecord::of(folder.path(), "https://one", "dataset-1");
        record.add(&[sent("a.parquet", 1, hash_of(b"a"))]);
        let mut file = fs::OpenOptions::new().append(true).open(&record.path).unwrap();
        file.write_all(b"{\"name\":\"cut").unwrap();
        record.add(&[sent("b.parquet", 1, hash_of(b"b"))]);
        assert!(recorded(&record, "a.parquet", None).is_some());
        assert!(recorded(&record, "b.parquet", None).is_some());
    }

    #[test]
    fn an_unwritable_folder_is_not_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let record = SentRecord::of(&file, "https://one", "dataset-1");
        record.add(&[sent("a.parquet", 1, hash_of(b"a"))]);
        assert_eq!(recorded(&record, "a.parquet", None), None);
    }

    #[test]
    fn records_are_bounded_in_number_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let record = |number: usize| {
            SentRecord::of(folder.path(), "https://one", &format!("dataset-{number}"))
        };
        for number in 0..MAX_RECORDS + 20 {
            record(number).add(&[sent("a.parquet", 1, hash_of(b"a"))]);
        }
        let count = fs::read_dir(folder.path().join("sent")).unwrap().count();
        assert!(count <= MAX_RECORDS, "{count}");
        let last = record(MAX_RECORDS + 19);
        let file = fs::OpenOptions::new().append(true).open(&last.path).unwrap();
        file.set_len(MAX_RECORD_BYTES).unwrap();
        last.add(&[sent("b.parquet", 1, hash_of(b"b"))]);
        assert_eq!(file.metadata().unwrap().len(), MAX_RECORD_BYTES);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_record() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let record = SentRecord::of(&folder.path().join("state"), "https://one", "dataset-1");
        record.add(&[sent("a.parquet", 1, hash_of(b"a"))]);
        let mode =
            |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&record.path), mode(&record.folder)), (0o600, 0o700));
    }
}
