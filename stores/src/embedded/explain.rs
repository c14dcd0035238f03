//! Saying how a query would be answered, from the plan by which it is answered.

use wayfare_graph::{Explanation, Query};

use super::fault::Fault;
use super::read::View;

impl View<'_> {
    /// How [`find`](Self::find) would answer a query.
    pub(super) fn explain(&self, query: &Query) -> Result<Explanation, Fault> {
        Ok(self.catalog.plan(query).explain(query, self.count_stored(query)?))
    }
}
