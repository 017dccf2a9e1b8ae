//! A whole file: its start, its trailer, and the footer between them.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use sutro::schema::Footer;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let _ = Footer::read(&file, bytes.len() as u64).unwrap();
});
