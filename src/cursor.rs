//! Where the next page of a query begins, as a text that can be handed to a caller and back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use wayfare_graph::{EntityName, Filter, Id, Kind, Query, SortKey, SortPosition};

/// The place in the result of a query after which its next page begins.
///
/// Its text, by `Display` and serde, is opaque and needs no escaping in a URL. It holds the values by which the
/// last document of the page is sorted, so a page is found by a search and not by counting, and stays right when
/// documents are added or removed meanwhile. It only fits the query that gave it: the same kind, entity, filter
/// and sort. It is neither signed nor encrypted: whoever has it can read those values.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    kind: Kind,
    entity: Option<EntityName>,
    sort: Vec<SortKey>,
    /// A hash of the filter, which may be long.
    filter: u64,
    position: SortPosition,
}

/// Why a cursor was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The text is none that a query gave.
    #[error("not a cursor: {reason}; take it as a page gave it, or begin without one")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// The cursor is of a query that asks for something else.
    #[error(
        "the cursor is of a query with another {what} (`{cursor}`, not `{query}`): begin this one without a cursor"
    )]
    OtherQuery {
        /// What differs: `kind`, `entity`, `filter` or `sort`.
        what: &'static str,
        /// What it is in the query that gave the cursor; of a filter only a hash is known.
        cursor: String,
        /// What it is in the query that was given the cursor.
        query: String,
    },
}

impl Cursor {
    /// The cursor after a place in the result of a query.
    pub(crate) fn after(query: &Query, position: SortPosition) -> Self {
        let sort = query.sort.clone();
        Self { kind: query.kind, entity: query.entity, sort, filter: hash_of(&query.filter), position }
    }

    /// The place, if the cursor is of this query.
    pub(crate) fn position_in(&self, query: &Query) -> Result<&SortPosition, CursorError> {
        let entity = |entity: Option<EntityName>| {
            entity.map_or("any", |entity: EntityName| entity.as_str()).to_owned()
        };
        let differs = |what, cursor: String, query: String| CursorError::OtherQuery { what, cursor, query };
        if self.kind != query.kind {
            return Err(differs("kind", self.kind.collection().into(), query.kind.collection().into()));
        }
        if self.entity != query.entity {
            return Err(differs("entity", entity(self.entity), entity(query.entity)));
        }
        if self.sort != query.sort {
            return Err(differs("sort", shown(&self.sort), shown(&query.sort)));
        }
        let filter = hash_of(&query.filter);
        if self.filter != filter {
            return Err(differs("filter", format!("{:016x}", self.filter), format!("{filter:016x}")));
        }
        Ok(&self.position)
    }

    fn to_value(&self) -> Value {
        let values: Vec<Vec<&Value>> =
            self.position.values.iter().map(|value| value.iter().collect()).collect();
        let sort: Vec<Value> =
            self.sort.iter().map(|key| json!([key.path, if key.descending { -1 } else { 1 }])).collect();
        let entity = self.entity.map(EntityName::as_str);
        json!([self.kind.letter(), entity, self.filter, sort, values, self.position.id])
    }

    fn from_value(value: Value) -> Option<Self> {
        type Parts = (char, Option<String>, u64, Vec<(String, i8)>, Vec<Vec<Value>>, Id);
        let (kind, entity, filter, sort, values, id): Parts = serde_json::from_value(value).ok()?;
        let sort: Vec<SortKey> =
            sort.into_iter().map(|(path, order)| SortKey { path, descending: order < 0 }).collect();
        let values: Vec<Option<Value>> = values.into_iter().map(|value| value.into_iter().next()).collect();
        let kind = Kind::from_letter(kind)?;
        let entity = entity.map(|entity| EntityName::new(&entity)).transpose().ok()?;
        let fits = values.len() == sort.len()
            && id.kind() == kind
            && entity.is_none_or(|entity| entity == id.entity());
        fits.then_some(Self { kind, entity, sort, filter, position: SortPosition { values, id } })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().to_string().bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let malformed = |reason: &str| CursorError::Malformed { reason: reason.to_owned() };
        if text.is_empty() {
            return Err(malformed("it is empty"));
        }
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.ok_or_else(|| malformed("it has signs other than 0-9 and a-f"))?;
        let cut = || malformed("it is cut off, or not whole");
        if digits.len() % 2 != 0 {
            return Err(cut());
        }
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let value = serde_json::from_slice(&bytes).map_err(|_| cut())?;
        Self::from_value(value).ok_or_else(|| malformed("its parts do not belong together"))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn shown(sort: &[SortKey]) -> String {
    let keys: Vec<String> =
        sort.iter().map(|key| format!("{}:{}", key.path, if key.descending { "-1" } else { "1" })).collect();
    if keys.is_empty() { "by id".to_owned() } else { keys.join(",") }
}

/// FNV-1a, which stays the same over releases and machines, of the filter's text.
fn hash_of(filter: &Filter) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    filter.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query {
        let sort = ["context.a", "context.b"]
            .map(|path| SortKey { path: path.into(), descending: path.ends_with('b') });
        Query {
            filter: r#"{"context.a": {"$gt": 1}}"#.parse().unwrap(),
            sort: sort.to_vec(),
            ..Query::entity(Kind::Node, EntityName::new("CursorUser").unwrap())
        }
    }

    fn cursor(values: Vec<Option<Value>>) -> Cursor {
        Cursor::after(&query(), SortPosition { values, id: "n.CursorUser.ü/x".parse().unwrap() })
    }

    #[test]
    fn the_text_gives_the_same_cursor_back_whatever_values_it_holds() {
        for values in [
            vec![None, Some(Value::Null)],
            vec![Some(json!(0.1)), Some(json!(u64::MAX))],
            vec![Some(json!({"x": [1, "ü"]})), Some(json!([]))],
        ] {
            let cursor = cursor(values);
            let text = cursor.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
            let json = serde_json::to_value(&cursor).unwrap();
            assert_eq!(serde_json::from_value::<Cursor>(json).unwrap(), cursor);
        }
    }

    #[test]
    fn a_cursor_of_another_query_is_refused_with_what_differs() {
        let cursor = cursor(vec![Some(json!(1)), None]);
        assert!(cursor.position_in(&query()).is_ok());
        let other = EntityName::new("CursorOther").unwrap();
        let queries = [
            ("kind", Query { kind: Kind::Edge, ..query() }),
            ("entity", Query { entity: Some(other), ..query() }),
            ("entity", Query { entity: None, ..query() }),
            ("sort", Query { sort: query().sort[..1].to_vec(), ..query() }),
            ("filter", Query { filter: Filter::all(), ..query() }),
        ];
        for (part, query) in queries {
            match cursor.position_in(&query) {
                Err(CursorError::OtherQuery { what, .. }) => assert_eq!(what, part),
                other => panic!("{part}: {other:?}"),
            }
        }
        // What is asked of a page may change from page to page.
        let paging = Query { limit: Some(3), projection: Some(vec![]), ..query() };
        assert!(cursor.position_in(&paging).is_ok());
    }

    #[test]
    fn broken_texts_are_refused() {
        let whole = cursor(vec![Some(json!(1)), None]).to_string();
        let fewer = cursor(vec![Some(json!(1))]).to_string();
        let cut = &whole[..whole.len() - 4];
        for text in ["", "zz", "é1", "7b7", cut, &whole[1..], "7b7d", "6e756c6c", &fewer, "n.User.x"] {
            assert!(matches!(text.parse::<Cursor>(), Err(CursorError::Malformed { .. })), "{text}");
        }
    }
}
