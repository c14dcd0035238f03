//! A line of the budget table.

/// One line of the table.
#[derive(Debug, Clone)]
pub struct BenchLine {
    /// What is done.
    pub work: String,
    /// What the rival takes for one unit of work, or the most that is allowed.
    pub rival: f64,
    /// Whether there is no rival, but a bound.
    pub is_bound: bool,
    /// What the runtime takes.
    pub ours: f64,
    /// What both are counted in.
    pub unit: &'static str,
    /// Ours over the rival's or over the bound.
    pub ratio: f64,
    /// The largest ratio that the design allows; infinite where it says nothing.
    pub budget: f64,
}

impl BenchLine {
    /// A line for times: what each took for one unit of work.
    pub fn times(work: impl Into<String>, rival: f64, ours: f64, budget: f64, unit: &'static str) -> Self {
        Self { work: work.into(), rival, is_bound: false, ours, unit, ratio: ours / rival, budget }
    }

    /// A line for times that have no budget.
    pub fn compared(work: impl Into<String>, rival: f64, ours: f64, unit: &'static str) -> Self {
        Self::times(work, rival, ours, f64::INFINITY, unit)
    }

    /// A line against a fixed bound.
    pub fn bound(work: impl Into<String>, bound: f64, ours: f64, unit: &'static str) -> Self {
        Self { is_bound: true, ..Self::times(work, bound, ours, 1.0, unit) }
    }

    /// Whether the budget is met; `None` where there is none.
    pub fn is_met(&self) -> Option<bool> {
        self.budget.is_finite().then_some(self.ratio <= self.budget)
    }
}
