//! Lazy neighbour expressions: which edges to follow from a node, resolved when the walk goes there.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::direction::Direction;
use crate::entity_name::EntityName;
use crate::id::IdError;
use crate::random::Random;
use crate::record::{Links, Slot};

/// Which edge entities to follow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Along {
    /// All of them.
    #[default]
    All,
    /// One.
    One(EntityName),
    /// Several.
    Any(Arc<[EntityName]>),
}

impl Along {
    /// The entities named; all of them when none is named.
    ///
    /// # Errors
    /// [`IdError::EntityName`] for a name that cannot be one.
    pub fn names<S: AsRef<str>>(names: &[S]) -> Result<Self, IdError> {
        let names: Vec<EntityName> =
            names.iter().map(|name| EntityName::new(name.as_ref())).collect::<Result<_, _>>()?;
        Ok(match names.as_slice() {
            [] => Self::All,
            [one] => Self::One(*one),
            many => Self::Any(many.into()),
        })
    }

    /// Whether edges of an entity, given by its code, are followed.
    #[must_use]
    #[inline]
    pub fn follows(&self, code: u16) -> bool {
        match self {
            Self::All => true,
            Self::One(name) => name.code() == code,
            Self::Any(names) => names.iter().any(|name| name.code() == code),
        }
    }
}

/// A list of names, empty for all.
impl Serialize for Along {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.collect_seq([""; 0]),
            Self::One(name) => serializer.collect_seq([name.as_str()]),
            Self::Any(names) => serializer.collect_seq(names.iter().map(|name| name.as_str())),
        }
    }
}

impl<'de> Deserialize<'de> for Along {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Self::names(&names).map_err(serde::de::Error::custom)
    }
}

/// The neighbours of a node, not yet looked up.
///
/// Made by [`Here::out`](crate::Here::out) and its kin; costs nothing until the walk resolves it.
#[derive(Debug, Clone)]
pub struct Neighbours {
    origin: Slot,
    direction: Direction,
    along: Along,
    /// Random bits that choose one neighbour.
    choice: Option<u64>,
}

impl Neighbours {
    /// All neighbours of a node in a direction.
    #[must_use]
    #[inline]
    pub fn of(origin: Slot, direction: Direction) -> Self {
        Self { origin, direction, along: Along::All, choice: None }
    }

    /// Those along edges of one entity.
    #[inline]
    pub(crate) fn along_one(origin: Slot, direction: Direction, entity: EntityName) -> Self {
        Self { origin, direction, along: Along::One(entity), choice: None }
    }

    /// Only those along edges of these entities.
    #[must_use]
    #[inline]
    pub fn along(self, along: Along) -> Self {
        Self { along, ..self }
    }

    /// Only one of them, every edge equally likely.
    #[must_use]
    #[inline]
    pub fn one_of(mut self, random: &mut Random) -> Self {
        self.choice = Some(random.next_u64());
        self
    }

    /// The node whose neighbours these are.
    #[must_use]
    pub fn origin(&self) -> Slot {
        self.origin
    }

    /// The direction.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The edge entities followed.
    #[must_use]
    pub fn followed(&self) -> &Along {
        &self.along
    }

    /// Hands the chosen slots to `take`, in runs, in the order of the edges.
    #[inline]
    pub fn resolve(&self, links: &Links, mut take: impl FnMut(&[u32])) {
        let Some(choice) = self.choice else {
            for (_, run) in links.runs().filter(|(code, _)| self.along.follows(*code)) {
                take(run);
            }
            return;
        };
        let followed = || links.runs().filter(|(code, _)| self.along.follows(*code));
        let total: usize = followed().map(|(_, run)| run.len()).sum();
        let mut at = ((u128::from(choice) * total as u128) >> 64) as usize;
        for (_, run) in followed() {
            match run.get(at) {
                Some(chosen) => return take(std::slice::from_ref(chosen)),
                None => at -= run.len(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_reaches_every_followed_neighbour_and_no_other() {
        let (road, rail) = (EntityName::new("NbRoad").unwrap(), EntityName::new("NbRail").unwrap());
        let links = Links::pack([(road, 1), (rail, 2), (road, 3)].map(|(entity, slot)| (entity, Slot(slot))));
        let mut random = Random::new(1);
        let mut seen = [0; 4];
        for _ in 0..400 {
            let one = Neighbours::of(Slot(0), Direction::Out).along(Along::One(road)).one_of(&mut random);
            one.resolve(&links, |slots| slots.iter().for_each(|&slot| seen[slot as usize] += 1));
        }
        assert_eq!(seen[0] + seen[2], 0);
        assert_eq!(seen[1] + seen[3], 400);
        assert!(seen[1] > 120 && seen[3] > 120, "{seen:?}");
        let none = Neighbours::of(Slot(0), Direction::Out).along(Along::Any([].into())).one_of(&mut random);
        none.resolve(&links, |_| panic!("nothing is followed"));
    }
}
