//! Numbers for people: thousands separated, large amounts with a suffix, durations in two units.
//!
//! For display only; results are written by the sinks, exactly.

use std::time::Duration;

/// A count with its thousands separated: `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 row`, `2,000 rows`.
#[must_use]
pub fn plural(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// A number with that many decimals; one that rounds to zero has no sign.
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest.to_owned(),
        _ => text,
    }
}

/// An amount in three or four digits with the suffix K, M, B or T: `1.23B`.
#[must_use]
pub fn amount(value: f64) -> String {
    const STEPS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")];
    // 999.95 is where one decimal rounds up to the next suffix's 1.00.
    let step = STEPS.into_iter().find(|(size, _)| value.abs() >= size * 0.999_95);
    let (scaled, suffix) = step.map_or((value, ""), |(size, suffix)| (value / size, suffix));
    let decimals = match scaled.abs() {
        x if x < 9.995 => 2,
        x if x < 99.95 => 1,
        _ => 0,
    };
    format!("{}{suffix}", fixed(scaled, decimals))
}

/// A duration in its two largest units: `350ms`, `4.2s`, `3m 05s`, `2h 07m`, `5d 02h`.
#[must_use]
pub fn duration(value: Duration) -> String {
    let tenths = value.as_millis().saturating_add(50) / 100;
    let seconds = value.as_millis().saturating_add(500) / 1_000;
    match seconds {
        _ if value < Duration::from_secs(1) => format!("{}ms", value.as_millis()),
        _ if tenths < 100 => format!("{}.{}s", tenths / 10, tenths % 10),
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (value, expect) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), expect);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn fixed_has_no_negative_zero() {
        for (value, decimals, expect) in [
            (1.005, 1, "1.0"),
            (-0.004, 2, "0.00"),
            (-0.006, 2, "-0.01"),
            (-0.4, 0, "0"),
        ] {
            assert_eq!(fixed(value, decimals), expect);
        }
    }

    #[test]
    fn amounts_have_a_suffix() {
        let check = |value: f64, expect: &str| assert_eq!(amount(value), expect);
        check(0.0, "0.00");
        check(9.994, "9.99");
        check(12.34, "12.3");
        check(999.4, "999");
        check(999.96, "1.00K");
        check(1_234.0, "1.23K");
        check(-45_600_000.0, "-45.6M");
        check(3.1e12, "3.10T");
        check(4.2e15, "4200T");
    }

    #[test]
    fn durations_have_two_units() {
        let check = |millis: u64, expect: &str| assert_eq!(duration(Duration::from_millis(millis)), expect);
        check(0, "0ms");
        check(999, "999ms");
        check(4_249, "4.2s");
        check(9_960, "10s");
        check(59_700, "1m 00s");
        check(185_000, "3m 05s");
        check(7_620_000, "2h 07m");
        check(439_200_000, "5d 02h");
    }
}
