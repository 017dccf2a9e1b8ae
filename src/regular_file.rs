//! Files that can be read: no pipes, no devices, and none that keeps a reader waiting for ever.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    path::Path,
    time::Duration,
};

/// Opens a regular file. What has become a pipe since it was looked at does not block.
///
/// # Errors
/// The system's, and one for what is no regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    let file = not_blocking(OpenOptions::new().read(true)).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        Ok((file, metadata))
    } else {
        Err(io::Error::other("is not a regular file"))
    }
}

#[cfg(unix)]
fn not_blocking(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    // The flag is a small number on every system.
    let flag = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    options.custom_flags(flag)
}

#[cfg(not(unix))]
fn not_blocking(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The error of a file that did not answer: its disk, or the mount that it is on, hangs.
pub(crate) fn hangs(waited: Duration) -> io::Error {
    let message = format!(
        "did not answer for {} s; is the disk or the network mount that it is on there?",
        waited.as_secs()
    );
    io::Error::new(io::ErrorKind::TimedOut, message)
}

#[cfg(all(test, unix))]
mod tests {
    use super::open_regular;

    #[test]
    fn what_is_no_regular_file_is_refused_and_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        for path in [pipe.as_path(), folder.path(), "/dev/null".as_ref(), "/dev/zero".as_ref()] {
            let error = open_regular(path).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
    }
}
