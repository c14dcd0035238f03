//! Lazy neighbour expressions: which edges to follow from a node, resolved when the walk goes there.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::body::BodyError;
use crate::direction::Direction;
use crate::document::Document;
use crate::entity::{EdgeEntity, NodeEntity};
use crate::entity_name::EntityName;
use crate::filter::Filter;
use crate::id::IdError;
use crate::need::Need;
use crate::random::Random;
use crate::record::{EdgeLink, Links, Slot};
use crate::walk_error::WalkError;

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
/// Made by [`Here::out`](crate::Here::out) and its kin; costs nothing until the walk resolves it. What
/// narrows it applies in this order, however it is written: entity, [`to`](Self::to),
/// [`filter`](Self::filter), [`sorted_by`](Self::sorted_by), [`one_of`](Self::one_of),
/// [`limit`](Self::limit).
#[derive(Debug, Clone)]
pub struct Neighbours {
    origin: Slot,
    direction: Direction,
    along: Along,
    /// Random bits that choose one neighbour.
    choice: Option<u64>,
    narrow: Option<Box<Narrow>>,
}

impl Neighbours {
    /// All neighbours of a node in a direction.
    #[must_use]
    #[inline]
    pub fn of(origin: Slot, direction: Direction) -> Self {
        Self { origin, direction, along: Along::All, choice: None, narrow: None }
    }

    /// Those along edges of one entity.
    #[inline]
    pub(crate) fn along_one(origin: Slot, direction: Direction, entity: EntityName) -> Self {
        Self { along: Along::One(entity), ..Self::of(origin, direction) }
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

    /// Only nodes of one entity.
    #[must_use]
    pub fn to<T: NodeEntity>(self) -> Self {
        self.to_entities(Along::One(T::entity_name()))
    }

    /// Only nodes of these entities.
    #[must_use]
    pub fn to_entities(mut self, to: Along) -> Self {
        self.narrow().to = to;
        self
    }

    /// Only those whose edge is an `E` and passes a test. Several filters must all be passed.
    ///
    /// The walk reads the edges with the nodes from then on.
    #[must_use]
    pub fn filter<E: EdgeEntity>(self, keep: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.filter_edges(move |edge| match edge.id().entity() == E::entity_name() {
            true => Ok(keep(&edge.decode_entity::<E>()?)),
            false => Ok(false),
        })
    }

    /// Only those whose edge satisfies a filter, such as `{"context.km": {"$lt": 50}}`.
    #[must_use]
    pub fn matching(self, filter: Filter) -> Self {
        self.filter_edges(move |edge| Ok(filter.matches(edge)))
    }

    /// The same with the edge's document.
    #[must_use]
    pub fn filter_edges(
        mut self,
        keep: impl Fn(&Document) -> Result<bool, BodyError> + Send + Sync + 'static,
    ) -> Self {
        self.narrow().keep.push(Arc::new(keep));
        self
    }

    /// In an order of the edges, which are all to be `E`; equals in the order of their creation. Edges of
    /// other entities are left out.
    #[must_use]
    pub fn sorted_by<E: EdgeEntity>(
        mut self,
        order: impl Fn(&E, &E) -> Ordering + Send + Sync + 'static,
    ) -> Self {
        self.narrow().sort = Some(Arc::new(move |edges| {
            let mut decoded = Vec::with_capacity(edges.len());
            for (at, edge) in edges.iter().enumerate() {
                if edge.id().entity() == E::entity_name() {
                    decoded.push((edge.decode_entity::<E>().map_err(|error| (at, error))?, at));
                }
            }
            decoded.sort_by(|(a, _), (b, _)| order(a, b));
            Ok(decoded.into_iter().map(|(_, at)| at).collect())
        }));
        self
    }

    /// At a cost in walks of least cost: that of this visit and the weight of the edge, which is to be an
    /// `E`. Edges of other entities are left out.
    #[must_use]
    pub fn at_cost<E: EdgeEntity>(mut self, weight: impl Fn(&E) -> f64 + Send + Sync + 'static) -> Self {
        self.narrow().weigh = Some(Arc::new(move |edge| match edge.id().entity() == E::entity_name() {
            true => Ok(Some(weight(&edge.decode_entity::<E>()?))),
            false => Ok(None),
        }));
        self
    }

    /// At most so many, the first in order.
    #[must_use]
    pub fn limit(mut self, most: usize) -> Self {
        self.narrow().most = most;
        self
    }

    /// The edges themselves, which the walk visits and then goes on to their far ends.
    #[must_use]
    pub fn edges(mut self) -> Self {
        self.narrow().edges = true;
        self
    }

    fn narrow(&mut self) -> &mut Narrow {
        self.narrow.get_or_insert_default()
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

    /// How it is narrowed, beside the entities of edges.
    #[inline]
    pub(crate) fn narrowed(&self) -> Option<&Narrow> {
        self.narrow.as_deref()
    }

    /// What has to be read of the origin to look it up.
    #[must_use]
    pub fn need(&self) -> Need {
        match &self.narrow {
            Some(narrow) if narrow.reads_edges() => Need::DOCUMENT.edges(self.direction),
            _ => Need::DOCUMENT.links(self.direction),
        }
    }

    /// Hands the chosen slots to `take`, in runs, in the order of the edges; what narrows the expression
    /// beside the entities of edges does not count.
    #[inline]
    pub fn resolve(&self, links: &Links, mut take: impl FnMut(&[u32])) {
        if self.choice.is_none() {
            return self.resolve_all(links, take);
        }
        let followed = || links.runs().filter(|(code, _)| self.along.follows(*code));
        let total: usize = followed().map(|(_, run)| run.len()).sum();
        let Some(mut at) = self.chosen(total) else { return };
        for (_, run) in followed() {
            match run.get(at) {
                Some(chosen) => return take(std::slice::from_ref(chosen)),
                None => at -= run.len(),
            }
        }
    }

    /// The same before one of them is chosen.
    #[inline]
    pub(crate) fn resolve_all(&self, links: &Links, mut take: impl FnMut(&[u32])) {
        for (_, run) in links.runs().filter(|(code, _)| self.along.follows(*code)) {
            take(run);
        }
    }

    /// Which of so many is the one that is wanted, if only one is.
    fn chosen(&self, of: usize) -> Option<usize> {
        self.choice.map(|choice| ((u128::from(choice) * of as u128) >> 64) as usize)
    }

    /// Keeps what is chosen, and no more than is wanted, of what everything else has left.
    pub(crate) fn choose<T>(&self, left: &mut Vec<T>) {
        if let Some(at) = self.chosen(left.len()) {
            left.truncate(at + 1);
            left.drain(..at.min(left.len()));
        }
        left.truncate(self.narrow.as_ref().map_or(usize::MAX, |narrow| narrow.most));
    }

    /// The neighbours by their edges, with everything that narrows the expression. `entity_of` tells the
    /// entity of a node.
    ///
    /// # Errors
    /// The edge whose fields do not fit, and why.
    pub(crate) fn resolve_edges<'a>(
        &self,
        edges: &'a [EdgeLink],
        entity_of: impl Fn(Slot) -> Option<u16>,
    ) -> Result<Vec<&'a EdgeLink>, WalkError> {
        let unfit = |edge: &EdgeLink, error: BodyError| WalkError::Unreadable {
            id: edge.edge.id().clone(),
            reason: error.to_string(),
        };
        let plain = Narrow::default();
        let narrow = self.narrow.as_deref().unwrap_or(&plain);
        let mut kept: Vec<&EdgeLink> = Vec::new();
        for link in edges.iter().filter(|link| self.along.follows(link.edge.id().entity().code())) {
            let passes =
                narrow.to == Along::All || entity_of(link.other).is_some_and(|code| narrow.to.follows(code));
            if passes && narrow.keeps(&link.edge).map_err(|error| unfit(link, error))? {
                kept.push(link);
            }
        }
        if let Some(sort) = &narrow.sort {
            let documents: Vec<&Document> = kept.iter().map(|link| &link.edge).collect();
            let order = sort(&documents).map_err(|(at, error)| unfit(kept[at], error))?;
            kept = order.into_iter().map(|at| kept[at]).collect();
        }
        self.choose(&mut kept);
        Ok(kept)
    }
}

type Keep = Arc<dyn Fn(&Document) -> Result<bool, BodyError> + Send + Sync>;
/// Gives the places in order, or the place of what cannot be read.
type Sort = Arc<dyn Fn(&[&Document]) -> Result<Vec<usize>, (usize, BodyError)> + Send + Sync>;
type Weigh = Arc<dyn Fn(&Document) -> Result<Option<f64>, BodyError> + Send + Sync>;

/// What narrows an expression beside the entities of edges.
#[derive(Clone)]
pub(crate) struct Narrow {
    pub(crate) to: Along,
    keep: Vec<Keep>,
    sort: Option<Sort>,
    pub(crate) weigh: Option<Weigh>,
    pub(crate) most: usize,
    /// Whether the edges are meant.
    pub(crate) edges: bool,
}

impl Default for Narrow {
    fn default() -> Self {
        Self { to: Along::All, keep: Vec::new(), sort: None, weigh: None, most: usize::MAX, edges: false }
    }
}

impl Narrow {
    /// Whether the documents of the edges are needed.
    pub(crate) fn reads_edges(&self) -> bool {
        self.edges || !self.keep.is_empty() || self.sort.is_some() || self.weigh.is_some()
    }

    fn keeps(&self, edge: &Document) -> Result<bool, BodyError> {
        for keep in &self.keep {
            if !keep(edge)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl std::fmt::Debug for Narrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Narrow")
            .field("to", &self.to)
            .field("filters", &self.keep.len())
            .field("sorted", &self.sort.is_some())
            .field("weighed", &self.weigh.is_some())
            .field("most", &self.most)
            .field("edges", &self.edges)
            .finish()
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
