//! What a model reads of the scored rows: named columns of the map as one matrix (section 5.6).

use super::columns::{COLUMNS, Cell, ColumnSpec, Indicators};

/// The columns that a model reads whose metadata names none.
pub const DEFAULT_FEATURES: [&str; 28] = [
    "ret_1d",
    "ret_5d",
    "ret_21d",
    "ret_63d",
    "vol_20",
    "atr_pct",
    "rsi_14",
    "bb_pctb",
    "bb_width",
    "adx_14",
    "cci_20",
    "mfi_14",
    "obv_slope_20",
    "stoch_k",
    "stoch_d",
    "dist_high_20",
    "dist_low_20",
    "dist_high_252",
    "vol_spike",
    "gap_mean_10",
    "ma_slope_20",
    "trend_score",
    "momentum_score",
    "volume_score",
    "volatility_score",
    "oscillator_score",
    "breakout_score",
    "tech_rating",
];

/// The columns that a model reads, in its order.
#[derive(Debug, Clone)]
pub struct Features(Vec<&'static ColumnSpec>);

impl Features {
    /// The columns of these names.
    ///
    /// # Errors
    /// The first name that is of no column.
    pub fn find<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let find = |name: &'a str| COLUMNS.iter().find(|column| column.name == name).ok_or(name);
        names.into_iter().map(find).collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.len()
    }

    /// Appends a row's values in single precision; null is NaN, as models expect it.
    pub fn append(&self, row: &Indicators, values: &mut Vec<f32>) {
        values.extend(self.0.iter().map(|column| match column.get(row) {
            Cell::F64(value) => value.map_or(f32::NAN, single),
            Cell::I32(value) => single(f64::from(value)),
        }));
    }
}

/// The nearest single; what is beyond its range becomes infinite.
fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_names_are_columns() {
        assert_eq!(Features::find(DEFAULT_FEATURES).unwrap().width(), 28);
        assert_eq!(Features::find(["rsi_14", "merit"]).unwrap_err(), "merit");
    }

    #[test]
    fn rows_come_in_the_order_asked() {
        let features = Features::find(["trend_score", "rsi_14", "vol_20"]).unwrap();
        let row = Indicators {
            rsi_14: Some(0.1),
            trend_score: -3,
            ..Indicators::default()
        };
        let mut values = Vec::new();
        features.append(&row, &mut values);
        assert_eq!(values[..2], [-3.0, 0.1_f32]);
        assert!(values[2].is_nan() && values.len() == 3);
    }
}
