//! JSON Lines: each line a whole document, as `wayfare export` writes it.

use std::io::BufRead;

use rustc_hash::FxHashSet;
use serde_json::Value;
use wayfare::{Document, EntityName, Id, Kind, Write};

use super::lines::{Line, Lines, too_long, utf8};
use super::records::{Record, unreadable};
use super::report::Rejection;

/// Reads documents of any kind.
pub(super) struct DocumentReader {
    lines: Lines<Box<dyn BufRead + Send>>,
    entity: Option<EntityName>,
    line: Vec<u8>,
    seen: FxHashSet<Id>,
    ended: bool,
}

impl DocumentReader {
    /// Reads documents, all of which must be of `entity` where one is given.
    pub(super) fn new(lines: Lines<Box<dyn BufRead + Send>>, entity: Option<EntityName>) -> Self {
        Self { lines, entity, line: Vec::new(), seen: FxHashSet::default(), ended: false }
    }

    /// The next document; empty lines are passed over.
    pub(super) fn next(&mut self) -> Option<Result<Record, Rejection>> {
        while !self.ended {
            let read = self.lines.read(&mut self.line, 0);
            let line = self.lines.number();
            let document = match read {
                Ok(Line::End) => return None,
                Ok(Line::Read) if self.line.trim_ascii().is_empty() => continue,
                Ok(Line::Read) => self.document(),
                Ok(Line::TooLong) => Err(too_long()),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(Rejection { line: line + 1, reason: unreadable(&error) }));
                }
            };
            return Some(match document {
                Ok(document) => {
                    let repeats = !self.seen.insert(document.id().clone());
                    Ok(Record { line, write: Write::Upsert { document }, repeats })
                }
                Err(reason) => Err(Rejection { line, reason }),
            });
        }
        None
    }

    fn document(&self) -> Result<Document, String> {
        let text = utf8(&self.line)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let told = error.to_string();
            // The error counts lines within this one.
            let what = told.rsplit_once(" at line ").map_or(told.as_str(), |(what, _)| what);
            format!("no JSON at column {}: {what}; each line is one whole document", error.column())
        })?;
        let document = Document::from_json(value).map_err(|error| error.to_string())?;
        if document.id().kind() == Kind::Walker {
            return Err(format!(
                "`{}` is a walker, and walkers are not kept by import: it takes nodes, edges and objects",
                document.id()
            ));
        }
        match self.entity {
            Some(entity) if document.id().entity() != entity => {
                Err(format!("`{}` is not of entity `{entity}`, which `--entity` demands", document.id()))
            }
            _ => Ok(document),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(text: &'static str, entity: Option<&str>) -> Vec<Result<(u64, String, bool), Rejection>> {
        let entity = entity.map(|name| EntityName::new(name).unwrap());
        let mut reader = DocumentReader::new(Lines::new(Box::new(text.as_bytes())), entity);
        let show = |record: Record| match record.write {
            Write::Upsert { document } => (record.line, document.id().to_string(), record.repeats),
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(|| reader.next()).map(|outcome| outcome.map(show)).collect()
    }

    #[test]
    fn documents_come_with_their_lines_and_repeats_are_noted() {
        let text = "\u{feff}{\"id\": \"n.A.x\"}\n\n  \n{\"id\": \"o.B.y\"}\r\n{\"id\": \"n.A.x\"}";
        let expected = [(1, "n.A.x", false), (4, "o.B.y", false), (5, "n.A.x", true)];
        let expected: Vec<_> = expected.map(|(line, id, repeats)| Ok((line, id.to_owned(), repeats))).into();
        assert_eq!(outcomes(text, None), expected);
    }

    #[test]
    fn what_is_no_document_is_rejected_with_its_line() {
        let text = "{\"id\": \n[1]\n{\"id\": \"n.A\"}\n{\"id\": \"n.B.x\"}\n{\"id\": \"e.A.x\"}\n";
        let reasons: Vec<_> =
            outcomes(text, Some("A")).into_iter().map(|outcome| outcome.unwrap_err()).collect();
        let parts = [
            "no JSON at column",
            "it is no JSON object",
            "is not an id",
            "not of entity `A`",
            "needs `source`",
        ];
        for ((rejection, part), line) in reasons.iter().zip(parts).zip(1..) {
            assert_eq!(rejection.line, line);
            assert!(rejection.reason.contains(part), "{}", rejection.reason);
        }
        assert_eq!(reasons.len(), parts.len());
    }
}
