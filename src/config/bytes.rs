//! Sizes as people write them: `512 MiB`, `2 GB`, `4096`.

pub(super) const KIB: u64 = 1 << 10;
pub(super) const MIB: u64 = 1 << 20;
pub(super) const GIB: u64 = 1 << 30;
pub(super) const TIB: u64 = 1 << 40;

/// Largest first, so that showing takes the largest that fits.
const BINARY_UNITS: [(&str, u64); 4] = [("TiB", TIB), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB)];
const DECIMAL_UNITS: [(&str, u64); 4] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];

/// Reads whole bytes, with or without a unit; `None` for anything else. Case does not matter.
///
/// Wider than any size, so that a size too large is told as out of range.
pub(super) fn parse_bytes(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: i128 = number.trim().replace('_', "").parse().ok()?;
    let mut units = BINARY_UNITS.iter().chain(&DECIMAL_UNITS).chain(&[("B", 1), ("", 1)]);
    let (_, factor) = units.find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    Some(number.saturating_mul(i128::from(*factor)))
}

/// Shows bytes with the largest binary unit that divides them: `1 GiB`, `1000 B`.
pub(super) fn show_bytes(bytes: u64) -> String {
    let unit = BINARY_UNITS.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    let (name, factor) = unit.copied().unwrap_or(("B", 1));
    format!("{} {name}", bytes / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("4096", 4096),
            ("1_000_000", 1_000_000),
            ("512 MiB", 512 << 20),
            (" 2gb ", 2_000_000_000),
            ("64TiB", 64 << 40),
            ("7 B", 7),
            ("3 KB", 3000),
            ("-1 MiB", -(1 << 20)),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "1.5 GiB", "1 XiB", "1 MiB more", "one"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn a_shown_size_reads_back_as_itself() {
        for bytes in [0, 1, 1000, 1024, 1 << 20, (1 << 20) + 1, 3 << 30, 64 << 40, u64::MAX] {
            assert_eq!(parse_bytes(&show_bytes(bytes)), Some(i128::from(bytes)));
        }
        assert_eq!(show_bytes(3 << 30), "3 GiB");
    }
}
