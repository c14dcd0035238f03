//! What a server says of a command that writes.

use bson::{Bson, Document as BsonDocument};

use super::bulk::{Duplicate, Outcome};
use super::fault::{Fault, PASSING_CODES};

/// DuplicateKey.
pub(super) const DUPLICATE: i32 = 11000;

/// How a replacement fails that matches nothing: PathNotViable when it sets members, ConversionFailure when it replaces
/// the whole.
const NOTHING_MATCHES: [i32; 2] = [28, 241];

/// CannotIndexParallelArrays.
pub(super) const TWO_LISTS: i32 = 171;

/// What a document must not be or hold: BadValue, Overflow (nesting), DollarPrefixedFieldName, InvalidDBRef,
/// DottedFieldName, ImmutableField, DocumentValidationFailure, BSONObjectTooLarge, and three numbers that have no
/// name, for documents and keys that grew too large.
const UNSUITABLE: [i32; 11] = [2, 15, 52, 55, 57, 66, 121, 10334, 17280, 17419, 17420];

/// The answer to a command that writes.
#[derive(Debug)]
pub(super) struct Reply {
    /// Documents that were inserted, matched or removed.
    pub(super) matched: usize,
    pub(super) errors: Vec<StatementError>,
}

/// The error of one statement.
#[derive(Debug)]
pub(super) struct StatementError {
    /// Which one of the command's.
    pub(super) index: usize,
    pub(super) code: i32,
    pub(super) told: Told,
}

/// What an error says.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// What became of the write.
    Outcome(Outcome),
    /// That something is wrong with the server.
    Failure(String),
}

impl Reply {
    /// Reads an answer; an error when what was written is not yet safe, or not all could be done for the moment.
    pub(super) fn read(answer: &BsonDocument) -> Result<Self, Fault> {
        if let Ok(concern) = answer.get_document("writeConcernError") {
            let code = integer(concern.get("code"));
            let reason = concern.get_str("errmsg").unwrap_or("the write was not confirmed").to_owned();
            return Err(Fault::Unconfirmed { code, reason });
        }
        let errors = answer.get_array("writeErrors").map(Vec::as_slice).unwrap_or_default();
        let errors: Vec<_> = errors.iter().filter_map(Bson::as_document).map(StatementError::read).collect();
        if let Some(passing) = errors.iter().find(|error| PASSING_CODES.contains(&error.code)) {
            let reason = "the server moved on while it wrote".to_owned();
            return Err(Fault::Unconfirmed { code: passing.code, reason });
        }
        let matched = usize::try_from(integer(answer.get("n"))).unwrap_or_default();
        Ok(Self { matched, errors })
    }
}

impl Reply {
    /// The first error that is none of a document that exists already.
    pub(super) fn failure(&self) -> Option<Fault> {
        let failed = self.errors.iter().find(|error| error.told != Told::Outcome(Outcome::Exists))?;
        Some(Fault::Failed { code: failed.code, reason: format!("{:?}", failed.told) })
    }
}

impl StatementError {
    fn read(error: &BsonDocument) -> Self {
        let code = integer(error.get("code"));
        let reason = || error.get_str("errmsg").unwrap_or_default().to_owned();
        let told = match code {
            DUPLICATE => Told::Outcome(duplicate(error)),
            code if NOTHING_MATCHES.contains(&code) => Told::Outcome(Outcome::Unmatched),
            TWO_LISTS => Told::Outcome(Outcome::Unsuitable(
                "MongoDB has no index over two lists of one document: drop the index, or keep one of the lists out of it"
                    .into(),
            )),
            code if UNSUITABLE.contains(&code) => Told::Outcome(Outcome::Unsuitable(reason())),
            _ => Told::Failure(reason()),
        };
        Self { index: usize::try_from(integer(error.get("index"))).unwrap_or_default(), code, told }
    }
}

/// Which rule of uniqueness was broken.
fn duplicate(error: &BsonDocument) -> Outcome {
    let values = error.get_document("keyValue").cloned().unwrap_or_default();
    match values.keys().next().map(String::as_str) {
        Some("_id") => Outcome::Exists,
        Some("source") => Outcome::PairTaken,
        _ => Outcome::Violated(Duplicate { values }),
    }
}

fn integer(value: Option<&Bson>) -> i32 {
    match value {
        Some(Bson::Int32(value)) => *value,
        Some(Bson::Int64(value)) => i32::try_from(*value).unwrap_or(i32::MAX),
        Some(Bson::Double(value)) => *value as i32,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn errors_of_statements_are_told_by_their_code() {
        let answer = doc! { "n": 2, "ok": 1.0, "writeErrors": [
            { "index": 1, "code": 11000, "keyValue": { "_id": "n.A.b" } },
            { "index": 3, "code": 11000, "keyValue": { "source": "n.A.b", "target": "n.A.c" } },
            { "index": 4, "code": 11000, "keyValue": { "context.code": 1 } },
            { "index": 6, "code": 10334, "errmsg": "too large" },
            { "index": 7, "code": 14031, "errmsg": "disk full" },
        ] };
        let reply = Reply::read(&answer).unwrap();
        assert_eq!(reply.matched, 2);
        let told: Vec<_> = reply.errors.into_iter().map(|error| (error.index, error.told)).collect();
        let violated = Outcome::Violated(Duplicate { values: doc! { "context.code": 1 } });
        assert_eq!(
            told,
            [
                (1, Told::Outcome(Outcome::Exists)),
                (3, Told::Outcome(Outcome::PairTaken)),
                (4, Told::Outcome(violated)),
                (6, Told::Outcome(Outcome::Unsuitable("too large".into()))),
                (7, Told::Failure("disk full".into())),
            ]
        );
    }

    #[test]
    fn what_is_not_confirmed_may_be_done_yet() {
        let answer = doc! { "n": 1, "writeConcernError": { "code": 64, "errmsg": "waiting timed out" } };
        assert!(Reply::read(&answer).unwrap_err().is_away());
        let answer = doc! { "n": 1, "writeConcernError": { "code": 100, "errmsg": "not enough members" } };
        assert!(!Reply::read(&answer).unwrap_err().is_away());
        let answer = doc! { "n": 1, "writeErrors": [{ "index": 1, "code": 189, "errmsg": "stepped down" }] };
        assert!(Reply::read(&answer).unwrap_err().is_away());
    }
}
