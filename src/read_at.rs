//! Positioned reads, which many threads can make on one file.

use std::{fs::File, io};

/// Fills `bytes` from `offset` on.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` from `offset` on.
#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut filled = 0;
    while filled < bytes.len() {
        match file.seek_read(&mut bytes[filled..], offset + filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(())
}

/// Reads what is in the page cache, without waiting for a disk; 0 where nothing is, or where
/// the system cannot tell.
#[cfg(target_os = "linux")]
pub(crate) fn read_cached_at(file: &File, bytes: &mut [u8], offset: u64) -> usize {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut pieces = [io::IoSliceMut::new(bytes)];
    preadv2(file, &mut pieces, offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

/// As there: no other system can tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read_cached_at(_file: &File, _bytes: &mut [u8], _offset: u64) -> usize {
    0
}
