//! A market that is small and the same each time.

use std::fmt::Write as _;

/// Its symbols.
pub(crate) const SYMBOLS: usize = 12;

/// Daily bars of 84 sessions.
pub(crate) fn bars() -> String {
    let mut text = "symbol,date,open,high,low,close,volume\n".to_owned();
    for symbol in 0..SYMBOLS {
        let letter = char::from(b'A' + u8::try_from(symbol).expect("a few symbols"));
        for session in 0..84 {
            let (month, day) = (1 + session / 28, 1 + session % 28);
            let close = 20.0 + symbol as f64 + f64::from(session % 9) * 0.25;
            let (high, low) = (close + 0.5, close - 0.5);
            let line = format!("S{letter}A,2025-{month:02}-{day:02},{close},{high},{low},{close},900000\n");
            text.write_str(&line).expect("writing to a String never fails");
        }
    }
    text
}
