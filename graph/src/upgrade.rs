//! Schema versions: what is stored in an older form of a type is brought to its present form as it is read.
//!
//! The version stands in a document's member `_v`, as in jvspatial's documents; without it, it is 1. Nothing is
//! written by reading: the new form is stored by the next save, or by a migration.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::body::{Body, BodyError};
use crate::document::Document;
use crate::entity::Entity;
use crate::id::{Id, Kind};
use crate::step::HookError;

/// The member of a document that holds its schema version.
pub(crate) const SCHEMA_MEMBER: &str = "_v";

/// The schema version of a document that does not say one.
pub(crate) const FIRST_SCHEMA: u32 = 1;

/// The fields of an entity, as an upgrade is given them.
pub type Fields = Map<String, Value>;

/// One step from a schema version of an entity to the next; made and registered by `#[upgrade]`.
#[derive(Debug, Clone, Copy)]
pub struct Upgrade {
    /// The kind of the entity.
    pub kind: Kind,
    /// Its name.
    pub entity: &'static str,
    /// The schema version that it is for; the fields have the next one afterwards.
    pub from: u32,
    /// Changes the fields.
    pub run: fn(&mut Fields) -> Result<(), HookError>,
}

impl Upgrade {
    /// The step of `T` from a schema version.
    #[must_use]
    pub const fn of<T: Entity>(from: u32, run: fn(&mut Fields) -> Result<(), HookError>) -> Self {
        Self { kind: T::KIND, entity: T::NAME, from, run }
    }
}

inventory::collect!(Upgrade);

/// What a function under `#[upgrade]` may return: nothing, or a `Result<(), E>` with any error.
#[diagnostic::on_unimplemented(
    message = "an upgrade cannot return `{Self}`",
    label = "not `()` or a `Result<(), E>`"
)]
pub trait IntoUpgraded {
    /// Whether the fields were upgraded.
    ///
    /// # Errors
    /// The function's own.
    fn into_upgraded(self) -> Result<(), HookError>;
}

impl IntoUpgraded for () {
    fn into_upgraded(self) -> Result<(), HookError> {
        Ok(())
    }
}

impl<E: Into<HookError>> IntoUpgraded for Result<(), E> {
    fn into_upgraded(self) -> Result<(), HookError> {
        self.map_err(Into::into)
    }
}

type Steps = FxHashMap<(Kind, &'static str, u32), Vec<&'static Upgrade>>;

fn steps_from(kind: Kind, entity: &'static str, from: u32) -> &'static [&'static Upgrade] {
    static STEPS: OnceLock<Steps> = OnceLock::new();
    let steps = STEPS.get_or_init(|| {
        let mut steps = Steps::default();
        for upgrade in inventory::iter::<Upgrade> {
            steps.entry((upgrade.kind, upgrade.entity, upgrade.from)).or_default().push(upgrade);
        }
        steps
    });
    steps.get(&(kind, entity, from)).map_or(&[], Vec::as_slice)
}

/// The schema version that the members beside the fields tell.
pub(crate) fn schema_in(extra: Option<&Body>) -> Result<u32, BodyError> {
    match extra.and_then(|extra| extra.field(SCHEMA_MEMBER)) {
        None | Some(Value::Null) => Ok(FIRST_SCHEMA),
        Some(value) => {
            let schema = value.as_u64().and_then(|schema| u32::try_from(schema).ok());
            schema.filter(|schema| *schema >= FIRST_SCHEMA).ok_or_else(|| BodyError::Decode {
                reason: format!("`{SCHEMA_MEMBER}` is {value}, and not a whole number from {FIRST_SCHEMA}"),
            })
        }
    }
}

/// The members beside the fields, with another schema version; none for 1, which goes without saying.
pub(crate) fn with_schema_in(extra: Option<&Body>, schema: u32) -> Result<Option<Body>, BodyError> {
    let mut members = extra.map(Body::fields).transpose()?.unwrap_or_default();
    match schema {
        FIRST_SCHEMA => drop(members.shift_remove(SCHEMA_MEMBER)),
        schema => drop(members.insert(SCHEMA_MEMBER.to_owned(), schema.into())),
    }
    if members.is_empty() { Ok(None) } else { Body::encode(&members).map(Some) }
}

/// The members beside the fields of a document of `T` that has no members of its own; `None` where there are none.
pub(crate) fn plain_extra<T: Entity>() -> Option<&'static Body> {
    static BODIES: OnceLock<boxcar::Vec<(u32, Body)>> = OnceLock::new();
    if T::SCHEMA == FIRST_SCHEMA {
        return None;
    }
    let bodies = BODIES.get_or_init(boxcar::Vec::new);
    if let Some((_, (_, body))) = bodies.iter().find(|(_, (schema, _))| *schema == T::SCHEMA) {
        return Some(body);
    }
    // Two threads may add the same one; the list is as long as there are schema versions, and a few more.
    let body = with_schema_in(None, T::SCHEMA).ok()??;
    let at = bodies.push((T::SCHEMA, body));
    bodies.get(at).map(|(_, body)| body)
}

/// The fields of an entity in the form of `T`, `None` where they are in that form already.
///
/// # Errors
/// [`BodyError::NewerSchema`], [`BodyError::MissingUpgrade`], [`BodyError::UpgradeFailed`].
pub(crate) fn upgraded<T: Entity>(
    id: &Id,
    body: &Body,
    extra: Option<&Body>,
) -> Result<Option<(Body, Option<Body>)>, BodyError> {
    if extra.is_none() && T::SCHEMA == FIRST_SCHEMA {
        return Ok(None);
    }
    let (found, supported) = (schema_in(extra)?, T::SCHEMA);
    if found == supported {
        return Ok(None);
    }
    if found > supported {
        return Err(BodyError::NewerSchema { id: id.clone(), found, supported });
    }
    let mut fields = body.fields()?;
    for from in found..supported {
        let failed = |reason: String| BodyError::UpgradeFailed { id: id.clone(), from, reason };
        match steps_from(T::KIND, T::NAME, from) {
            [] => {
                return Err(BodyError::MissingUpgrade { entity: T::entity_name(), from, to: from + 1 });
            }
            [step] => (step.run)(&mut fields).map_err(|error| failed(error.to_string()))?,
            several => return Err(failed(format!("{} functions are registered for it", several.len()))),
        }
    }
    Ok(Some((Body::encode(&fields)?, with_schema_in(extra, supported)?)))
}

/// Fields as a `T`, upgraded first.
pub(crate) fn decoded<T: Entity>(id: &Id, body: &Body, extra: Option<&Body>) -> Result<T, BodyError> {
    match upgraded::<T>(id, body, extra)? {
        Some((body, _)) => body.decode(),
        None => body.decode(),
    }
}

/// A document in the form of `T`, and whether that is another form than it had; its fields fit the type.
pub(crate) fn current<T: Entity>(document: &Document) -> Result<(Document, bool), BodyError> {
    let upgraded = document.clone().upgraded::<T>()?;
    upgraded.decode::<T>()?;
    let changed = upgraded != *document;
    Ok((upgraded, changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_is_one_unless_the_document_says_another() {
        let schema = |extra: Value| schema_in(Some(&Body::encode(&extra).unwrap()));
        assert_eq!(schema_in(None).unwrap(), 1);
        assert_eq!(schema(json!({"owner": "x"})).unwrap(), 1);
        assert_eq!(schema(json!({"_v": null})).unwrap(), 1);
        assert_eq!(schema(json!({"_v": 7})).unwrap(), 7);
        for bad in [json!(0), json!(-1), json!(1.5), json!("2"), json!(u64::MAX)] {
            assert!(matches!(schema(json!({ "_v": bad })), Err(BodyError::Decode { .. })));
        }
    }

    #[test]
    fn another_schema_leaves_other_members_alone() {
        let extra = Body::encode(&json!({"owner": "x"})).unwrap();
        let two = with_schema_in(Some(&extra), 2).unwrap().unwrap();
        assert_eq!(Value::Object(two.fields().unwrap()), json!({"owner": "x", "_v": 2}));
        assert_eq!(with_schema_in(Some(&two), 1).unwrap(), Some(extra));
        let alone = with_schema_in(None, 3).unwrap().unwrap();
        assert_eq!(with_schema_in(Some(&alone), 1).unwrap(), None);
    }
}
