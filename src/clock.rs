//! Time: read once per operation and passed down.
//!
//! Nothing below the command layer asks the operating system for the time of
//! day; it is handed a [`Timestamp`] or a [`Clock`]. That keeps one command
//! from seeing two presents, and tests from sleeping.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since the Unix epoch (negative before it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Milliseconds of 400 years, after which the calendar repeats itself.
const ERA: i64 = 146_097 * 86_400_000;

impl Timestamp {
    /// The last moment that RFC 3339 can write.
    pub const LAST: Self = Self(253_402_300_799_999);

    /// The operating system's present.
    #[must_use]
    pub fn now() -> Self {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Self(millis)
    }

    /// This moment plus a duration; saturates at the end of time.
    #[must_use]
    pub fn after(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The moment `duration` earlier.
    #[must_use]
    pub fn before(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// Milliseconds from `earlier` to this moment, negative if it lies before.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads what [`Display`](fmt::Display) writes: RFC 3339, and years of more
    /// than four digits, which other programs may have left in a store.
    #[must_use]
    pub fn parse_written(text: &str) -> Option<Self> {
        let (year, rest) = text.split_once('-')?;
        if year.len() <= 4 || year.starts_with('0') || !year.bytes().all(|b| b.is_ascii_digit()) {
            return Self::parse_rfc3339(text);
        }
        let year: i64 = year.parse().ok()?;
        let eras = (year - 2000) / 400;
        let alike = Self::parse_rfc3339(&format!("{}-{rest}", year - 400 * eras))?;
        eras.checked_mul(ERA)?.checked_add(alike.0).map(Self)
    }

    /// Reads RFC 3339 (`2026-01-31T12:00:00Z`, with optional fraction, `+02:00`
    /// offsets and lower-case or blank separators). `None` if it is not that.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (body, offset_minutes) = match bytes.last()? {
            b'Z' | b'z' => (&text[..text.len() - 1], 0),
            _ => {
                let at = text.len().checked_sub(6)?;
                let (body, zone) = (text.get(..at)?, text.get(at..)?.as_bytes());
                let sign = match zone[0] {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return None,
                };
                let digit = |i: usize| zone[i].is_ascii_digit().then(|| i64::from(zone[i] - b'0'));
                if zone[3] != b':' {
                    return None;
                }
                let hours = digit(1)? * 10 + digit(2)?;
                let minutes = digit(4)? * 10 + digit(5)?;
                if hours > 23 || minutes > 59 {
                    return None;
                }
                (body, sign * (hours * 60 + minutes))
            }
        };
        let time = humantime::parse_rfc3339_weak(&format!("{}Z", body.replace('t', "T"))).ok()?;
        // The weak parser takes a bare date too; RFC 3339 does not.
        if body.len() < "2026-01-01T00:00:00".len() {
            return None;
        }
        let millis = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
        Some(Self(millis - offset_minutes * 60_000))
    }
}

/// RFC 3339 in UTC with milliseconds. Years beyond four digits are written
/// out, so that a row with an absurd time can still be shown.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(86_400_000);
        let in_day = self.0.rem_euclid(86_400_000);
        // Civil date from a day count: Howard Hinnant, "chrono-Compatible
        // Low-Level Date Algorithms".
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
            in_day / 3_600_000,
            in_day / 60_000 % 60,
            in_day / 1000 % 60,
            in_day % 1000
        )
    }
}

/// Where a store takes its time from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The operating system.
    #[default]
    System,
    /// A time set by hand, shared by all clones: for tests.
    Manual(Rc<Cell<i64>>),
}

impl Clock {
    /// A clock that stands still at `at` until told otherwise.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Rc::new(Cell::new(at.0)))
    }

    /// The present by this clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Manual(cell) => Timestamp(cell.get()),
        }
    }

    /// Moves a manual clock; the system's clock is left alone.
    pub fn set(&self, at: Timestamp) {
        if let Self::Manual(cell) = self {
            cell.set(at.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_both_ways() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2026-11-23T01:02:03.004Z", 1_795_395_723_004),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), Some(Timestamp(millis)), "{text}");
            assert_eq!(Timestamp(millis).to_string(), text);
        }
        assert_eq!(Timestamp::parse_rfc3339("1970-01-01T02:00:00+02:00"), Some(Timestamp(0)));
        assert_eq!(Timestamp::parse_rfc3339("1970-01-01T00:00:00-01:30"), Some(Timestamp(5_400_000)));
        for bad in [
            "",
            "Z",
            "2026-11-23",
            "2026-11-23T01:02:03",
            "tomorrow",
            "2026-13-01T00:00:00Z",
            "é:00:00",
            "1970-01-01T00:00:00+99:00",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn absurd_times_can_be_shown() {
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert!(Timestamp(i64::MAX).to_string().starts_with("292278994-"));
        assert!(Timestamp(i64::MIN).to_string().starts_with("-292275055-"));
        for millis in [0, Timestamp::LAST.0, Timestamp::LAST.0 + 1, 951_868_799_999 + 50 * ERA, i64::MAX] {
            let at = Timestamp(millis);
            assert_eq!(Timestamp::parse_written(&at.to_string()), Some(at), "{at}");
        }
        for bad in [
            "292278994-08-17T07:12:55.808Z",
            "99999999999999999999-01-01T00:00:00Z",
            "9223372036854775807-01-01T00:00:00Z",
            "010000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "10000-13-01T00:00:00Z",
            "10000",
        ] {
            assert_eq!(Timestamp::parse_written(bad), None, "{bad}");
        }
    }
}
