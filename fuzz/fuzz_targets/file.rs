//! A whole file: its start, its trailer, and the footer between them.
#![no_main]

use std::convert::Infallible;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sutro::schema::FooterReader;

fuzz_target!(|bytes: &[u8]| {
    let file = Bytes::copy_from_slice(bytes);
    let read = |range: std::ops::Range<u64>| {
        Ok::<_, Infallible>(file.slice(range.start as usize..range.end as usize))
    };
    let size = file.len() as u64;
    let local = FooterReader::default().read(size, read);
    let remote = FooterReader::default().read_remote(size, read);
    // A remote file is only read from its end.
    if let Ok(local) = local {
        assert_eq!(remote.ok(), Some(local));
    }
});
