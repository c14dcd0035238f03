//! What a walk gives to its caller.

use serde::Serialize;
use serde_json::Value;

use super::Walk;
use crate::limits::Budget;
use crate::walk_error::WalkError;

impl Walk {
    /// Adds a value to the walk's report, which the caller gets when the walk has ended.
    ///
    /// # Errors
    /// [`WalkError::BudgetReached`] beyond `[limits] report_bytes`; [`WalkError::BadArguments`] when
    /// the value cannot be written as JSON.
    pub fn report<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WalkError> {
        let value = self.account(value)?;
        self.report.push(value);
        Ok(())
    }

    /// Sends a value to the caller's stream at once.
    ///
    /// The hook goes on; the walk waits before its next visit until the stream has room, so that at
    /// most `[limits] emit_buffer` values and those of one hook are held.
    ///
    /// # Errors
    /// [`WalkError::NobodyListens`] when the stream was dropped; as [`report`](Self::report) besides.
    pub fn emit<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WalkError> {
        if !self.listened {
            return Err(self.end_with(WalkError::NobodyListens { walker: self.walker.into() }));
        }
        let value = self.account(value)?;
        self.outbox.push(value);
        Ok(())
    }

    fn account<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Value, WalkError> {
        let value = serde_json::to_value(value).map_err(|error| WalkError::BadArguments {
            walker: self.walker.into(),
            reason: format!("a reported value cannot be written as JSON: {error}"),
        })?;
        self.account_for(&value)?;
        Ok(value)
    }

    fn account_for(&mut self, value: &Value) -> Result<(), WalkError> {
        self.result_bytes += json_bytes(value);
        if self.result_bytes > self.result_limit {
            return Err(self.end_with(WalkError::BudgetReached {
                walker: self.walker.into(),
                budget: Budget::ReportBytes,
                limit: self.result_limit,
                reached: self.result_bytes,
            }));
        }
        Ok(())
    }

    /// Takes over what a visit that ran beside this walk has reported and emitted.
    pub(super) fn absorb_results(&mut self, other: &mut Self) -> Result<(), WalkError> {
        for value in other.report.drain(..) {
            self.account_for(&value)?;
            self.report.push(value);
        }
        for value in other.outbox.drain(..) {
            self.account_for(&value)?;
            self.outbox.push(value);
        }
        Ok(())
    }

    /// Values waiting for the stream; taking them frees their share of the budget.
    #[doc(hidden)]
    #[must_use]
    pub fn take_outbox(&mut self) -> Vec<Value> {
        let freed: u64 = self.outbox.iter().map(json_bytes).sum();
        self.result_bytes -= freed;
        std::mem::take(&mut self.outbox)
    }
}

/// About how many bytes a value takes as JSON.
fn json_bytes(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => 2 + items.iter().map(|item| json_bytes(item) + 1).sum::<u64>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(name, item)| name.len() as u64 + 4 + json_bytes(item)).sum::<u64>()
        }
    }
}
