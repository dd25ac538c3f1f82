//! Ticker grammar: which spellings are one symbol, and which symbols are common stock (section 2).
//!
//! Symbols are made canonical once, where a table or an option is read; everything after compares bytes.

use std::borrow::Cow;

use super::cells;
use super::options::TickerRule;

/// What the ticker grammar says of a canonical symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticker {
    /// A common stock's or fund's ticker.
    Fine,
    /// A preferred share, right, unit or warrant.
    NotCommon,
    /// No ticker at all.
    Bad,
}

/// What may stand between a root and its class letter.
const SEPARATORS: [char; 5] = ['.', '-', '/', '_', ' '];

/// Fifth letters that mark preferreds, rights, units, warrants and the like.
const FIFTH_NOT_COMMON: &[u8] = b"MNOPRUW";

/// Suffixes that begin so are preferreds, rights, units or warrants.
const SUFFIX_NOT_COMMON: &[u8] = b"PRUW";

/// Leveraged, inverse and volatility funds, sorted.
const LEVERAGED: [&str; 69] = [
    "AGQ", "BOIL", "CURE", "DDM", "DGAZ", "DIG", "DRIP", "DRN", "DRV", "DUG", "DUST", "DWTI", "DXD", "EDC", "EDZ",
    "ERX", "ERY", "FAS", "FAZ", "GLL", "GUSH", "JDST", "JNUG", "KOLD", "LABD", "LABU", "NUGT", "QID", "QLD", "SCO",
    "SDOW", "SDS", "SKF", "SOXL", "SOXS", "SPXL", "SPXS", "SPXU", "SQQQ", "SSO", "SVXY", "TBT", "TECL", "TECS", "TMF",
    "TMV", "TNA", "TQQQ", "TVIX", "TWM", "TZA", "UBT", "UCO", "UDOW", "UGAZ", "UGL", "UPRO", "UVXY", "UWM", "UWTI",
    "UYG", "VIXM", "VIXY", "VXX", "XIV", "YANG", "YINN", "ZIV", "ZSL",
];

/// The canonical spelling of a symbol.
///
/// Both rules trim and turn inner whitespace runs into one space. `Us` also upper-cases, and one letter after a final
/// `.`, `-`, `/`, `_` or space becomes `.X`: `brk-b`, `BRK/B` and `BRK B` are all `BRK.B`. Canonical text is a fixed point.
#[must_use]
pub fn canonical(symbol: &str, rule: TickerRule) -> Cow<'_, str> {
    let symbol = cells::symbol_text(symbol).unwrap_or_default();
    match rule {
        TickerRule::Any => symbol,
        TickerRule::Us if symbol.bytes().all(|b| b.is_ascii_uppercase()) => symbol,
        TickerRule::Us => Cow::Owned(with_dot(symbol.to_uppercase())),
    }
}

/// Judges a canonical symbol; under `Any` every symbol is fine.
#[must_use]
pub fn verdict(symbol: &str, rule: TickerRule) -> Ticker {
    if rule == TickerRule::Any {
        return Ticker::Fine;
    }
    let root_len = symbol.bytes().take_while(u8::is_ascii_uppercase).count();
    let (root, rest) = symbol.split_at(root_len);
    if !(1..=5).contains(&root_len) {
        return Ticker::Bad;
    }
    match rest.as_bytes() {
        [] if root_len == 5 && FIFTH_NOT_COMMON.contains(&root.as_bytes()[4]) => Ticker::NotCommon,
        [] => Ticker::Fine,
        [b'^', letters @ ..] if letters.iter().all(u8::is_ascii_uppercase) => Ticker::NotCommon,
        [separator, first, letters @ ..]
            if SEPARATORS.contains(&char::from(*separator))
                && SUFFIX_NOT_COMMON.contains(first)
                && letters.iter().all(u8::is_ascii_uppercase) =>
        {
            Ticker::NotCommon
        }
        [b'.', b'A'..=b'Z'] => Ticker::Fine,
        _ => Ticker::Bad,
    }
}

/// True for the leveraged, inverse and volatility funds.
#[must_use]
pub fn is_leveraged(symbol: &str) -> bool {
    LEVERAGED.binary_search(&symbol).is_ok()
}

/// Puts a dot before a single final letter.
fn with_dot(mut symbol: String) -> String {
    let bytes = symbol.as_bytes();
    if let [.., separator, b'A'..=b'Z'] = bytes
        && SEPARATORS.contains(&char::from(*separator))
    {
        let at = bytes.len() - 2;
        symbol.replace_range(at..=at, ".");
    }
    symbol
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_symbol_join() {
        for (symbol, expect) in [
            ("BRK-B", "BRK.B"),
            ("brk/b", "BRK.B"),
            (" BRK  B ", "BRK.B"),
            ("BRK_B", "BRK.B"),
            ("BRK.B", "BRK.B"),
            ("brk.bb", "BRK.BB"),
            ("ABC-WS", "ABC-WS"),
            ("A-B-C", "A-B.C"),
            ("A-1", "A-1"),
            ("aapl", "AAPL"),
            ("C", "C"),
            ("", ""),
        ] {
            assert_eq!(canonical(symbol, TickerRule::Us), expect, "{symbol:?}");
        }
        assert_eq!(canonical(" brk-b ", TickerRule::Any), "brk-b");
        assert!(matches!(canonical("AAPL", TickerRule::Us), Cow::Borrowed(_)));
    }

    #[test]
    fn grammar() {
        use Ticker::{Bad, Fine, NotCommon};
        for (symbol, expect) in [
            ("C", Fine),
            ("AAPL", Fine),
            ("GOOGL", Fine),
            ("BRK.B", Fine),
            ("GAINN", NotCommon),
            ("PYPLV", Fine),
            ("BBEPP", NotCommon),
            ("CAPNW", NotCommon),
            ("ABC.P", NotCommon),
            ("ABC-WS", NotCommon),
            ("ABC/PRA", NotCommon),
            ("ABC U", NotCommon),
            ("ABC.U", NotCommon),
            ("BAC^", NotCommon),
            ("BAC^A", NotCommon),
            ("BAC^A1", Bad),
            ("ABCDP.A", Fine),
            ("ABCDEF", Bad),
            ("ABC-AB", Bad),
            ("ABC.1", Bad),
            ("ABC.", Bad),
            ("A1", Bad),
            (".A", Bad),
            ("", Bad),
            ("É", Bad),
        ] {
            assert_eq!(verdict(symbol, TickerRule::Us), expect, "{symbol:?}");
            assert_eq!(verdict(symbol, TickerRule::Any), Fine);
        }
    }

    #[test]
    fn leveraged_funds_are_sorted_and_found() {
        assert!(LEVERAGED.is_sorted());
        for fund in LEVERAGED {
            assert!(is_leveraged(fund), "{fund}");
        }
        assert!(!is_leveraged("SPY") && !is_leveraged("AAPL") && !is_leveraged(""));
    }

    proptest! {
        #[test]
        fn canonical_is_a_fixed_point(symbol in "[A-Za-z0-9 ./_^-]{0,9}") {
            for rule in [TickerRule::Us, TickerRule::Any] {
                let once = canonical(&symbol, rule).into_owned();
                prop_assert_eq!(canonical(&once, rule), once.as_str());
            }
        }
    }
}
