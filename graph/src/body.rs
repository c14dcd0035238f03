//! The encoded fields of a document: MessagePack maps that can be peeked into without decoding.
//!
//! Maps keep the order of their fields; text, numbers, booleans, null, lists and maps are what JSON
//! has. Byte strings, which JSON lacks, read as lists of numbers, NaN and infinities as null: the
//! forms they would take in JSON.

mod error;
mod reader;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use rmp::Marker;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::error::BodyError;
use self::reader::{MAX_DEPTH, Reader};

/// Most lists and maps within each other that all ways of reading take, the body itself among them.
const MOST_NESTED: usize = MAX_DEPTH as usize - 1;

/// Most bytes that a thread keeps for what it encodes next.
const MOST_ROOM: usize = 64 << 10;

thread_local! {
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Encoded fields, cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<[u8]>);

impl Body {
    /// A body without fields.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from([0x80_u8]))
    }

    /// Encodes any value that serialises to a map of named fields.
    ///
    /// # Errors
    /// [`BodyError::NotAMap`] for any other shape, [`BodyError::Encode`] for what serde refuses, and for lists and maps
    /// of which more than 255 lie within each other: they could not be read again.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, BodyError> {
        with_encoded(value, |bytes| match bytes.first().map(|&byte| Marker::from_u8(byte)) {
            Some(Marker::FixMap(_) | Marker::Map16 | Marker::Map32) => match is_too_deep(bytes)? {
                true => Err(BodyError::Encode {
                    reason: format!("it is nested deeper than {MOST_NESTED} levels"),
                }),
                false => Ok(Self(bytes.into())),
            },
            Some(marker) => Err(BodyError::NotAMap { found: shape(marker) }),
            None => Err(BodyError::NotAMap { found: "nothing" }),
        })
    }

    /// Takes bytes that [`as_bytes`](Self::as_bytes) gave, after checking their whole structure.
    ///
    /// # Errors
    /// [`BodyError::Damaged`] when they are not one whole map.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(bytes);
        let fields = reader.map_len()?;
        for _ in 0..fields {
            reader.text()?;
            reader.skip()?;
        }
        if reader.at != bytes.len() {
            return Err(reader.damaged());
        }
        Ok(Self(bytes.into()))
    }

    /// Takes bytes that a store wrote from a body and protects itself against damage.
    ///
    /// Reading damaged bytes later gives [`BodyError::Damaged`] or `None`, never a panic.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The encoded bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Decodes into `T`.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when the fields do not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, BodyError> {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(self.as_bytes()).with_human_readable();
        deserializer.set_max_depth(MAX_DEPTH as usize);
        T::deserialize(&mut deserializer).map_err(|error| BodyError::Decode { reason: error.to_string() })
    }

    /// All fields.
    ///
    /// # Errors
    /// [`BodyError::Damaged`].
    pub fn fields(&self) -> Result<Map<String, Value>, BodyError> {
        let mut reader = Reader::new(&self.0);
        let len = reader.map_len()?;
        reader.map(len, 0)
    }

    /// Whether every field is one of `known`.
    #[must_use]
    pub fn has_only(&self, known: &[&str]) -> bool {
        let mut reader = Reader::new(&self.0);
        let all_known = |reader: &mut Reader<'_>| {
            for _ in 0..reader.map_len()? {
                if !known.contains(&reader.text()?) {
                    return Ok(false);
                }
                reader.skip()?;
            }
            Ok::<_, BodyError>(true)
        };
        all_known(&mut reader).unwrap_or(false)
    }

    /// One field, without decoding the others; `None` where it is absent or the bytes are damaged.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value> {
        let mut reader = Reader::new(&self.0);
        for _ in 0..reader.map_len().ok()? {
            if reader.text().ok()? == name {
                return reader.value(0).ok();
            }
            reader.skip().ok()?;
        }
        None
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fields() {
            Ok(fields) => fmt::Debug::fmt(&Value::Object(fields), f),
            Err(error) => write!(f, "<{error}>"),
        }
    }
}

/// What a filter reads from a field that `value` was stored in.
///
/// A number without a JSON form is refused: stored, it would read as null.
pub(crate) fn stored_form<T: Serialize + ?Sized>(value: &T) -> Result<Value, BodyError> {
    with_encoded(value, stored_value)
}

fn stored_value(bytes: &[u8]) -> Result<Value, BodyError> {
    let mut reader = Reader::refusing_nan(bytes);
    reader.value(0).map_err(|error| match error {
        BodyError::Damaged { .. } => BodyError::Encode {
            reason: "it nests too deeply, or has a map whose keys are not text".to_owned(),
        },
        other => other,
    })
}

/// Encodes a value into room that the thread keeps for that, and reads it there.
fn with_encoded<T: Serialize + ?Sized, R>(
    value: &T,
    read: impl FnOnce(&[u8]) -> Result<R, BodyError>,
) -> Result<R, BodyError> {
    // Taken out: a value that encodes another one while it is serialised gets room of its own.
    let mut bytes = ROOM.try_with(Cell::take).unwrap_or_default();
    bytes.clear();
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable();
    let encoded = value.serialize(&mut serializer);
    let encoded = encoded.map_err(|error| BodyError::Encode { reason: error.to_string() });
    let read = encoded.and_then(|()| read(&bytes));
    if bytes.capacity() <= MOST_ROOM {
        // Not where the thread is about to end.
        let _ = ROOM.try_with(|room| room.set(bytes));
    }
    read
}

/// Bytes of which as many as there are can be counted in a byte.
const CHUNK: usize = u8::MAX as usize;

/// Whether what was encoded is nested deeper than it can be read.
fn is_too_deep(bytes: &[u8]) -> Result<bool, BodyError> {
    // A list or map begins with one of these bytes. Most bodies have so few that nothing else has to be looked at.
    let may_begin = |byte: &u8| u8::from(matches!(*byte, 0x80..=0x9f | 0xdc..=0xdf));
    // Counted in bytes, of which the processor takes many at once: counted in words, this took a twelfth of an update.
    let in_chunk = |chunk: &[u8]| usize::from(chunk.iter().map(may_begin).sum::<u8>());
    if bytes.len() <= MOST_NESTED || bytes.chunks(CHUNK).map(in_chunk).sum::<usize>() <= MOST_NESTED {
        return Ok(false);
    }
    Ok(Reader::new(bytes).nesting()? > MOST_NESTED)
}

fn shape(marker: Marker) -> &'static str {
    match marker {
        Marker::Null => "null",
        Marker::True | Marker::False => "a boolean",
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => "text",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "a list",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "bytes",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Value {
        json!({
            "name": "Zürich", "n": -7, "big": u64::MAX, "min": i64::MIN, "x": 0.1, "flag": true, "none": null,
            "list": [1, "two", [3.5, {"deep": "x".repeat(300)}]],
            "map": {"a": {"b": [false]}},
        })
    }

    #[test]
    fn every_json_value_survives_and_is_found_by_peeking() {
        let body = Body::encode(&sample()).unwrap();
        assert_eq!(Value::Object(body.fields().unwrap()), sample());
        for (name, value) in sample().as_object().unwrap() {
            assert_eq!(body.field(name).as_ref(), Some(value), "{name}");
        }
        assert_eq!(body.field("absent"), None);
        assert_eq!(Body::from_bytes(body.as_bytes()).unwrap(), body);
    }

    #[test]
    fn a_stored_form_is_what_peeking_reads_or_an_error() {
        #[derive(Serialize)]
        struct One<T> {
            field: T,
        }
        fn check<T: Serialize>(field: T) {
            let form = stored_form(&field).unwrap();
            assert_eq!(Body::encode(&One { field }).unwrap().field("field"), Some(form));
        }
        check(sample());
        check(0.1_f32);
        check(std::net::Ipv4Addr::LOCALHOST);
        check(u128::MAX);
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(stored_form(&vec![(1, wrong)]), Err(BodyError::Encode { .. })));
        }
        assert!(matches!(stored_form(&f32::NAN), Err(BodyError::Encode { .. })));
        let by_number = std::collections::BTreeMap::from([(1, "x")]);
        assert!(matches!(stored_form(&by_number), Err(BodyError::Encode { .. })));
    }

    #[test]
    fn damaged_bytes_are_an_error_at_every_cut_and_flip() {
        let whole = Body::encode(&sample()).unwrap();
        for cut in 0..whole.as_bytes().len() {
            assert!(Body::from_bytes(&whole.as_bytes()[..cut]).is_err(), "cut at {cut}");
            let mut flipped = whole.as_bytes().to_vec();
            flipped[cut] ^= 0xff;
            // It may or may not still be a map; it must not panic or hang.
            let _ = Body::from_stored(&flipped).fields();
            let _ = Body::from_stored(&flipped).field("map");
        }
    }

    #[test]
    fn lists_that_claim_to_be_long_within_each_other_reserve_no_memory() {
        // In a process of its own: the threads of other tests take address space too.
        const ALONE: &str = "WAYFARE_TEST_ALONE";
        if std::env::var_os(ALONE).is_none() {
            let own = "body::tests::lists_that_claim_to_be_long_within_each_other_reserve_no_memory";
            let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
            let output = alone.args(["--exact", own, "--test-threads=1"]).env(ALONE, "yes").output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && told.contains("1 passed"), "{told}");
            return;
        }
        // Four hundred lists, each as long as all bytes behind it allow: 400 times 32 MiB of values.
        let mut bytes = vec![0x81, 0xa1, b'a'];
        for _ in 0..400 {
            bytes.extend([0xdd, 0x00, 0x10, 0x00, 0x00]);
        }
        bytes.resize(bytes.len() + (1 << 20), 0xc1);
        let before = peak_bytes();
        assert!(Body::from_stored(&bytes).fields().is_err());
        assert!(peak_bytes() - before < 256 << 20, "memory is reserved for what is not there");
    }

    /// The most address space that this process has had.
    fn peak_bytes() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    #[test]
    fn nesting_of_any_depth_is_read_or_refused_on_the_stack_of_a_thread() {
        let nested = |opening: &[u8]| {
            let mut bytes = vec![0x81, 0xa1, b'a'];
            bytes.extend(opening.repeat(100_000));
            let body = Body::from_stored(&bytes);
            assert!(matches!(body.fields(), Err(BodyError::Damaged { .. })));
            assert_eq!(body.field("a"), None);
            assert!(matches!(body.decode::<Value>(), Err(BodyError::Decode { .. })));
        };
        nested(&[0x91]);
        nested(&[0x81, 0xa1, b'b']);
    }

    #[test]
    fn what_is_encoded_can_be_read_however_deep_it_is_nested() {
        let list: fn(Value) -> Value = |inner| json!([inner]);
        let map: fn(Value) -> Value = |inner| json!({ "a": inner, "b": "é".repeat(300) });
        for within in [list, map] {
            for (depth, is_taken) in
                [(200, true), (MOST_NESTED, true), (MOST_NESTED + 1, false), (400, false)]
            {
                let mut nested = Value::Null;
                for _ in 1..depth {
                    nested = within(nested);
                }
                let body = Body::encode(&json!({ "nested": nested }));
                assert_eq!(body.is_ok(), is_taken, "{depth} levels");
                match body {
                    Ok(body) => {
                        assert_eq!(body.fields().unwrap()["nested"], nested);
                        assert_eq!(body.field("nested"), Some(nested.clone()));
                        assert_eq!(body.decode::<Value>().unwrap()["nested"], nested);
                    }
                    Err(error) => assert!(error.to_string().contains("deeper than 255 levels"), "{error}"),
                }
            }
        }
    }

    #[test]
    fn only_maps_are_bodies() {
        assert!(matches!(Body::encode(&3), Err(BodyError::NotAMap { found: "a number" })));
        assert!(matches!(Body::encode("x"), Err(BodyError::NotAMap { found: "text" })));
        assert!(matches!(Body::encode(&[1]), Err(BodyError::NotAMap { found: "a list" })));
    }
}
