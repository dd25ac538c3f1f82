//! Text cells to values: what a CSV field, a text column or an option means (section 1, Cells).
//!
//! Pure functions of one cell; they never fail, an unreadable cell is null. Which column a cell belongs to, and whether
//! null is allowed there, is the reader's business. Tickers go on to `ticker`, sectors to `sector`.

use std::borrow::Cow;

use super::civil;

/// Words that stand for a missing value, in lower case. The empty text is one too.
const NULL_WORDS: [&str; 7] = ["na", "n/a", "nan", "null", "none", "-", "--"];

/// True when the trimmed cell is empty or a null word.
#[must_use]
pub fn is_null_text(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || NULL_WORDS.iter().any(|word| word.eq_ignore_ascii_case(cell))
}

/// A text cell: trimmed, inner whitespace runs as one space; `None` for the null words.
#[must_use]
pub fn text(cell: &str) -> Option<Cow<'_, str>> {
    if is_null_text(cell) { None } else { Some(squeeze(cell)) }
}

/// A symbol cell: like `text`, but only the empty cell is null, because NAN, NULL and TRUE are tickers.
#[must_use]
pub fn symbol_text(cell: &str) -> Option<Cow<'_, str>> {
    let cell = squeeze(cell);
    if cell.is_empty() { None } else { Some(cell) }
}

/// A number cell: sign, `$`, digits with `,`, point, exponent, and a suffix K, M, B or T (any case).
///
/// `inf` and numbers beyond the range of f64 give an infinity, so that the caller's own rule for non-finite values
/// applies. Everything else that is no number is `None`. The result is the f64 nearest to the decimal text, suffix
/// included.
#[must_use]
pub fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    if cell.bytes().all(plain) {
        return cell.parse().ok();
    }
    decorated_number(cell)
}

/// A date cell as days since 1970-01-01: `YYYY-MM-DD`, alone or followed by `T` or a space, or `YYYYMMDD`.
///
/// `None` for anything else and for days that the calendar does not have. Years are 0001 to 9999.
#[must_use]
pub fn date(cell: &str) -> Option<i32> {
    let cell = cell.trim().as_bytes();
    let (year, month, day) = match cell {
        [y @ .., a, b, c, d] if cell.len() == 8 => (y, [*a, *b], [*c, *d]),
        [y1, y2, y3, y4, b'-', a, b, b'-', c, d, ..] if matches!(cell.get(10), None | Some(b'T' | b' ')) => {
            (&[*y1, *y2, *y3, *y4][..], [*a, *b], [*c, *d])
        }
        _ => return None,
    };
    civil::days_from_date(digits(year)?, digits(&month)?, digits(&day)?)
}

/// Days since 1970-01-01 as `YYYY-MM-DD`.
#[must_use]
pub fn format_date(days: i32) -> String {
    let (year, month, day) = civil::date_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Trims, and turns each inner run of whitespace into one space; borrows when that changes nothing.
fn squeeze(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    let mut after_space = false;
    let tidy = cell.chars().all(|c| {
        let fine = !c.is_whitespace() || (c == ' ' && !after_space);
        after_space = c == ' ';
        fine
    });
    if tidy {
        return Cow::Borrowed(cell);
    }
    let mut words = cell.split_whitespace();
    let first = words.next().unwrap_or_default().to_owned();
    Cow::Owned(words.fold(first, |mut line, word| {
        line.push(' ');
        line.push_str(word);
        line
    }))
}

/// A number with `$`, `,`, a suffix or the word `inf`. The decimal text is rebuilt, so the rounding happens once.
fn decorated_number(cell: &str) -> Option<f64> {
    let (negative, unsigned) = match cell.as_bytes().first()? {
        b'-' => (true, &cell[1..]),
        b'+' => (false, &cell[1..]),
        _ => (false, cell),
    };
    if ["inf", "infinity"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(unsigned))
    {
        return Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let digits = unsigned.strip_prefix('$').unwrap_or(unsigned);
    let (digits, scale) = split_suffix(digits);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (digits, 0),
    };
    let mut decimal = String::with_capacity(cell.len() + 8);
    if negative {
        decimal.push('-');
    }
    push_mantissa(mantissa, &mut decimal)?;
    decimal.push_str(&format!("e{}", exponent.saturating_add(scale)));
    decimal.parse().ok()
}

fn split_suffix(digits: &str) -> (&str, i32) {
    let scale = match digits.as_bytes().last() {
        Some(b'K' | b'k') => 3,
        Some(b'M' | b'm') => 6,
        Some(b'B' | b'b') => 9,
        Some(b'T' | b't') => 12,
        _ => return (digits, 0),
    };
    (&digits[..digits.len() - 1], scale)
}

/// The exponent's value, held within what still means "zero" or "infinite" for any mantissa of sane length.
fn parse_exponent(exponent: &str) -> Option<i32> {
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    const LIMIT: i32 = 1_000_000;
    let size = unsigned.parse::<i32>().map_or(LIMIT, |size| size.min(LIMIT));
    Some(if exponent.starts_with('-') { -size } else { size })
}

/// Copies digits and point, leaving out commas; a comma stands between two digits of the whole part only.
fn push_mantissa(mantissa: &str, decimal: &mut String) -> Option<()> {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bytes = whole.as_bytes();
    for (i, &byte) in bytes.iter().enumerate() {
        let between_digits = i > 0 && bytes[i - 1].is_ascii_digit() && bytes.get(i + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => decimal.push(char::from(byte)),
            b',' if between_digits => {}
            _ => return None,
        }
    }
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || bytes.len() + fraction.len() == 0 {
        return None;
    }
    decimal.push('.');
    decimal.push_str(fraction);
    Some(())
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_trimmed_and_null_words_are_null() {
        for (cell, expect) in [
            ("  Acme   Corp\t of  X ", Some("Acme Corp of X")),
            ("Acme Corp", Some("Acme Corp")),
            ("a\u{a0}b", Some("a b")),
            ("", None),
            ("   ", None),
            (" N/A ", None),
            ("NaN", None),
            ("None", None),
            ("NULL", None),
            ("-", None),
            ("--", None),
            ("---", Some("---")),
            ("nano", Some("nano")),
        ] {
            assert_eq!(text(cell).as_deref(), expect, "{cell:?}");
        }
        assert!(
            matches!(text("Acme Corp"), Some(Cow::Borrowed(_))),
            "a tidy cell is not copied"
        );
    }

    #[test]
    fn symbols_are_null_only_when_empty() {
        for (cell, expect) in [
            ("NAN", Some("NAN")),
            (" NULL ", Some("NULL")),
            ("-", Some("-")),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(symbol_text(cell).as_deref(), expect, "{cell:?}");
        }
    }

    #[test]
    fn numbers() {
        for (cell, expect) in [
            ("12.34", Some(12.34)),
            (" -0.5 ", Some(-0.5)),
            ("+7", Some(7.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e3", Some(1000.0)),
            ("$1.2B", Some(1.2e9)),
            ("-$3", Some(-3.0)),
            ("1,234.5", Some(1234.5)),
            ("1,234,567", Some(1_234_567.0)),
            ("4.35T", Some(4.35e12)),
            ("10k", Some(1e4)),
            ("1e3K", Some(1e6)),
            ("$1,000e-3", Some(1.0)),
            ("0.1M", Some(1e5)),
            ("1e400", Some(f64::INFINITY)),
            ("1e99999999999M", Some(f64::INFINITY)),
            ("0e99999999999M", Some(0.0)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("", None),
            ("nan", None),
            ("-", None),
            ("--", None),
            (".", None),
            ("e5", None),
            ("$", None),
            ("K", None),
            ("$inf", None),
            (",5", None),
            ("5,", None),
            ("1,,2", None),
            ("1.2,3", None),
            ("1.2.3K", None),
            ("1eK", None),
            ("12%", None),
            ("twelve", None),
            ("1 2", None),
            ("1_000", None),
            ("éK", None),
        ] {
            assert_eq!(number(cell), expect, "{cell:?}");
        }
    }

    #[test]
    fn dates() {
        for (cell, expect) in [
            ("1970-01-01", Some(0)),
            ("2016-06-30", Some(16_982)),
            (" 20160630 ", Some(16_982)),
            ("2016-06-30T23:59:59Z", Some(16_982)),
            ("2016-06-30 00:00:00", Some(16_982)),
            ("2016-02-29", Some(16_860)),
            ("2015-02-29", None),
            ("1900-02-29", None),
            ("2016-13-01", None),
            ("2016-00-10", None),
            ("2016-04-31", None),
            ("2016-06-30x", None),
            ("2016-6-3", None),
            ("2016063", None),
            ("201606300", None),
            ("2016/06/30", None),
            ("+2016630", None),
            ("00000101", None),
            ("", None),
        ] {
            assert_eq!(date(cell), expect, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn dates_survive_a_round_trip(days in -719_162..2_932_896_i32) {
            prop_assert_eq!(date(&format_date(days)), Some(days));
        }

        #[test]
        fn plain_numbers_survive_a_round_trip(x in any::<f64>().prop_filter("finite", |x| x.is_finite())) {
            prop_assert_eq!(number(&format!("{x}")), Some(x));
            prop_assert_eq!(number(&format!("{x:e}")), Some(x));
            prop_assert_eq!(number(&format!("{x:e}K")), format!("{x:e}").replace('e', "*e").split_once("*e")
                .and_then(|(m, e)| format!("{m}e{}", e.parse::<i32>().unwrap() + 3).parse().ok()));
        }

        #[test]
        fn no_cell_is_a_panic(cell in "\\PC{0,12}") {
            let _ = (text(&cell), symbol_text(&cell), number(&cell), date(&cell));
            prop_assert!(number(&cell).is_none_or(|x| !x.is_nan()));
        }
    }
}
