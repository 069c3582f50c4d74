//! Durations as a person writes them: `8h`, `30m`, `90s`. Invariant: what is read is from one second to 365 days
//! (`ttl_seconds`; tests `whole_numbers_with_a_unit_are_durations`, `nothing_else_is`).

use thiserror::Error;

/// A text that is no duration, or one out of range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no duration; write a whole number and s, m, h or d, such as 8h, of at most 365d"
)]
pub struct DurationError {
    text: String,
}

const YEAR_S: i64 = 365 * 86_400;

/// The seconds of a duration such as `8h`; blanks around it are ignored.
pub fn ttl_seconds(text: &str) -> Result<i64, DurationError> {
    let error = || DurationError {
        text: text.to_owned(),
    };
    let trimmed = text.trim();
    let (number, seconds) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((trimmed.strip_suffix(unit)?, seconds)))
        .ok_or_else(error)?;
    // `i64::from_str` accepts a sign too, as in `+8h`.
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let count = plain.then(|| number.parse::<i64>().ok()).flatten();
    count
        .and_then(|count| count.checked_mul(seconds))
        .filter(|total| (1..=YEAR_S).contains(total))
        .ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::ttl_seconds;

    #[test]
    fn whole_numbers_with_a_unit_are_durations() {
        assert_eq!(ttl_seconds("8h"), Ok(28_800));
        assert_eq!(ttl_seconds("30m"), Ok(1_800));
        assert_eq!(ttl_seconds("90s"), Ok(90));
        assert_eq!(ttl_seconds("365d"), Ok(31_536_000));
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "8",
            "h",
            "8 h",
            "-1h",
            "+1h",
            "0s",
            "1.5h",
            "366d",
            "9223372036854775807d",
            "8hh",
            "8w",
        ] {
            assert!(ttl_seconds(text).is_err(), "{text}");
        }
    }
}
