use std::{fs, io::Write, path::Path};

use bytes::Bytes;

use super::{Content, ContentReader, Piece, READ_BYTES, Source, TAIL_BYTES};
use crate::{
    content_hash::{ContentHasher, KnownHashes},
    error::Error,
    location::Location,
    wire::digest::{ContentHash, HashKind},
    xxh3::Xxh3Hasher,
};

fn bytes(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|n| u8::try_from((n * 7 + seed) % 251).unwrap()).collect()
}

fn pinned(path: &Path, bytes: &[u8]) -> Source {
    fs::write(path, bytes).unwrap();
    Source::pin(path).unwrap()
}

fn xxh3_only(bytes: &[u8]) -> KnownHashes {
    let mut hasher = Xxh3Hasher::default();
    hasher.update(bytes);
    KnownHashes { sha256: None, xxh3: Some(hasher.hash()) }
}

/// Reads everything; returns the last part separately.
async fn read(content: &Content) -> Result<(Vec<u8>, Bytes), Error> {
    let mut reader = ContentReader::new(content.clone(), true);
    let mut read = Vec::new();
    loop {
        let (part, is_last) = reader.next().await?;
        read.extend_from_slice(&part);
        if is_last {
            return Ok((read, part));
        }
    }
}

#[tokio::test]
async fn parts_add_up_to_the_file_and_the_last_part_has_the_complete_tail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let longest_part = READ_BYTES + TAIL_BYTES;
    for size in [1, TAIL_BYTES, longest_part, longest_part + 1, 3 * READ_BYTES + 7] {
        let expected = bytes(0, size);
        let content = Content::from(pinned(&path, &expected));
        assert_eq!(content.known_hashes(), KnownHashes::default());
        let (read, last) = read(&content).await.unwrap();
        assert!(read == expected, "{size} bytes");
        assert_eq!(content.known_hashes(), xxh3_only(&expected));
        assert!(last.len() >= TAIL_BYTES.min(size), "{size} bytes");
    }
}

#[tokio::test]
async fn a_content_of_many_pieces_is_read_like_one_and_its_tail_may_span_them() {
    let folder = tempfile::tempdir().unwrap();
    let first = bytes(1, 2 * READ_BYTES);
    let second = bytes(2, READ_BYTES + 100);
    let local = pinned(&folder.path().join("first"), &first);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&second).unwrap();
    let temporary = Source::temporary(Location::Label("frame".into()), file).unwrap();
    let range = |source: &Source, range: std::ops::Range<usize>| {
        Piece::Range(source.clone(), range.start as u64..range.end as u64)
    };
    let content = Content::new(
        Location::Label("pieces".into()),
        [
            Piece::Bytes(Bytes::from_static(b"PAR1")),
            range(&local, 5..READ_BYTES + 7),
            Piece::Bytes(Bytes::new()),
            range(&temporary, 3..READ_BYTES),
            range(&local, 0..10),
            range(&local, 2 * READ_BYTES - 500..2 * READ_BYTES),
            range(&temporary, READ_BYTES..READ_BYTES + 100),
            Piece::Bytes(Bytes::from_static(b"end")),
        ],
    );
    let expected = [
        b"PAR1",
        &first[5..READ_BYTES + 7],
        &second[3..READ_BYTES],
        &first[..10],
        &first[2 * READ_BYTES - 500..],
        &second[READ_BYTES..],
        b"end",
    ]
    .concat();
    assert_eq!(content.size(), expected.len() as u64);
    for attempt in 0..2 {
        let (read, last) = read(&content).await.unwrap();
        assert!(read == expected, "attempt {attempt}");
        assert!(last.len() >= TAIL_BYTES);
    }
    assert_eq!(content.known_hashes(), xxh3_only(&expected));
    let unread = Content::new(content.location().clone(), content.pieces().to_vec());
    let xxh3 = unread.read_hash(HashKind::Xxh3, |_| Ok(())).unwrap();
    assert_eq!(Some(xxh3), xxh3_only(&expected).of_kind(HashKind::Xxh3));
    let sha256 = unread.read_hash(HashKind::Sha256, |_| Ok(())).unwrap();
    assert_eq!(sha256, ContentHash::Sha256(ContentHasher::hash_of(&expected)));
}

#[tokio::test]
async fn the_last_bytes_are_withheld_if_any_source_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().join("a"), folder.path().join("b")];
    for changed in &paths {
        let sources = paths.each_ref().map(|path| pinned(path, &bytes(3, READ_BYTES)));
        let all = |source: &Source| Piece::Range(source.clone(), 0..source.size());
        let content = Content::new(Location::Label("both".into()), sources.iter().map(all));
        let mut reader = ContentReader::new(content.clone(), true);
        assert!(!reader.next().await.unwrap().1);
        fs::OpenOptions::new().append(true).open(changed).unwrap().write_all(b"x").unwrap();
        let mut next = reader.next().await;
        while let Ok((_, false)) = next {
            next = reader.next().await;
        }
        let location = Location::from(changed.as_path());
        let is_told = |error: &Error| match error {
            Error::FileChanged { location: it, change: "it grew" } => *it == location,
            _ => false,
        };
        assert!(next.as_ref().is_err_and(is_told), "{next:?}");
        assert_eq!(content.known_hashes(), KnownHashes::default());
    }
}
