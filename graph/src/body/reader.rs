//! Reading MessagePack as JSON values, from bytes that may be damaged.

use rmp::Marker;
use serde_json::{Map, Number, Value};

use super::BodyError;

/// Deepest nesting of lists and maps that is read. JSON text is parsed to a depth of 128 at most, so what came
/// from there can be read again. More overflows the stack of a thread in a debug build.
pub(super) const MAX_DEPTH: u32 = 256;

/// Most values that memory is reserved for before they are read.
const MAX_RESERVED: usize = 64;

/// Reads MessagePack; every length is checked against the bytes that are left.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    /// Whether NaN and infinities are errors, rather than null.
    refuses_nan: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, refuses_nan: false }
    }

    /// One to which NaN and infinities are errors.
    pub(super) fn refusing_nan(bytes: &'a [u8]) -> Self {
        Self { refuses_nan: true, ..Self::new(bytes) }
    }

    pub(super) fn damaged(&self) -> BodyError {
        BodyError::Damaged { offset: self.at }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], BodyError> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.damaged())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BodyError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn marker(&mut self) -> Result<Marker, BodyError> {
        Ok(Marker::from_u8(self.array::<1>()?[0]))
    }

    fn len8(&mut self) -> Result<usize, BodyError> {
        Ok(usize::from(self.array::<1>()?[0]))
    }

    fn len16(&mut self) -> Result<usize, BodyError> {
        Ok(usize::from(u16::from_be_bytes(self.array()?)))
    }

    fn len32(&mut self) -> Result<usize, BodyError> {
        Ok(u32::from_be_bytes(self.array()?) as usize)
    }

    pub(super) fn map_len(&mut self) -> Result<usize, BodyError> {
        match self.marker()? {
            Marker::FixMap(len) => Ok(usize::from(len)),
            Marker::Map16 => self.len16(),
            Marker::Map32 => self.len32(),
            _ => Err(self.damaged()),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, BodyError> {
        let len = match self.marker()? {
            Marker::FixStr(len) => usize::from(len),
            Marker::Str8 => self.len8()?,
            Marker::Str16 => self.len16()?,
            Marker::Str32 => self.len32()?,
            _ => return Err(self.damaged()),
        };
        std::str::from_utf8(self.take(len)?).map_err(|_| self.damaged())
    }

    /// Passes over one value of any depth, without recursion.
    pub(super) fn skip(&mut self) -> Result<(), BodyError> {
        let mut open = 1_usize;
        while open > 0 {
            open -= 1;
            let (bytes, values) = match self.marker()? {
                Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => (0, 0),
                Marker::U8 | Marker::I8 => (1, 0),
                Marker::U16 | Marker::I16 => (2, 0),
                Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
                Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
                Marker::FixStr(len) => (usize::from(len), 0),
                Marker::Str8 | Marker::Bin8 => (self.len8()?, 0),
                Marker::Str16 | Marker::Bin16 => (self.len16()?, 0),
                Marker::Str32 | Marker::Bin32 => (self.len32()?, 0),
                Marker::FixArray(len) => (0, usize::from(len)),
                Marker::Array16 => (0, self.len16()?),
                Marker::Array32 => (0, self.len32()?),
                Marker::FixMap(len) => (0, 2 * usize::from(len)),
                Marker::Map16 => (0, 2 * self.len16()?),
                Marker::Map32 => (0, 2 * self.len32()?),
                _ => return Err(self.damaged()),
            };
            self.take(bytes)?;
            open += values;
        }
        Ok(())
    }

    /// Passes over one value, and tells how many lists and maps of it lie within each other.
    pub(super) fn nesting(&mut self) -> Result<usize, BodyError> {
        // How many values are still to come of each list and map that is open.
        let mut open: Vec<usize> = Vec::new();
        let mut deepest = 0;
        loop {
            let start = self.at;
            let values = match self.marker()? {
                Marker::FixArray(len) => Some(usize::from(len)),
                Marker::Array16 => Some(self.len16()?),
                Marker::Array32 => Some(self.len32()?),
                Marker::FixMap(len) => Some(2 * usize::from(len)),
                Marker::Map16 => Some(2 * self.len16()?),
                Marker::Map32 => Some(2 * self.len32()?),
                _ => None,
            };
            match values {
                Some(values) => open.push(values),
                None => {
                    self.at = start;
                    self.skip()?;
                }
            }
            deepest = deepest.max(open.len());
            while open.last() == Some(&0) {
                open.pop();
            }
            match open.last_mut() {
                Some(left) => *left -= 1,
                None => return Ok(deepest),
            }
        }
    }

    /// Reads one value. Lists and maps come back here for each of their values, so what it needs on the stack is kept
    /// small: scalars are read elsewhere.
    pub(super) fn value(&mut self, depth: u32) -> Result<Value, BodyError> {
        if depth > MAX_DEPTH {
            return Err(self.damaged());
        }
        let start = self.at;
        let marker = self.marker()?;
        let len = match marker {
            Marker::FixArray(len) => usize::from(len),
            Marker::Array16 => self.len16()?,
            Marker::Array32 => self.len32()?,
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                self.at = start;
                let len = self.map_len()?;
                return self.map(len, depth).map(Value::Object);
            }
            _ => return self.scalar(marker, start),
        };
        self.list(len, depth)
    }

    /// Reads the rest of a value that holds no others.
    fn scalar(&mut self, marker: Marker, start: usize) -> Result<Value, BodyError> {
        Ok(match marker {
            Marker::Null => Value::Null,
            Marker::True => Value::Bool(true),
            Marker::False => Value::Bool(false),
            Marker::FixPos(n) => Value::from(n),
            Marker::FixNeg(n) => Value::from(n),
            Marker::U8 => Value::from(self.array::<1>()?[0]),
            Marker::U16 => Value::from(u16::from_be_bytes(self.array()?)),
            Marker::U32 => Value::from(u32::from_be_bytes(self.array()?)),
            Marker::U64 => Value::from(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Value::from(i8::from_be_bytes(self.array()?)),
            Marker::I16 => Value::from(i16::from_be_bytes(self.array()?)),
            Marker::I32 => Value::from(i32::from_be_bytes(self.array()?)),
            Marker::I64 => Value::from(i64::from_be_bytes(self.array()?)),
            Marker::F32 => {
                let float = f32::from_be_bytes(self.array()?);
                self.float(f64::from(float))?
            }
            Marker::F64 => {
                let float = f64::from_be_bytes(self.array()?);
                self.float(float)?
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => self.byte_list(start)?,
            _ => {
                self.at = start;
                Value::from(self.text()?)
            }
        })
    }

    fn float(&self, value: f64) -> Result<Value, BodyError> {
        match Number::from_f64(value) {
            Some(number) => Ok(Value::Number(number)),
            None if self.refuses_nan => {
                Err(BodyError::Encode { reason: format!("`{value}` is no number that JSON has") })
            }
            None => Ok(Value::Null),
        }
    }

    fn list(&mut self, len: usize, depth: u32) -> Result<Value, BodyError> {
        let mut items = Vec::with_capacity(self.reserved(len));
        for _ in 0..len {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(items))
    }

    /// How many of `len` values to have room for at once. A damaged length must not reserve memory: every value takes at
    /// least one byte, and lists within lists could all claim the same bytes.
    fn reserved(&self, len: usize) -> usize {
        len.min(self.bytes.len() - self.at).min(MAX_RESERVED)
    }

    fn byte_list(&mut self, start: usize) -> Result<Value, BodyError> {
        self.at = start;
        let len = match self.marker()? {
            Marker::Bin8 => self.len8()?,
            Marker::Bin16 => self.len16()?,
            _ => self.len32()?,
        };
        Ok(self.take(len)?.iter().map(|&byte| Value::from(byte)).collect())
    }

    pub(super) fn map(&mut self, len: usize, depth: u32) -> Result<Map<String, Value>, BodyError> {
        let mut fields = Map::with_capacity(self.reserved(len));
        for _ in 0..len {
            let name = self.text()?.to_owned();
            fields.insert(name, self.value(depth + 1)?);
        }
        Ok(fields)
    }
}
