//! The extensions of the contract that a server announces.

/// The response header that names the extensions of a server, separated by commas. Every response
/// of a server that has extensions has this header. Header names are compared without case.
pub const EXTENSIONS_HEADER: &str = "sutro-extensions";

/// Whether the value of [`EXTENSIONS_HEADER`] announces an extension.
#[must_use]
pub fn is_announced(header: &str, extension: &str) -> bool {
    header.split(',').any(|name| name.trim().eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::is_announced;

    #[test]
    fn an_extension_is_announced_among_others() {
        for header in ["staging", "Staging", "packs, staging", "staging ,x", "staging, deletion"] {
            assert!(is_announced(header, "staging"), "{header}");
        }
        for header in ["", "stagin", "staging2", "no staging", "deletion"] {
            assert!(!is_announced(header, "staging"), "{header}");
        }
    }
}
