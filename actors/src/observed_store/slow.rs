//! What is told of slow queries and commits: their form and their plan, and none of the values in them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use wayfare_graph::{Id, Query};

use super::ObservedStore;
use crate::metrics::{Slow, StoreCall};

/// A plan is another call to a store that is slow already: one in so many milliseconds is enough to see what is wrong.
const PLAN_EVERY_MS: u64 = 1_000;

impl ObservedStore {
    pub(super) fn is_slow_query(&self, took: Duration) -> bool {
        let bound = self.metrics.live.slow_query();
        !bound.is_zero() && took >= bound
    }

    /// Tells of a slow query, with its plan unless one was told a moment ago.
    pub(super) async fn tell_slow_query(&self, call: StoreCall, query: &Query, took: Duration) {
        self.metrics.slow(Slow::Query);
        let plan = match self.may_plan() {
            true => self.inner.explain(query).await.ok().and_then(|plan| serde_json::to_string(&plan).ok()),
            false => None,
        };
        tracing::warn!(
            target: "wayfare::slow",
            call = call.name(),
            kind = query.kind.collection(),
            entity = query.entity.map(|entity| entity.to_string()),
            filter = %form_of(query.filter.to_value()),
            plan,
            took_ms = millis(took),
            "slow query"
        );
    }

    fn may_plan(&self) -> bool {
        // From one on, so that nought is "never".
        let now = millis(self.started.elapsed()) + 1;
        let last = self.last_plan_ms.load(Ordering::Relaxed);
        let is_due = last == 0 || now - last.min(now) >= PLAN_EVERY_MS;
        is_due && self.last_plan_ms.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Tells of a commit, if it was slow.
    pub(super) fn tell_slow_commit(&self, batches: usize, writes: usize, took: Duration) {
        let bound = self.metrics.live.slow_commit();
        if bound.is_zero() || took < bound {
            return;
        }
        self.metrics.slow(Slow::Commit);
        tracing::warn!(
            target: "wayfare::slow",
            store = self.inner.describe(),
            batches,
            writes,
            took_ms = millis(took),
            "slow commit"
        );
    }
}

/// A filter with `?` in the place of every value that is not the id of an entity.
fn form_of(filter: Value) -> Value {
    match filter {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, form_of(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(form_of).collect()),
        Value::String(text) if text.parse::<Id>().is_ok() => Value::String(text),
        _ => Value::String("?".to_owned()),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_form_of_a_filter_holds_its_fields_and_ids_and_none_of_its_values() {
        let filter = json!({"$and": [
            {"context.email": "ann@example.org", "source": "n.City.oslo"},
            {"context.age": {"$gt": 30}, "context.tags": {"$in": ["secret", null, true]}},
        ]});
        let form = json!({"$and": [
            {"context.email": "?", "source": "n.City.oslo"},
            {"context.age": {"$gt": "?"}, "context.tags": {"$in": ["?", "?", "?"]}},
        ]});
        assert_eq!(form_of(filter), form);
    }
}
