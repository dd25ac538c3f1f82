//! Moments, sizes and rates for people, each with its unit.
//!
//! For display only: programs get milliseconds since 1970 and bytes. Read next: `number`.

use std::time::Duration;

use tickfleet_kernels::scan::cells::format_date;
use tickfleet_protocol::ids::Millis;

use super::number::{count, duration, fixed};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// From one moment to a later one: `4.2s`, `3m 05s`. Clocks of two machines may differ: an earlier end is no time.
#[must_use]
pub fn span(from: Millis, to: Millis) -> String {
    duration(Duration::from_millis(to.since_ms(from)))
}

/// How long ago a moment is: `12s ago`; below a second, and where the other clock is ahead, `now`.
#[must_use]
pub fn ago(now: Millis, at: Millis) -> String {
    if now.since_ms(at) < 1_000 {
        "now".to_owned()
    } else {
        format!("{} ago", span(at, now))
    }
}

/// How far ahead a moment is: `in 12s`, or how long ago.
#[must_use]
pub fn until(now: Millis, at: Millis) -> String {
    if at > now {
        format!("in {}", span(now, at))
    } else {
        ago(now, at)
    }
}

/// A moment by the calendar: `2026-07-01 12:03:04.250`, UTC.
#[must_use]
pub fn utc(at: Millis) -> String {
    let day = i32::try_from(at.0 / DAY_MS).map_or_else(|_| "later".to_owned(), format_date);
    let (seconds, millis) = (at.0 % DAY_MS / 1_000, at.0 % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{day} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Bytes in the largest unit that keeps them above one: `512 B`, `256 MB`, `15.9 GB`; units are powers of a thousand.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if value < 1_000 {
        return format!("{value} B");
    }
    // Three digits are shown; a u64 beyond 2^53 may lose its last ones.
    let (mut scaled, mut unit) = (value as f64 / 1e3, 0);
    // 999.5 is where no decimals round up to the next unit.
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1e3;
        unit += 1;
    }
    let decimals = usize::from(scaled < 99.95);
    let text = fixed(scaled, decimals);
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

/// Jobs a second, in three digits; none where there is nothing to divide.
#[must_use]
pub fn rate(jobs: u64, millis: u64) -> Option<String> {
    let per_second = per_second(jobs, millis)?;
    let text = match per_second {
        x if x < 9.995 => fixed(x, 2),
        x if x < 99.95 => fixed(x, 1),
        // Casts of floats saturate; a rate is not negative.
        #[allow(clippy::cast_sign_loss)]
        x => count(x.round() as u64),
    };
    Some(format!("{text}/s"))
}

/// Jobs a second; none where there is nothing to divide.
#[must_use]
pub fn per_second(jobs: u64, millis: u64) -> Option<f64> {
    // Counts of jobs and of milliseconds in a year are far below 2^53.
    (jobs > 0 && millis > 0).then(|| jobs as f64 * 1e3 / millis as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let check = |now: u64, at: u64, expect: [&str; 3]| {
            let (now, at) = (Millis(now), Millis(at));
            assert_eq!([ago(now, at), until(now, at), span(at, now)], expect, "{now:?} {at:?}");
        };
        check(100_000, 88_000, ["12s ago", "12s ago", "12s"]);
        check(100_000, 99_500, ["now", "now", "500ms"]);
        check(100_000, 185_000, ["now", "in 1m 25s", "0ms"]);
        check(90_061_000, 0, ["1d 01h ago", "1d 01h ago", "1d 01h"]);
    }

    #[test]
    fn moments_have_a_date() {
        let check = |at: u64, expect: &str| assert_eq!(utc(Millis(at)), expect);
        check(0, "1970-01-01 00:00:00.000");
        check(1_700_000_000_123, "2023-11-14 22:13:20.123");
        check(u64::MAX, "later 14:25:51.615");
    }

    #[test]
    fn bytes_have_a_unit() {
        let check = |value: u64, expect: &str| assert_eq!(bytes(value), expect);
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1 kB");
        check(1_550, "1.6 kB");
        check(256_000_000, "256 MB");
        check(999_600_000, "1 GB");
        check(16_900_000_000, "16.9 GB");
        check(u64::MAX, "18447 PB");
    }

    #[test]
    fn rates_have_three_digits() {
        let check = |jobs: u64, millis: u64, expect: Option<&str>| {
            assert_eq!(rate(jobs, millis).as_deref(), expect, "{jobs} {millis}");
        };
        check(0, 1_000, None);
        check(5, 0, None);
        check(1, 3_000, Some("0.33/s"));
        check(600, 10_000, Some("60.0/s"));
        check(50_000, 10_000, Some("5,000/s"));
    }
}
