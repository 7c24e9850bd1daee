//! Durations, times and sizes as people write them.

use std::time::Duration;

use crate::clock::Timestamp;

/// As good as forever. Longer ones mean the same, and would overflow when added
/// to a moment.
const LONGEST: Duration = Duration::from_millis(i64::MAX as u64);

/// A duration with its unit: `250ms`, `5m`, `1h30m`, `7d`. Zero and bare
/// numbers are refused, because a forgotten unit is a mistake of orders of
/// magnitude.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a duration such as 250ms, 5m, 1h30m or 7d");
    let parsed = humantime::parse_duration(text).map_err(|_| refused())?;
    // To humantime a month. Whoever writes it may well mean minutes.
    if text.contains('M') {
        return Err(refused());
    }
    if parsed.is_zero() {
        return Err("a duration must be longer than zero".into());
    }
    if parsed.as_millis() == 0 {
        return Err(format!("{text:?} is shorter than the smallest duration, 1ms"));
    }
    // Cut short it would be another duration than was asked for.
    if parsed.subsec_nanos() % 1_000_000 != 0 {
        return Err(format!("{text:?} is not a whole number of milliseconds"));
    }
    Ok(parsed.min(LONGEST))
}

/// A time in RFC 3339. An offset can lead past the last year that can be
/// written.
pub fn time(text: &str) -> Result<Timestamp, String> {
    match Timestamp::parse_rfc3339(text) {
        Some(at) if at > Timestamp::LAST => Err(format!("{text:?} is past the year 9999")),
        Some(at) => Ok(at),
        None => Err(format!("{text:?} is not a time in RFC 3339 such as 2026-01-31T12:00:00Z")),
    }
}

/// A size in bytes: bare, or with `k`, `M`, `G` (powers of 1000) or `KiB`,
/// `MiB`, `GiB` (powers of 1024).
pub fn size(text: &str) -> Result<i64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match &text[digits..] {
        "" | "B" => 1,
        "k" | "kB" => 1000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(format!("{text:?} is not a size such as 4096, 10k, 10MiB or 1G")),
    };
    text[..digits]
        .parse::<i64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| format!("{text:?} is not a size such as 4096, 10k, 10MiB or 1G"))
}

/// A count: a whole number that is not negative.
pub fn count(text: &str) -> Result<i64, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or_else(|| format!("{text:?} is not a whole number"))
}

/// A span of milliseconds as a person reads it: its two largest units.
#[must_use]
pub fn human_span(millis: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let mut rest = millis.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, name) in units {
        if rest >= unit && parts.len() < 2 {
            parts.push(format!("{}{name}", rest / unit));
            rest %= unit;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() {
        parts.push(format!("{rest}ms"));
    }
    parts.concat()
}

/// A number of bytes as a person reads it, in powers of 1024.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn human_bytes(bytes: i64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if amount < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{amount:.1} {unit}") };
        }
        amount /= 1024.0;
    }
    format!("{amount:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(168)));
        for bad in
            ["", "5", "0", "0s", "-5m", "5x", "1ns", "m", "99999999999999999999d", "5M", "1500us", "1.5ms"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (duration("1.5s"), duration("2000us")),
            (Ok(Duration::from_millis(1500)), Ok(Duration::from_millis(2)))
        );
        let ever = duration("300000000000y").unwrap();
        assert!(std::time::Instant::now().checked_add(ever * 4).is_some());
    }

    #[test]
    fn sizes() {
        assert_eq!((size("10MiB"), size("3k"), size("0"), size("7")), (Ok(10 << 20), Ok(3000), Ok(0), Ok(7)));
        for bad in ["", "-1", "1.5M", "MiB", "10 MiB", "99999999999G", "1K"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_for_people() {
        for (millis, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1500, "1s"),
            (5_400_000, "1h30m"),
            (604_800_000, "7d"),
            (86_460_000, "1d"),
        ] {
            assert_eq!(human_span(millis), text);
        }
        assert_eq!((human_bytes(1023).as_str(), human_bytes(1536).as_str()), ("1023 B", "1.5 KiB"));
    }
}
