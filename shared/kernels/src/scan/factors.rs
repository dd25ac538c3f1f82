//! Factors of one symbol: what its figures say against its price and against each other (section 5.2).
//!
//! Each factor is defined once in the list below, which makes the struct and the columns of the result. A ratio is null
//! unless its denominator is above 0.

use super::fundamentals::Figures;

macro_rules! factors {
    ($($name:ident $definition:literal;)*) => {
        /// The factors of one symbol; ratios are fractions, `None` is null.
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct Factors {
            $(#[doc = $definition] pub $name: Option<f64>,)*
        }

        /// Every factor in the order of the result tables: name, definition, access.
        pub const FACTORS: &[(&str, &str, fn(&Factors) -> Option<f64>)] =
            &[$((stringify!($name), $definition, |factors| factors.$name)),*];
    };
}

factors! {
    value_ep "Net income over market cap.";
    value_cfp "Operating cash flow over market cap.";
    value_fcf "Free cash flow over market cap.";
    value_ebitda_ev "EBITDA over enterprise value.";
    value_sales_ev "Revenue over enterprise value.";
    dividend_yield "Dividend a share over the close.";
    quality_roe "Net income over equity.";
    quality_roa "Net income over assets.";
    quality_gpm "Gross profit over revenue.";
    margin_op "Operating income over revenue.";
    margin_net "Net income over revenue.";
    leverage_de "Debt over equity.";
    net_debt_ebitda "Debt less cash over EBITDA.";
    interest_coverage "Operating income over interest expense.";
    growth_rev "Growth of revenue over a year.";
    growth_eps "Growth of earnings a share over a year, against the size of the earlier ones.";
    size_log_mcap "Natural logarithm of the market cap.";
}

/// The market cap in quote currency: filed shares by the close where they are known and above 0, else the universe's.
#[must_use]
pub fn market_cap(figures: &Figures, close: Option<f64>, listed: Option<f64>) -> Option<f64> {
    match figures.shares_outstanding {
        Some(shares) if shares > 0.0 => finite(close.map(|close| shares * close)),
        _ => listed,
    }
}

/// The factors of a symbol from its figures, its adjusted close and its market cap.
#[must_use]
pub fn factors(figures: &Figures, close: Option<f64>, cap: Option<f64>) -> Factors {
    let f = figures;
    let net_debt = difference(f.total_debt, f.cash);
    let enterprise_value = match (cap, f.total_debt, f.cash) {
        (Some(cap), Some(debt), Some(cash)) => finite(Some(cap + debt - cash)),
        _ => None,
    };
    Factors {
        value_ep: ratio(f.net_income, cap),
        value_cfp: ratio(f.operating_cash_flow, cap),
        value_fcf: ratio(f.free_cash_flow, cap),
        value_ebitda_ev: ratio(f.ebitda, enterprise_value),
        value_sales_ev: ratio(f.revenue, enterprise_value),
        dividend_yield: ratio(f.dividend_per_share, close),
        quality_roe: ratio(f.net_income, f.total_equity),
        quality_roa: ratio(f.net_income, f.total_assets),
        quality_gpm: ratio(f.gross_profit, f.revenue),
        margin_op: ratio(f.operating_income, f.revenue),
        margin_net: ratio(f.net_income, f.revenue),
        leverage_de: ratio(f.total_debt, f.total_equity),
        net_debt_ebitda: ratio(net_debt, f.ebitda),
        interest_coverage: ratio(f.operating_income, f.interest_expense),
        growth_rev: finite(ratio(f.revenue, f.revenue_prior).map(|ratio| ratio - 1.0)),
        growth_eps: ratio(difference(f.eps, f.eps_prior), f.eps_prior.map(f64::abs)),
        size_log_mcap: finite(cap.filter(|cap| *cap > 0.0).map(libm::log)),
    }
}

/// Null unless the denominator is above 0, exactly.
fn ratio(numerator: Option<f64>, denominator: Option<f64>) -> Option<f64> {
    let denominator = denominator.filter(|x| *x > 0.0)?;
    finite(Some(numerator? / denominator))
}

fn difference(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    finite(Some(a? - b?))
}

/// What overflowed is null.
fn finite(x: Option<f64>) -> Option<f64> {
    x.filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        Figures::from_cells(
            [
                10.0, 20.0, 30.0, 40.0, 50.0, 40.0, 25.0, 15.0, 16.0, 5.0, 200.0, 80.0, 60.0, 10.0, 3.0, -2.0, 1.0,
            ]
            .map(Some),
        )
    }

    #[test]
    fn by_hand() {
        let cap = market_cap(&figures(), Some(10.0), Some(7.0));
        assert_eq!(cap, Some(100.0));
        let found = factors(&figures(), Some(10.0), cap);
        let values: Vec<f64> = FACTORS.iter().map(|(_, _, get)| get(&found).unwrap()).collect();
        let expect = [
            0.2,
            0.3,
            0.4,
            16.0 / 150.0,
            50.0 / 150.0,
            0.1,
            0.25,
            0.1,
            0.5,
            0.3,
            0.4,
            0.75,
            50.0 / 16.0,
            3.0,
            0.25,
            2.5,
            4.605_170_185_988_092,
        ];
        for ((name, _, _), (got, expect)) in FACTORS.iter().zip(values.iter().zip(expect)) {
            assert!(
                (got - expect).abs() < 1e-15 * expect.max(1.0) * 8.0,
                "{name}: {got}, expected {expect}"
            );
        }
    }

    #[test]
    fn a_denominator_that_is_not_above_zero_makes_null() {
        let odd = Figures {
            total_equity: Some(-1.0),
            revenue: Some(0.0),
            eps_prior: Some(0.0),
            cash: Some(1e9),
            interest_expense: None,
            ..figures()
        };
        let found = factors(&odd, Some(10.0), Some(100.0));
        let nulls = [
            found.quality_roe,
            found.leverage_de,
            found.margin_op,
            found.growth_eps,
            found.value_ebitda_ev,
            found.interest_coverage,
        ];
        assert_eq!(nulls, [None; 6]);
        assert_eq!(found.quality_roa, Some(0.1));
    }

    #[test]
    fn the_listed_cap_stands_in_for_shares_that_are_not_known() {
        for shares in [None, Some(0.0), Some(-5.0)] {
            let figures = Figures {
                shares_outstanding: shares,
                ..Figures::default()
            };
            assert_eq!(market_cap(&figures, Some(10.0), Some(7.0)), Some(7.0));
        }
        let found = factors(&Figures::default(), Some(10.0), Some(1.0));
        assert_eq!(
            found,
            Factors {
                size_log_mcap: Some(0.0),
                ..Factors::default()
            }
        );
    }
}
