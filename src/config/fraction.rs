//! Parts of a whole.

use std::fmt;

use serde::{Serialize, Serializer};

/// A part of a whole, from 0 to 1, to within a millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fraction {
    /// Whole numbers, so that settings can be compared.
    millionths: u32,
}

/// One, in millionths.
const WHOLE: u32 = 1_000_000;

impl Fraction {
    /// All of it.
    pub const ALL: Self = Self { millionths: WHOLE };

    /// None of it.
    pub const NONE: Self = Self { millionths: 0 };

    /// The part as a number, `None` for one that is not from 0 to 1.
    #[must_use]
    pub fn new(part: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to a million"
        )]
        let millionths = |part: f64| (part * f64::from(WHOLE)).round() as u32;
        (0.0..=1.0).contains(&part).then(|| Self { millionths: millionths(part) })
    }

    /// The part as a number from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.millionths) / f64::from(WHOLE)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // With a point, so that TOML reads it as what it is.
        write!(f, "{:?}", self.get())
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_a_part_of_one_and_shown_with_a_point() {
        for (part, shown) in [(0.0, "0.0"), (0.01, "0.01"), (0.1234567, "0.123457"), (1.0, "1.0")] {
            assert_eq!(Fraction::new(part).unwrap().to_string(), shown);
        }
        for none in [-0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(Fraction::new(none), None);
        }
    }
}
