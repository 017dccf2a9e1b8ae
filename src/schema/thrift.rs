//! Reads the Thrift compact protocol with limits.
//!
//! Every count and length is compared with the remaining bytes before it is used, and an element of
//! a list costs at least one byte. So neither time nor memory can exceed the size of the input.
//! Source: the Thrift project, "Thrift compact protocol encoding".

use super::invalid::InvalidParquet;

/// Maximum nesting of structs and lists. Footers need about eight levels.
const MAX_DEPTH: usize = 100;

/// The wire type of a field or element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    False,
    Byte,
    Integer,
    Double,
    Binary,
    /// A list or set.
    List,
    Map,
    Struct,
    Uuid,
}

pub(super) struct Reader<'a> {
    left: &'a [u8],
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes, depth: 0 }
    }

    /// Reads a struct. `visit` gets each field's id and kind. It reads the value, or returns false
    /// to skip it.
    pub(super) fn fields(
        &mut self,
        mut visit: impl FnMut(&mut Self, i16, Kind) -> Result<bool, InvalidParquet>,
    ) -> Result<(), InvalidParquet> {
        self.nested(|reader| {
            let mut id = 0_i16;
            loop {
                let header = reader.byte()?;
                if header == 0 {
                    return Ok(());
                }
                let step = i16::from(header >> 4);
                id = if step == 0 {
                    i16::try_from(reader.integer()?).map_err(|_| malformed("a field id"))?
                } else {
                    id.checked_add(step).ok_or_else(|| malformed("a field id"))?
                };
                let kind = kind(header & 0x0F)?;
                if !visit(reader, id, kind)? {
                    reader.skip(kind)?;
                }
            }
        })
    }

    /// Reads a list of structs; `visit` reads each.
    pub(super) fn structs(
        &mut self,
        mut visit: impl FnMut(&mut Self) -> Result<(), InvalidParquet>,
    ) -> Result<usize, InvalidParquet> {
        self.nested(|reader| {
            let (kind, count) = reader.list_header()?;
            if count > 0 && kind != Some(Kind::Struct) {
                return Err(malformed("a list's element type"));
            }
            for _ in 0..count {
                visit(reader)?;
            }
            Ok(count)
        })
    }

    /// Reads a list of byte strings; `visit` gets each.
    pub(super) fn binaries(
        &mut self,
        mut visit: impl FnMut(&'a [u8]),
    ) -> Result<(), InvalidParquet> {
        let (kind, count) = self.list_header()?;
        if count > 0 && kind != Some(Kind::Binary) {
            return Err(malformed("a list's element type"));
        }
        (0..count).try_for_each(|_| self.binary().map(&mut visit))
    }

    /// Reads something, and returns its bytes too.
    pub(super) fn encoded<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, InvalidParquet>,
    ) -> Result<(T, &'a [u8]), InvalidParquet> {
        let before = self.left;
        let value = read(self)?;
        Ok((value, &before[..before.len() - self.left.len()]))
    }

    /// Reads a zigzag integer of up to 64 bits.
    pub(super) fn integer(&mut self) -> Result<i64, InvalidParquet> {
        let encoded = self.varint()?;
        Ok((encoded >> 1).cast_signed() ^ -(encoded & 1).cast_signed())
    }

    /// Reads a byte string.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], InvalidParquet> {
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| malformed("a length"))?)
    }

    /// Skips a value.
    pub(super) fn skip(&mut self, kind: Kind) -> Result<(), InvalidParquet> {
        match kind {
            Kind::True | Kind::False => Ok(()),
            Kind::Byte => self.take(1).map(drop),
            Kind::Integer => self.varint().map(drop),
            Kind::Double => self.take(8).map(drop),
            Kind::Uuid => self.take(16).map(drop),
            Kind::Binary => self.binary().map(drop),
            Kind::Struct => self.fields(|_, _, _| Ok(false)),
            Kind::List => self.nested(|reader| {
                let (kind, count) = reader.list_header()?;
                (0..count).try_for_each(|_| reader.skip_element(kind))
            }),
            Kind::Map => self.nested(|reader| {
                let count = reader.count()?;
                let kinds = if count == 0 { 0 } else { reader.byte()? };
                let (key, value) = (element_kind(kinds >> 4)?, element_kind(kinds & 0x0F)?);
                (0..count).try_for_each(|_| {
                    reader.skip_element(key)?;
                    reader.skip_element(value)
                })
            }),
        }
    }

    fn skip_element(&mut self, kind: Option<Kind>) -> Result<(), InvalidParquet> {
        match kind {
            // In a list, a boolean is a byte; as a field, it is part of the header.
            Some(Kind::True | Kind::False) => self.take(1).map(drop),
            Some(kind) => self.skip(kind),
            None => Err(malformed("a list's element type")),
        }
    }

    fn list_header(&mut self) -> Result<(Option<Kind>, usize), InvalidParquet> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.count()?,
            short => self.bounded(u64::from(short))?,
        };
        Ok((element_kind(header & 0x0F)?, count))
    }

    fn count(&mut self) -> Result<usize, InvalidParquet> {
        let count = self.varint()?;
        self.bounded(count)
    }

    fn bounded(&self, count: u64) -> Result<usize, InvalidParquet> {
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= self.left.len())
            .ok_or_else(|| malformed("a count that exceeds the size of the file"))
    }

    fn varint(&mut self) -> Result<u64, InvalidParquet> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("an unterminated integer"))
    }

    fn byte(&mut self) -> Result<u8, InvalidParquet> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], InvalidParquet> {
        let (taken, left) =
            self.left.split_at_checked(length).ok_or_else(|| malformed("it ends too early"))?;
        self.left = left;
        Ok(taken)
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, InvalidParquet>,
    ) -> Result<T, InvalidParquet> {
        if self.depth == MAX_DEPTH {
            return Err(malformed("it is nested too deeply"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}

fn kind(code: u8) -> Result<Kind, InvalidParquet> {
    element_kind(code)?.ok_or_else(|| malformed("a field's type"))
}

/// An empty list may have no element type.
fn element_kind(code: u8) -> Result<Option<Kind>, InvalidParquet> {
    Ok(Some(match code {
        0 => return Ok(None),
        1 => Kind::True,
        2 => Kind::False,
        3 => Kind::Byte,
        4..=6 => Kind::Integer,
        7 => Kind::Double,
        8 => Kind::Binary,
        9 | 10 => Kind::List,
        11 => Kind::Map,
        12 => Kind::Struct,
        13 => Kind::Uuid,
        _ => return Err(malformed("a field's type")),
    }))
}

pub(super) fn malformed(what: &str) -> InvalidParquet {
    InvalidParquet::Malformed(what.to_owned())
}
