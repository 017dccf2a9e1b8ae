//! `Content-Range: bytes FIRST-LAST/SIZE` of a response with a part of a file (RFC 9110, 14.4).

use http::{HeaderMap, header};

/// The position of the first byte.
pub(crate) fn first_byte(headers: &HeaderMap) -> Option<u64> {
    text(headers)?.trim().strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

/// The size of the whole file.
pub(crate) fn total_size(headers: &HeaderMap) -> Option<u64> {
    text(headers)?.rsplit_once('/')?.1.trim().parse().ok()
}

fn text(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_RANGE)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{first_byte, total_size};

    #[test]
    fn a_part_says_where_it_begins_and_how_large_the_file_is() {
        for (text, first, size) in [
            ("bytes 7-9/10", Some(7), Some(10)),
            ("bytes 7-9/*", Some(7), None),
            ("bytes */10", None, Some(10)),
            ("lines 7-9/10", None, Some(10)),
            ("bytes", None, None),
        ] {
            let value = HeaderValue::from_static(text);
            let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, value)]);
            assert_eq!((first_byte(&headers), total_size(&headers)), (first, size), "{text}");
        }
        assert_eq!(first_byte(&HeaderMap::new()), None);
    }
}
