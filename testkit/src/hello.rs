//! What the members of a replica set say of themselves, taken together.

use mongodb::bson::{Bson, Document};

/// What a member that runs says of itself, if it says anything.
#[derive(Debug)]
pub(crate) struct Hello {
    pub(crate) member: usize,
    pub(crate) answer: Option<Document>,
}

impl Hello {
    fn says(&self, field: &str) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.get_bool(field).unwrap_or(false))
    }
}

/// The primary, and of several that which was elected last: one that was hung or cut off takes a moment to find out
/// that it is primary no more.
pub(crate) fn newest_primary(hellos: &[Hello]) -> Option<usize> {
    let primaries = hellos.iter().filter(|hello| hello.says("isWritablePrimary"));
    // The ids begin alike and end with the number of the election.
    let election = |hello: &&Hello| {
        let id =
            hello.answer.as_ref().and_then(|answer| answer.get("electionId")).and_then(Bson::as_object_id);
        id.map(|id| id.bytes())
    };
    primaries.max_by_key(election).map(|hello| hello.member)
}

pub(crate) fn is_healthy(hellos: &[Hello]) -> bool {
    let primaries = hellos.iter().filter(|hello| hello.says("isWritablePrimary")).count();
    primaries == 1 && hellos.iter().all(|hello| hello.says("isWritablePrimary") || hello.says("secondary"))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use mongodb::bson::oid::ObjectId;

    use super::*;

    fn hello(member: usize, answer: Document) -> Hello {
        Hello { member, answer: Some(answer) }
    }

    fn primary(member: usize, election: u8) -> Hello {
        let id = [0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, election];
        hello(member, doc! { "isWritablePrimary": true, "electionId": ObjectId::from_bytes(id) })
    }

    fn secondary(member: usize) -> Hello {
        hello(member, doc! { "isWritablePrimary": false, "secondary": true })
    }

    #[test]
    fn of_two_primaries_the_one_elected_last_counts() {
        assert_eq!(newest_primary(&[primary(0, 4), primary(1, 5), secondary(2)]), Some(1));
        assert_eq!(newest_primary(&[primary(0, 6), primary(1, 5)]), Some(0));
        assert_eq!(newest_primary(&[secondary(0), Hello { member: 1, answer: None }]), None);
    }

    #[test]
    fn a_set_is_healthy_with_one_primary_and_nobody_behind() {
        assert!(is_healthy(&[primary(0, 1)]));
        assert!(is_healthy(&[secondary(0), primary(1, 1), secondary(2)]));
        assert!(!is_healthy(&[secondary(0), secondary(1)]));
        assert!(!is_healthy(&[primary(0, 1), primary(1, 2)]));
        let behind = hello(1, doc! { "isWritablePrimary": false, "secondary": false });
        assert!(!is_healthy(&[primary(0, 1), behind]));
        assert!(!is_healthy(&[primary(0, 1), Hello { member: 1, answer: None }]));
    }
}
