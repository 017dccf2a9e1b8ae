//! Positioned reads, which many threads can do on one file.

use std::{fs::File, io, ops::Range};

use bytes::Bytes;

/// Fills `bytes` from `offset`.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` from `offset`.
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

/// Reads a range of bytes.
pub(crate) fn read_range(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    read_exact_at(file, &mut bytes, range.start)?;
    Ok(bytes.into())
}

/// Reads from the page cache, without waiting for a disk. Returns 0 if nothing is cached, or if the
/// system cannot tell.
#[cfg(target_os = "linux")]
pub(crate) fn read_cached_at(file: &File, bytes: &mut [u8], offset: u64) -> usize {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut pieces = [io::IoSliceMut::new(bytes)];
    preadv2(file, &mut pieces, offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

/// Other systems cannot tell what is cached, so this returns 0.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read_cached_at(_file: &File, _bytes: &mut [u8], _offset: u64) -> usize {
    0
}
