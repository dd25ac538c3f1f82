//! Where the kernels' own rules for cells, tickers and sectors are called.

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::Date32Type;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::sector::Sector;
use tickfleet_protocol::spec::scan::Day;

pub(super) fn day(text: &str) -> Option<Day> {
    let dashed;
    let text = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        dashed = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]);
        &dashed
    } else {
        text
    };
    Date32Type::parse(text)
}

pub(super) fn symbol(text: &str, _rule: TickerRule) -> String {
    text.trim().to_ascii_uppercase()
}

pub(super) fn sector(name: &str) -> Option<Sector> {
    serde_json::from_value(serde_json::Value::String(name.replace(' ', ""))).ok()
}

pub(super) const SECTOR_NAMES: [&str; 11] = [
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
];
