//! Column names: which spelling of a header is which column (specification: scan, section 1).

use tickfleet_kernels::scan::fundamentals::FIGURES;

use super::error::DataError;

/// A column of an input table and the names it is accepted under, best first.
#[derive(Debug, Clone, Copy)]
pub struct ColumnNames {
    /// Name in this program.
    pub name: &'static str,
    /// Other accepted names.
    pub aliases: &'static [&'static str],
    /// The table is refused without it.
    pub required: bool,
}

const fn required(name: &'static str, aliases: &'static [&'static str]) -> ColumnNames {
    ColumnNames {
        name,
        aliases,
        required: true,
    }
}

const fn optional(name: &'static str, aliases: &'static [&'static str]) -> ColumnNames {
    ColumnNames {
        name,
        aliases,
        required: false,
    }
}

/// Daily bars.
pub const BARS: [ColumnNames; 8] = [
    required("symbol", &["ticker"]),
    required("date", &["timestamp", "datetime", "day"]),
    required("open", &["o"]),
    required("high", &["h"]),
    required("low", &["l"]),
    required("close", &["c"]),
    required("volume", &["vol", "v"]),
    optional("adj_close", &["adjclose", "adjusted_close"]),
];

/// The universe.
pub const UNIVERSE: [ColumnNames; 5] = [
    required("symbol", &["ticker"]),
    optional("name", &["company", "company_name", "security_name"]),
    optional("sector", &["gics_sector"]),
    optional("industry", &["gics_sub_industry", "sub_industry"]),
    optional("market_cap", &["marketcap", "mktcap", "market_capitalization"]),
];

/// Fundamentals: symbol and day of publication, then the figures.
pub const FUNDAMENTALS: [ColumnNames; 2 + FIGURES.len()] = {
    let date = optional("date", &["available_on", "filing_date", "report_date"]);
    let mut columns = [date; 2 + FIGURES.len()];
    columns[0] = required("symbol", &["ticker"]);
    let mut figure = 0;
    while figure < FIGURES.len() {
        columns[2 + figure] = optional(FIGURES[figure], &[]);
        figure += 1;
    }
    columns
};

/// Events.
pub const EVENTS: [ColumnNames; 5] = [
    required("symbol", &["ticker"]),
    required("date", &[]),
    required("event", &["type"]),
    optional("surprise", &[]),
    optional("announced_on", &[]),
];

/// Predictions.
pub const PREDICTIONS: [ColumnNames; 5] = [
    required("symbol", &["ticker"]),
    required("date", &[]),
    optional("pred_5d", &[]),
    optional("pred_10d", &[]),
    optional("win_prob", &[]),
];

/// Finds the columns of a table in a file's header.
///
/// Returns, for each of `wanted`, the ordinal of the header that is it: the first alias present wins.
///
/// # Errors
/// [`DataError::MissingColumn`] for the first required column that no header names.
pub fn find(
    table: &'static str,
    uri: &str,
    wanted: &[ColumnNames],
    header: &[String],
) -> Result<Vec<Option<usize>>, DataError> {
    let names: Vec<String> = header.iter().map(|name| normal(name)).collect();
    let find = |column: &ColumnNames| {
        std::iter::once(&column.name)
            .chain(column.aliases)
            .find_map(|alias| names.iter().position(|name| name == alias))
    };
    let missing = |column: &ColumnNames| DataError::MissingColumn {
        table,
        uri: uri.to_owned(),
        column: column.name,
        aliases: std::iter::once(&column.name)
            .chain(column.aliases)
            .copied()
            .collect::<Vec<_>>()
            .join(", "),
        found: shown(header),
    };
    wanted
        .iter()
        .map(|column| match find(column) {
            None if column.required => Err(missing(column)),
            found => Ok(found),
        })
        .collect()
}

/// Trimmed, lower case, spaces and dashes as underscores.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

/// The header for a message: at most a dozen names, none of them long.
fn shown(header: &[String]) -> String {
    const MOST: usize = 12;
    let mut names: Vec<String> = header.iter().take(MOST).map(|name| shortened(name.trim())).collect();
    if header.len() > MOST {
        names.push("…".to_owned());
    }
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

fn shortened(name: &str) -> String {
    const MOST: usize = 32;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expect: &[Option<usize>]) {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let found = find("universe", "u.csv", &UNIVERSE, &header).map_err(|error| error.to_string());
        assert_eq!(found.as_deref(), Ok(expect), "{header:?}");
    }

    #[test]
    fn aliases_match_whatever_the_spelling() {
        check(
            "Ticker, Company Name ,GICS-Sector",
            &[Some(0), Some(1), Some(2), None, None],
        );
        check("symbol,ticker", &[Some(0), None, None, None, None]);
        check("ticker,symbol", &[Some(1), None, None, None, None]);
    }

    #[test]
    fn a_missing_column_is_named_with_its_aliases() {
        let header = ["Symbol".to_owned(), "Date".to_owned(), "Px".to_owned(), "y".repeat(33)];
        let error = find("bars", "b.csv", &BARS, &header)
            .expect_err("open is missing")
            .to_string();
        for part in ["b.csv", "`open`", "open, o", "Symbol, Date, Px, yy"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(error.ends_with(&format!("{}…)", "y".repeat(32))), "{error}");
    }
}
