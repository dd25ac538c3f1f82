//! The cross-section: each scored row of one as-of date against the others, and the alpha that follows (sections 5.4
//! and 5.5).
//!
//! It is taken over every scored row, never only the shown ones. Each column is defined once in the list below, which
//! makes the struct and the columns of the result.

use super::columns::Indicators;
use super::cross::{by_sector, mean_of_known, percentiles, z_scores};
use super::factors::Factors;
use super::options::BlendOptions;
use super::predictions::Prediction;
use super::sector::Sector;

/// Mean money traded a day, quote currency, from which alpha counts in full.
const LIQUID: f64 = 20e6;

/// What the cross-section reads of a scored row.
#[derive(Debug, Clone, Copy)]
pub struct SectionInput<'a> {
    /// Indicators and scores.
    pub indicators: &'a Indicators,
    /// Sector; `None` is held against all rows.
    pub sector: Option<Sector>,
    /// Factors.
    pub factors: &'a Factors,
    /// Predictions.
    pub prediction: &'a Prediction,
}

macro_rules! section {
    ($($name:ident $definition:literal;)*) => {
        /// A row against the others of its date; `None` is null.
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct Section {
            /// The blend of factor alpha and predictions, damped where little money trades.
            pub alpha_score: Option<f64>,
            $(#[doc = $definition] pub $name: Option<f64>,)*
        }

        /// Every column of the cross-section but `alpha_score`, in the order of the result tables: name, definition,
        /// access.
        pub const SECTION: &[(&str, &str, fn(&Section) -> Option<f64>)] =
            &[$((stringify!($name), $definition, |section| section.$name)),*];
    };
}

section! {
    tech_z "Standard score of tech_rating.";
    ret_21d_z "Standard score of ret_21d.";
    ret_63d_z "Standard score of ret_63d.";
    mom_12_1_z "Standard score of mom_12_1.";
    value_ep_sz "Standard score of value_ep in the sector.";
    value_cfp_sz "Standard score of value_cfp in the sector.";
    value_fcf_sz "Standard score of value_fcf in the sector.";
    value_ebitda_ev_sz "Standard score of value_ebitda_ev in the sector.";
    value_sales_ev_sz "Standard score of value_sales_ev in the sector.";
    dividend_yield_sz "Standard score of dividend_yield in the sector.";
    quality_roe_sz "Standard score of quality_roe in the sector.";
    quality_roa_sz "Standard score of quality_roa in the sector.";
    quality_gpm_sz "Standard score of quality_gpm in the sector.";
    margin_op_sz "Standard score of margin_op in the sector.";
    margin_net_sz "Standard score of margin_net in the sector.";
    leverage_de_sz "Standard score of leverage_de in the sector.";
    interest_coverage_sz "Standard score of interest_coverage in the sector.";
    growth_rev_sz "Standard score of growth_rev in the sector.";
    growth_eps_sz "Standard score of growth_eps in the sector.";
    factor_momentum "Mean of the standard scores of ret_21d, ret_63d and mom_12_1.";
    factor_value "Mean of the sector scores of the six value columns.";
    factor_quality "Mean of the sector scores of the seven quality columns, leverage negated.";
    factor_growth "Mean of the sector scores of the two growth columns.";
    quality_score "Mean sector percentile of profitability, cash yield, coverage and low net debt, 0 to 100.";
    factor_alpha "Weighted sum of tech_z and the four factors.";
    ml_z "Weighted mean of the standard scores of the predictions.";
    tech_pct "Percentile of tech_rating.";
    alpha_pct "Percentile of alpha_score.";
    liquidity_pct "Percentile of dollar_vol_20.";
    stability_pct "100 less the percentile of atr_pct.";
    ret_21d_pct "Percentile of ret_21d.";
    ret_63d_pct "Percentile of ret_63d.";
    ret_21d_spct "Percentile of ret_21d in the sector.";
    ret_63d_spct "Percentile of ret_63d in the sector.";
    value_pct "Percentile of factor_value.";
}

/// A measure over a column of values.
type Measure = fn(&[Option<f64>]) -> Vec<Option<f64>>;
/// Where a measured column goes.
type Place = fn(&mut Section) -> &mut Option<f64>;
/// A column of `T`, and where it goes once it is measured.
type Measured<T> = (fn(&T) -> Option<f64>, Place);

macro_rules! of {
    ($source:ident: $($from:ident => $to:ident),* $(,)?) => {
        [$((|$source| $source.$from, |section| &mut section.$to)),*]
    };
}

/// Indicators measured over all rows, and within sectors.
const Z: [Measured<Indicators>; 4] = of!(row: tech_rating => tech_z, ret_21d => ret_21d_z,
    ret_63d => ret_63d_z, mom_12_1 => mom_12_1_z);
const PERCENTILES: [Measured<Indicators>; 5] = of!(row: tech_rating => tech_pct,
    dollar_vol_20 => liquidity_pct, atr_pct => stability_pct, ret_21d => ret_21d_pct, ret_63d => ret_63d_pct);
const SECTOR_PERCENTILES: [Measured<Indicators>; 2] = of!(row: ret_21d => ret_21d_spct, ret_63d => ret_63d_spct);
/// Factors measured within sectors.
const SECTOR_Z: [Measured<Factors>; 15] = of!(row: value_ep => value_ep_sz, value_cfp => value_cfp_sz,
    value_fcf => value_fcf_sz, value_ebitda_ev => value_ebitda_ev_sz, value_sales_ev => value_sales_ev_sz,
    dividend_yield => dividend_yield_sz, quality_roe => quality_roe_sz, quality_roa => quality_roa_sz,
    quality_gpm => quality_gpm_sz, margin_op => margin_op_sz, margin_net => margin_net_sz,
    leverage_de => leverage_de_sz, interest_coverage => interest_coverage_sz, growth_rev => growth_rev_sz,
    growth_eps => growth_eps_sz);
/// Factors whose sector percentiles make the quality score; of net debt, less is better.
const QUALITY: [fn(&Factors) -> Option<f64>; 7] = [
    |row| row.quality_roe,
    |row| row.quality_roa,
    |row| row.quality_gpm,
    |row| row.margin_op,
    |row| row.margin_net,
    |row| row.value_fcf,
    |row| row.interest_coverage,
];

/// The cross-section of the scored rows of one as-of date, given and answered in symbol order.
#[must_use]
pub fn section(rows: &[SectionInput<'_>], options: &BlendOptions) -> Vec<Section> {
    let mut sections = vec![Section::default(); rows.len()];
    let sectors: Vec<Option<Sector>> = rows.iter().map(|row| row.sector).collect();
    let indicator = |of: fn(&Indicators) -> Option<f64>| rows.iter().map(|row| of(row.indicators)).collect::<Vec<_>>();
    let factor = |of: fn(&Factors) -> Option<f64>| rows.iter().map(|row| of(row.factors)).collect::<Vec<_>>();
    for (of, place) in Z {
        put(&mut sections, place, z_scores(&indicator(of)));
    }
    for (of, place) in PERCENTILES {
        put(&mut sections, place, percentiles(&indicator(of)));
    }
    for (of, place) in SECTOR_PERCENTILES {
        put(&mut sections, place, by_sector(&indicator(of), &sectors, percentiles));
    }
    for (of, place) in SECTOR_Z {
        put(&mut sections, place, by_sector(&factor(of), &sectors, z_scores));
    }
    let within = |of, measure: Measure| by_sector(&factor(of), &sectors, measure);
    let mut quality = QUALITY.map(|of| within(of, percentiles)).to_vec();
    let net_debt = within(|row| row.net_debt_ebitda, percentiles);
    quality.push(net_debt.into_iter().map(|p| p.map(|p| 100.0 - p)).collect());
    for (at, section) in sections.iter_mut().enumerate() {
        section.stability_pct = section.stability_pct.map(|p| 100.0 - p);
        section.quality_score = mean_of_known(&quality.iter().map(|column| column[at]).collect::<Vec<_>>());
        compose(section);
    }
    let value: Vec<Option<f64>> = sections.iter().map(|section| section.factor_value).collect();
    put(&mut sections, |section| &mut section.value_pct, percentiles(&value));
    blend(rows, &mut sections, options.ml_weight);
    sections
}

fn put(sections: &mut [Section], place: Place, values: Vec<Option<f64>>) {
    for (section, value) in sections.iter_mut().zip(values) {
        *place(section) = value;
    }
}

/// Composite factors and their alpha; a factor that is missing is average.
fn compose(s: &mut Section) {
    s.factor_momentum = mean_of_known(&[s.ret_21d_z, s.ret_63d_z, s.mom_12_1_z]);
    s.factor_value = mean_of_known(&[
        s.value_ep_sz,
        s.value_cfp_sz,
        s.value_fcf_sz,
        s.value_ebitda_ev_sz,
        s.value_sales_ev_sz,
        s.dividend_yield_sz,
    ]);
    s.factor_quality = mean_of_known(&[
        s.quality_roe_sz,
        s.quality_roa_sz,
        s.quality_gpm_sz,
        s.margin_op_sz,
        s.margin_net_sz,
        s.leverage_de_sz.map(|z| -z),
        s.interest_coverage_sz,
    ]);
    s.factor_growth = mean_of_known(&[s.growth_rev_sz, s.growth_eps_sz]);
    let or_average = |factor: Option<f64>| factor.unwrap_or(0.0);
    s.factor_alpha = Some(
        0.40 * or_average(s.tech_z)
            + 0.25 * or_average(s.factor_momentum)
            + 0.15 * or_average(s.factor_value)
            + 0.15 * or_average(s.factor_quality)
            + 0.05 * or_average(s.factor_growth),
    );
}

/// Scores of the predictions, and alpha as the blend of both.
fn blend(rows: &[SectionInput<'_>], sections: &mut [Section], weight: f64) {
    let predicted = |of: fn(&Prediction) -> Option<f64>| rows.iter().map(|row| of(row.prediction)).collect::<Vec<_>>();
    let five = z_scores(&predicted(|prediction| prediction.pred_5d));
    let ten = z_scores(&predicted(|prediction| prediction.pred_10d));
    for ((section, row), (five, ten)) in sections.iter_mut().zip(rows).zip(five.into_iter().zip(ten)) {
        section.ml_z = match (five, ten) {
            (Some(five), Some(ten)) => Some(0.4 * five + 0.6 * ten),
            (one, other) => one.or(other),
        };
        let alpha = section.factor_alpha.unwrap_or(0.0);
        let blended = section.ml_z.map_or(alpha, |ml| (1.0 - weight) * alpha + weight * ml);
        let traded = row.indicators.dollar_vol_20;
        section.alpha_score = traded.map(|traded| blended * (traded / LIQUID).min(1.0));
    }
    let alpha: Vec<Option<f64>> = sections.iter().map(|section| section.alpha_score).collect();
    put(sections, |section| &mut section.alpha_pct, percentiles(&alpha));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rating: f64, traded: f64) -> Indicators {
        Indicators {
            tech_rating: Some(rating),
            dollar_vol_20: Some(traded),
            atr_pct: Some(rating.abs() / 100.0),
            ..Indicators::default()
        }
    }

    fn sections(predictions: [Prediction; 3], weight: f64) -> Vec<Section> {
        let indicators = [row(10.0, 40e6), row(0.0, 10e6), row(-10.0, 20e6)];
        let factors = Factors::default();
        let rows: Vec<SectionInput<'_>> = indicators
            .iter()
            .zip(&predictions)
            .map(|(indicators, prediction)| SectionInput {
                indicators,
                sector: None,
                factors: &factors,
                prediction,
            })
            .collect();
        section(&rows, &BlendOptions { ml_weight: weight })
    }

    #[test]
    fn alpha_without_factors_is_the_rating_damped_by_liquidity() {
        let found = sections([Prediction::default(); 3], 0.35);
        let alphas: Vec<f64> = found.iter().map(|s| s.alpha_score.unwrap()).collect();
        assert_eq!(alphas, [0.4, 0.0, -0.4]);
        assert_eq!(
            (found[0].ml_z, found[0].factor_value, found[0].quality_score),
            (None, None, None)
        );
        assert_eq!(found[1].liquidity_pct, Some(100.0 * 0.5 / 3.0));
        assert_eq!(found[1].stability_pct, Some(100.0 - 100.0 * 0.5 / 3.0));
        assert_eq!(found[2].alpha_pct, Some(100.0 * 0.5 / 3.0));
    }

    #[test]
    fn predictions_are_blended_where_they_are_known() {
        let of = |five, ten| Prediction::new(five, ten, None);
        let predictions = [of(Some(0.1), Some(0.3)), of(Some(0.3), None), of(None, None)];
        let found = sections(predictions, 0.5);
        let root = 0.5_f64.sqrt();
        // One known value of pred_10d has no spread, so its score is 0.
        assert!((found[0].ml_z.unwrap() - 0.4 * -root).abs() < 1e-15);
        assert!((found[1].ml_z.unwrap() - root).abs() < 1e-15);
        assert_eq!(found[2].ml_z, None);
        assert!((found[1].alpha_score.unwrap() - 0.5 * (0.5 * root)).abs() < 1e-15);
        assert_eq!(found[2].alpha_score, Some(-0.4));
    }
}
