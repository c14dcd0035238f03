//! The one form that every stored entity has, whatever its type and store.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::body::{Body, BodyError};
use crate::entity::Entity;
use crate::id::{Id, IdError, Kind};
use crate::upgrade::{self, schema_in, with_schema_in};

/// How often an entity has been written: 0 for a document without `_version`, 1 when created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u64);

impl Version {
    /// The version of an entity that was just created.
    pub const FIRST: Self = Self(1);

    /// The version after one more write. The last there is, which only a damaged document can have, is followed by
    /// the first: what counts is that it is another one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).unwrap_or(Self::FIRST.0))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a document could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The text is not an object with the members of a document.
    #[error("not a document: {reason}")]
    Shape {
        /// What is missing or of the wrong type.
        reason: String,
    },
    /// `entity` says something else than the id.
    #[error("document `{id}` says its entity is `{entity}`: make both the same")]
    EntityMismatch {
        /// The id.
        id: Id,
        /// The member `entity`.
        entity: String,
    },
    /// An id in it is none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Its fields cannot be written or read.
    #[error(transparent)]
    Body(#[from] BodyError),
}

/// The two ends of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The node it leaves.
    pub source: Id,
    /// The node it enters.
    pub target: Id,
    /// Whether it can be followed from either end.
    pub bidirectional: bool,
}

/// A stored entity without its Rust type.
///
/// In JSON: `{"id", "entity", "context": {…}, "_version"}`, for edges also `"source"`, `"target"`,
/// `"bidirectional"`. Members beyond these survive a load and a save.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    id: Id,
    version: Version,
    ends: Option<Ends>,
    body: Body,
    extra: Option<Body>,
    keeps_members: KeepsMembers,
}

/// Whether a document has every member beside `context` that is stored at its version. This is about where a document
/// comes from, not about what it is: it does not tell two documents apart.
#[derive(Debug, Clone, Copy, Default)]
struct KeepsMembers(bool);

impl PartialEq for KeepsMembers {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

const KNOWN_MEMBERS: [&str; 8] =
    ["id", "_id", "entity", "context", "_version", "source", "target", "bidirectional"];

impl Document {
    /// A document of version 0, not yet stored.
    #[must_use]
    pub fn new(id: Id, body: Body) -> Self {
        Self {
            id,
            version: Version::default(),
            ends: None,
            body,
            extra: None,
            keeps_members: KeepsMembers::default(),
        }
    }

    /// An edge document of version 0, not yet stored.
    #[must_use]
    pub fn edge(id: Id, ends: Ends, body: Body) -> Self {
        Self { ends: Some(ends), ..Self::new(id, body) }
    }

    /// A document of a typed value, with the schema of its type; of version 0, not yet stored.
    ///
    /// # Errors
    /// [`BodyError::Encode`] and [`BodyError::NotAMap`].
    pub fn of<T: Entity>(id: Id, value: &T) -> Result<Self, BodyError> {
        Ok(Self::new(id, Body::encode(value)?).with_extra(upgrade::plain_extra::<T>().cloned()))
    }

    /// The same for an edge.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn edge_of<T: Entity>(id: Id, ends: Ends, value: &T) -> Result<Self, BodyError> {
        Ok(Self { ends: Some(ends), ..Self::of(id, value)? })
    }

    /// The same document with another version.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.keeps_members.0 &= version == self.version;
        self.version = version;
        self
    }

    /// The same document with another body.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The same document with members that Wayfare does not know, kept beside `context`.
    #[must_use]
    pub fn with_extra(mut self, extra: Option<Body>) -> Self {
        self.keeps_members.0 &= has_names_of(extra.as_ref(), self.extra.as_ref());
        self.extra = extra;
        self
    }

    /// The same document, of which is known that it has every member beside `context` that is stored at its version.
    ///
    /// Said by whoever has just read or written it. It lasts as long as the version does and no such member is taken
    /// away; a store may then write members one by one instead of replacing the whole.
    #[must_use]
    pub fn with_all_members(mut self) -> Self {
        self.keeps_members.0 = true;
        self
    }

    /// Whether [`with_all_members`](Self::with_all_members) still holds.
    #[must_use]
    pub fn has_all_members(&self) -> bool {
        self.keeps_members.0
    }

    /// The same document with another schema version, from 1.
    ///
    /// # Errors
    /// [`BodyError::Damaged`] when the members beside its fields cannot be read.
    pub fn with_schema(self, schema: u32) -> Result<Self, BodyError> {
        let extra = with_schema_in(self.extra.as_ref(), schema)?;
        Ok(self.with_extra(extra))
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The version that was read.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The ends, for an edge.
    #[must_use]
    pub fn ends(&self) -> Option<&Ends> {
        self.ends.as_ref()
    }

    /// The encoded user fields.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Members that Wayfare does not know.
    #[must_use]
    pub fn extra(&self) -> Option<&Body> {
        self.extra.as_ref()
    }

    /// The schema version: its member `_v`, 1 where it has none.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when `_v` is not a whole number from 1.
    pub fn schema(&self) -> Result<u32, BodyError> {
        schema_in(self.extra.as_ref())
    }

    /// The document in the schema of a type: as it is, or brought there by the registered upgrades. Its version
    /// stays, so that it can be saved.
    ///
    /// # Errors
    /// [`BodyError::NewerSchema`] when it is of a later schema than the type, [`BodyError::MissingUpgrade`] when
    /// a step is missing, [`BodyError::UpgradeFailed`].
    pub fn upgraded<T: Entity>(mut self) -> Result<Self, BodyError> {
        if let Some((body, extra)) = upgrade::upgraded::<T>(&self.id, &self.body, self.extra.as_ref())? {
            self = self.with_body(body).with_extra(extra);
        }
        Ok(self)
    }

    /// The user fields.
    ///
    /// # Errors
    /// [`BodyError::Damaged`].
    pub fn context(&self) -> Result<Map<String, Value>, BodyError> {
        self.body.fields()
    }

    /// The user fields as an entity, upgraded to its schema first.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when they do not fit; as [`upgraded`](Self::upgraded) besides.
    pub fn decode_entity<T: Entity>(&self) -> Result<T, BodyError> {
        upgrade::decoded(&self.id, &self.body, self.extra.as_ref())
    }

    /// The user fields as `T`, just as they are stored.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when they do not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, BodyError> {
        self.body.decode()
    }

    /// Writes `value`'s fields over the context; fields that `value` does not know stay.
    ///
    /// A field that `old`, the value read before, wrote and `value` no longer writes is removed.
    ///
    /// # Errors
    /// [`BodyError::Encode`] and [`BodyError::NotAMap`].
    pub fn overlay<T: Serialize + ?Sized>(&self, old: &T, value: &T) -> Result<Self, BodyError> {
        let known = Body::encode(old)?.fields()?;
        let mut written = Body::encode(value)?.fields()?;
        let mut fields = Map::new();
        for (name, kept) in self.body.fields()? {
            match written.shift_remove(&name) {
                Some(new) => fields.insert(name, new),
                None if known.contains_key(&name) => None,
                None => fields.insert(name, kept),
            };
        }
        fields.extend(written);
        Ok(self.clone().with_body(Body::encode(&fields)?))
    }

    /// The document with a value's fields written over those it has; fields that the type does not know
    /// stay. It has the schema of the type then.
    ///
    /// # Errors
    /// [`BodyError`] when the old fields do not fit the type or are of a newer schema, or the value does not
    /// serialise.
    pub fn written_over<T: Entity>(&self, value: &T) -> Result<Self, BodyError> {
        if upgrade::upgraded::<T>(&self.id, &self.body, self.extra.as_ref())?.is_some() {
            return self.clone().upgraded::<T>()?.written_over(value);
        }
        if T::FIELDS.is_some_and(|known| self.body.has_only(known)) {
            return Ok(self.clone().with_body(Body::encode(value)?));
        }
        self.overlay(&self.decode::<T>()?, value)
    }

    /// What a dotted path names: `id`, `entity`, `_version`, `source`, `target`, `bidirectional`, or
    /// a member of `context` with as much of the path as remains below it.
    ///
    /// Returns the value of the first one or two segments and how many they were, so that only one
    /// field is decoded. `None` when there is no such member.
    #[must_use]
    pub fn peek(&self, path: &[String]) -> Option<(Value, usize)> {
        let text = |id: &Id| Value::from(id.to_string());
        let value = match path.first()?.as_str() {
            "id" | "_id" => text(&self.id),
            "entity" => Value::from(self.id.entity().as_str()),
            "_version" => Value::from(self.version.0),
            "source" => text(&self.ends.as_ref()?.source),
            "target" => text(&self.ends.as_ref()?.target),
            "bidirectional" => Value::from(self.ends.as_ref()?.bidirectional),
            "context" => {
                return match path.get(1) {
                    Some(name) => Some((self.body.field(name)?, 2)),
                    None => Some((Value::Object(self.body.fields().ok()?), 1)),
                };
            }
            other => self.extra.as_ref()?.field(other)?,
        };
        Some((value, 1))
    }

    /// Whether [`peek`](Self::peek) has to decode something for a path, rather than know it of the head.
    pub(crate) fn must_decode_for(path: &[String]) -> bool {
        let is_head = |name: &String| name != "context" && KNOWN_MEMBERS.contains(&name.as_str());
        !path.first().is_some_and(is_head)
    }

    /// Reads the JSON form. A missing `context` is an empty one, a missing `_version` is 0.
    ///
    /// # Errors
    /// [`DocumentError::Shape`] naming the member at fault, [`DocumentError::Id`],
    /// [`DocumentError::EntityMismatch`].
    pub fn from_json(value: Value) -> Result<Self, DocumentError> {
        let shape = |reason: &str| DocumentError::Shape { reason: reason.to_owned() };
        let Value::Object(mut members) = value else {
            return Err(shape("it is no JSON object"));
        };
        let id: Id = match members.get("id").or_else(|| members.get("_id")) {
            Some(Value::String(text)) => text.parse()?,
            Some(_) => return Err(shape("`id` is not text")),
            None => return Err(shape("`id` is missing")),
        };
        if let Some(entity) = members.get("entity") {
            let entity = entity.as_str().ok_or_else(|| shape("`entity` is not text"))?;
            if entity != id.entity().as_str() {
                return Err(DocumentError::EntityMismatch { id, entity: entity.to_owned() });
            }
        }
        let version = match members.get("_version") {
            None | Some(Value::Null) => 0,
            Some(version) => {
                version.as_u64().ok_or_else(|| shape("`_version` is not a whole number from 0"))?
            }
        };
        let ends = (id.kind() == Kind::Edge).then(|| ends_from(&members)).transpose()?;
        let body = match members.shift_remove("context") {
            None => Body::empty(),
            Some(context @ Value::Object(_)) => Body::encode(&context)?,
            Some(_) => return Err(shape("`context` is not an object")),
        };
        members.retain(|name, _| !KNOWN_MEMBERS.contains(&name.as_str()));
        let extra = if members.is_empty() { None } else { Some(Body::encode(&members)?) };
        Ok(Self { id, version: Version(version), ends, body, extra, keeps_members: KeepsMembers::default() })
    }

    /// The JSON form, members in the order `id`, `entity`, `context`, ends, `_version`, the rest.
    ///
    /// # Errors
    /// [`BodyError::Damaged`].
    pub fn to_json(&self) -> Result<Value, BodyError> {
        let mut members = Map::new();
        members.insert("id".into(), Value::from(self.id.to_string()));
        members.insert("entity".into(), Value::from(self.id.entity().as_str()));
        members.insert("context".into(), Value::Object(self.body.fields()?));
        if let Some(ends) = &self.ends {
            members.insert("source".into(), Value::from(ends.source.to_string()));
            members.insert("target".into(), Value::from(ends.target.to_string()));
            members.insert("bidirectional".into(), Value::from(ends.bidirectional));
        }
        members.insert("_version".into(), Value::from(self.version.0));
        if let Some(extra) = &self.extra {
            members.extend(extra.fields()?);
        }
        Ok(Value::Object(members))
    }
}

/// Whether the new members have all the names of the old ones.
fn has_names_of(new: Option<&Body>, old: Option<&Body>) -> bool {
    let (Some(old), true) = (old, new != old) else { return true };
    let Some(new) = new else { return false };
    match (old.fields(), new.fields()) {
        (Ok(old), Ok(new)) => old.keys().all(|name| new.contains_key(name)),
        _ => false,
    }
}

fn ends_from(members: &Map<String, Value>) -> Result<Ends, DocumentError> {
    let end = |name: &str| match members.get(name) {
        Some(Value::String(text)) => Ok(text.parse()?),
        Some(_) => Err(DocumentError::Shape { reason: format!("`{name}` is not text") }),
        None => Err(DocumentError::Shape { reason: format!("an edge needs `{name}`") }),
    };
    let bidirectional = match members.get("bidirectional") {
        None => false,
        Some(Value::Bool(both)) => *both,
        Some(_) => {
            return Err(DocumentError::Shape { reason: "`bidirectional` is not true or false".into() });
        }
    };
    Ok(Ends { source: end("source")?, target: end("target")?, bidirectional })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[test]
    fn unknown_members_and_fields_survive() {
        let json = json!({
            "id": "e.Road.r1", "entity": "Road", "context": {"km": 3.5, "note": null},
            "source": "n.City.a", "target": "n.City.b", "bidirectional": true, "_version": 4,
            "owner": {"name": "x"},
        });
        let document = Document::from_json(json.clone()).unwrap();
        assert_eq!(document.to_json().unwrap(), json);
        // `context` is taken out of the middle; what stood behind it stays in its order.
        let ordered = json!({"id": "n.City.a", "context": {}, "z": 1, "a": 2, "m": 3});
        let written = Document::from_json(ordered).unwrap().to_json().unwrap().to_string();
        assert!(written.ends_with(r#""z":1,"a":2,"m":3}"#), "{written}");
        assert_eq!(document.peek(&["context".into(), "km".into()]), Some((json!(3.5), 2)));
        assert_eq!(document.peek(&["owner".into(), "name".into()]), Some((json!({"name": "x"}), 1)));
    }

    #[test]
    fn the_version_after_the_last_there_is_is_another_one() {
        let json = json!({"id": "n.City.a", "context": {}, "_version": u64::MAX});
        assert_eq!(Document::from_json(json).unwrap().version().next(), Version::FIRST);
        assert_eq!(Version(4).next(), Version(5));
    }

    #[test]
    fn a_document_has_all_members_until_one_is_taken_away_or_its_version_is_another() {
        let json = json!({"id": "n.City.a", "context": {}, "owner": 1, "_version": 4});
        let members = |json: Value| Some(Body::encode(json.as_object().unwrap()).unwrap());
        let read = Document::from_json(json).unwrap();
        assert!(!read.has_all_members());
        let read = read.with_all_members();
        assert!(read.clone().with_body(Body::empty()).with_version(Version(4)).has_all_members());
        assert!(read.clone().with_schema(2).unwrap().has_all_members());
        assert!(read.clone().with_extra(members(json!({"owner": 2, "since": 1}))).has_all_members());
        assert!(!read.clone().with_extra(members(json!({"since": 1}))).has_all_members());
        assert!(!read.clone().with_extra(None).has_all_members());
        assert!(!read.clone().with_version(Version(5)).has_all_members());
        assert_eq!(read, read.clone().with_extra(None).with_extra(read.extra().cloned()));
    }

    #[test]
    fn overlay_keeps_what_the_type_does_not_know_and_drops_what_it_unset() {
        #[derive(Serialize, Deserialize)]
        struct City {
            name: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            mayor: Option<String>,
        }
        let json = json!({"id": "n.City.a", "context": {"name": "A", "mayor": "M", "legacy": 1}});
        let document = Document::from_json(json).unwrap();
        let old: City = document.decode().unwrap();
        let new = City { name: "B".into(), mayor: None };
        let saved = document.overlay(&old, &new).unwrap();
        assert_eq!(Value::Object(saved.context().unwrap()), json!({"name": "B", "legacy": 1}));
    }

    #[test]
    fn faults_name_the_member() {
        for (json, part) in [
            (json!([]), "no JSON object"),
            (json!({}), "`id` is missing"),
            (json!({"id": 3}), "`id` is not text"),
            (json!({"id": "n.A.b", "entity": "C"}), "its entity is `C`"),
            (json!({"id": "n.A.b", "context": 1}), "`context`"),
            (json!({"id": "n.A.b", "_version": -1}), "`_version`"),
            (json!({"id": "e.A.b", "source": "n.A.b"}), "`target`"),
        ] {
            let error = Document::from_json(json.clone()).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
