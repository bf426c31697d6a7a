//! `10s`, `1m30s`, `0.5h`.

use std::time::Duration;

/// Longer is no use, and still far from every limit of arithmetic.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A duration: numbers, each with its unit, one after the other.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("say how long: 10s".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.');
        let (number, after) = rest.split_at(digits.unwrap_or(rest.len()));
        let letters = after.find(|char: char| !char.is_ascii_alphabetic());
        let (unit, after) = after.split_at(letters.unwrap_or(after.len()));
        total = total.saturating_add(part(number, unit)?);
        rest = after;
    }
    match total {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        total if total > LONGEST => Err("it must not be longer than a year".to_owned()),
        total => Ok(total),
    }
}

fn part(number: &str, unit: &str) -> Result<Duration, String> {
    let value: f64 = number.parse().map_err(|_| format!("'{number}' is no number; say 10s"))?;
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        "" => return Err(format!("'{number}' has no unit: ms, s, m, h or d; say {number}s")),
        _ => return Err(format!("'{unit}' is no unit: ms, s, m, h or d")),
    };
    Duration::try_from_secs_f64(value * seconds).map_err(|_| format!("'{number}' is too much"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("0.5h", 1_800_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn no_durations() {
        for text in [
            "", "10", "s", "10x", "-1s", "1..5s", "0s", "1e9s", "99999d", "10s5", "∞", "inf", "1 s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
