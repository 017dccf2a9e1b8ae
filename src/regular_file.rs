//! Opens only regular files: no pipes and no devices, which could block forever.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    path::Path,
    time::Duration,
};

/// Opens a regular file. If the path has become a pipe, opening it does not block.
///
/// # Errors
/// The operating system's error, or one that says that the file is not regular.
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
    // The flag is a small number on all systems.
    let flag = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    options.custom_flags(flag)
}

#[cfg(not(unix))]
fn not_blocking(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The error of a file that does not respond, because its disk or mount hangs.
pub(crate) fn hangs(waited: Duration) -> io::Error {
    let message = format!(
        "did not respond for {} s; is its disk, network mount or store available?",
        waited.as_secs()
    );
    io::Error::new(io::ErrorKind::TimedOut, message)
}

#[cfg(all(test, unix))]
mod tests {
    use super::open_regular;

    #[test]
    fn a_path_that_is_not_a_regular_file_is_rejected_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        for path in [pipe.as_path(), folder.path(), "/dev/null".as_ref(), "/dev/zero".as_ref()] {
            let error = open_regular(path).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
    }
}
