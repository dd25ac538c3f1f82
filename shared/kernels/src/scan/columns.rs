//! The map's columns: each indicator and score defined once, with its type, the bars it needs and its unit.
//!
//! The list below makes the struct, the registry that tables are built from, and the access by ordinal. A column added
//! anywhere else is a mistake: the order here is the order of the result tables.

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nullable f64, always finite.
    F64,
    /// i32, never null.
    I32,
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// A number or null.
    F64(Option<f64>),
    /// A count or score.
    I32(i32),
}

/// A column of the map: name, type, definition, and access to its field.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSpec {
    /// Name in the result tables.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Bars that the window must have for a value.
    pub bars: usize,
    /// Definition and unit.
    pub definition: &'static str,
    get: fn(&Indicators) -> Cell,
    set: fn(&mut Indicators, Cell),
}

impl ColumnSpec {
    /// The column's value in a row.
    #[must_use]
    pub fn get(&self, row: &Indicators) -> Cell {
        (self.get)(row)
    }

    /// Puts a value into a row.
    ///
    /// # Panics
    /// When the cell is of the other type.
    pub fn set(&self, row: &mut Indicators, cell: Cell) {
        (self.set)(row, cell);
    }
}

/// A field's type: how it becomes a cell and comes back.
trait Field: Copy {
    const KIND: Kind;
    fn cell(self) -> Cell;
    fn from_cell(cell: Cell) -> Self;
    fn or_null(self) -> Self;
}

impl Field for Option<f64> {
    const KIND: Kind = Kind::F64;

    fn cell(self) -> Cell {
        Cell::F64(self)
    }

    fn from_cell(cell: Cell) -> Self {
        match cell {
            Cell::F64(value) => value,
            Cell::I32(_) => panic!("an f64 column takes f64 cells"),
        }
    }

    fn or_null(self) -> Self {
        self.filter(|x| x.is_finite())
    }
}

impl Field for i32 {
    const KIND: Kind = Kind::I32;

    fn cell(self) -> Cell {
        Cell::I32(self)
    }

    fn from_cell(cell: Cell) -> Self {
        match cell {
            Cell::I32(value) => value,
            Cell::F64(_) => panic!("an i32 column takes i32 cells"),
        }
    }

    fn or_null(self) -> Self {
        self
    }
}

macro_rules! columns {
    (@type f64) => { Option<f64> };
    (@type i32) => { i32 };
    ($($name:ident $kind:ident $bars:literal $definition:literal;)*) => {
        /// The indicators and scores of one symbol at its window's last bar (sections 4 and 5.1).
        ///
        /// Prices are in quote currency, adjusted to the last bar; ratios are fractions; `None` is null.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Indicators {
            $(#[doc = $definition] pub $name: columns!(@type $kind),)*
        }

        /// Every column of the map, in the order of the result tables.
        pub const COLUMNS: &[ColumnSpec] = &[
            $(ColumnSpec {
                name: stringify!($name),
                kind: <columns!(@type $kind) as Field>::KIND,
                bars: $bars,
                definition: $definition,
                get: |row| row.$name.cell(),
                set: |row, cell| row.$name = Field::from_cell(cell),
            },)*
        ];

        impl Indicators {
            /// Replaces what overflowed with null: an output is never NaN or infinite.
            pub(super) fn null_non_finite(&mut self) {
                $(self.$name = self.$name.or_null();)*
            }
        }
    };
}

columns! {
    open f64 1 "Opening price of the last bar.";
    high f64 1 "Highest price of the last bar, at least the other three.";
    low f64 1 "Lowest price of the last bar, at most the other three.";
    close f64 1 "Closing price of the last bar.";
    volume f64 1 "Shares traded in the last bar.";
    bars i32 1 "Bars in the window.";
    stale_sessions i32 1 "Sessions after the last bar, up to the as-of date.";
    adj_factor f64 1 "Adjustment factor of the window's first bar.";
    ret_1d f64 2 "Return over 1 bar.";
    ret_5d f64 6 "Return over 5 bars.";
    ret_21d f64 22 "Return over 21 bars.";
    ret_63d f64 64 "Return over 63 bars.";
    ret_126d f64 127 "Return over 126 bars.";
    ret_252d f64 253 "Return over 252 bars.";
    mom_12_1 f64 253 "Return from 252 bars ago to 21 bars ago.";
    reversal_5 f64 6 "Minus the return over 5 bars.";
    vol_20 f64 21 "Sample standard deviation of the last 20 one-bar returns, a year (252 bars).";
    atr_14 f64 15 "Wilder's average true range over 14 bars, price units.";
    atr_pct f64 15 "atr_14 as a fraction of the close.";
    cv_20 f64 20 "Sample standard deviation of the last 20 closes over their mean.";
    jump_252 f64 2 "Largest one-bar price ratio, up or down, of the last 252 bar pairs.";
    sma_20 f64 20 "Mean of the last 20 closes.";
    sma_50 f64 50 "Mean of the last 50 closes.";
    sma_200 f64 200 "Mean of the last 200 closes.";
    ema_12 f64 12 "Exponential average of the closes, 12 bars, seeded with the mean of the first 12.";
    ema_26 f64 26 "Exponential average of the closes, 26 bars, seeded with the mean of the first 26.";
    ma_slope_20 f64 39 "Slope of the last 20 values of sma_20, a bar, over sma_20.";
    rsi_14 f64 15 "Wilder's relative strength index over 14 bars, 0 to 100.";
    macd f64 34 "12-bar less 26-bar exponential average, price units.";
    macd_signal f64 34 "9-bar exponential average of macd, price units.";
    macd_hist f64 34 "macd less macd_signal, price units.";
    bb_upper f64 20 "Upper Bollinger band: sma_20 plus two population standard deviations.";
    bb_lower f64 20 "Lower Bollinger band: sma_20 less two population standard deviations.";
    bb_pctb f64 20 "The close's place between the bands: 0 lower, 1 upper.";
    bb_width f64 20 "Distance of the bands over sma_20.";
    adx_14 f64 28 "Wilder's average directional index over 14 bars, 0 to 100.";
    plus_di_14 f64 28 "Wilder's positive directional indicator over 14 bars, 0 to 100.";
    minus_di_14 f64 28 "Wilder's negative directional indicator over 14 bars, 0 to 100.";
    cci_20 f64 20 "Commodity channel index over 20 bars.";
    mfi_14 f64 15 "Money flow index over 14 bars, 0 to 100.";
    obv_slope_20 f64 20 "Slope of the last 20 on-balance volumes, a bar, over the mean of the last 20 volumes.";
    stoch_k f64 18 "Slow stochastic %K: mean of the last 3 fast values over 14 bars, 0 to 100.";
    stoch_d f64 18 "Slow stochastic %D: mean of the last 3 stoch_k, 0 to 100.";
    dist_high_20 f64 20 "The close against the highest of the last 20 closes, at most 0.";
    dist_low_20 f64 20 "The close against the lowest of the last 20 closes, at least 0.";
    dist_high_252 f64 252 "The close against the highest high of the last 252 bars, at most 0.";
    dist_low_252 f64 252 "The close against the lowest low of the last 252 bars, at least 0.";
    dollar_vol_20 f64 20 "Mean of close x volume over the last 20 bars, quote currency.";
    vol_spike f64 20 "Close x volume of the last bar over dollar_vol_20.";
    gap_mean_10 f64 11 "Mean size of the last 10 overnight gaps as a fraction of the close before.";
    zero_vol_20 i32 1 "Bars without volume among the last 20.";
    trend_score i32 1 "Order of close, sma_20, sma_50 and sma_200, -3 to 3.";
    momentum_score i32 1 "rsi_14, macd_hist and nearness to the 20-bar extremes, -3 to 3.";
    volume_score i32 1 "Direction of the last bar times its volume's size, -2 to 2.";
    volatility_score i32 1 "1 calm, -1 wild, by atr_pct.";
    oscillator_score i32 1 "rsi_14's zone, -1 to 1.";
    breakout_score i32 1 "Nearness to the 20-bar extremes and the 5-bar return, -2 to 2.";
    tech_raw i32 1 "Weighted sum of the scores, -26 to 26.";
    stability f64 15 "Calm by atr_pct, 0 wild to 1 calm.";
    tech_rating f64 1 "tech_raw damped by stability, -26 to 26; positive is bullish.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_definition_is_a_sentence() {
        for (i, column) in COLUMNS.iter().enumerate() {
            assert!(
                COLUMNS[..i].iter().all(|earlier| earlier.name != column.name),
                "{} twice",
                column.name
            );
            assert!(column.definition.ends_with('.') && column.bars >= 1, "{}", column.name);
        }
    }

    #[test]
    fn a_row_survives_the_way_through_cells() {
        let row = Indicators {
            open: Some(1.5),
            bars: 7,
            rsi_14: Some(50.0),
            tech_raw: -4,
            ..Indicators::default()
        };
        let mut copy = Indicators::default();
        for column in COLUMNS {
            column.set(&mut copy, column.get(&row));
        }
        assert_eq!(copy, row);
        let kinds = COLUMNS.iter().filter(|c| c.kind == Kind::I32).count();
        assert_eq!(
            kinds,
            COLUMNS.iter().filter(|c| matches!(c.get(&row), Cell::I32(_))).count()
        );
    }

    #[test]
    fn what_overflowed_becomes_null() {
        let mut row = Indicators {
            macd: Some(f64::NAN),
            vol_20: Some(f64::INFINITY),
            open: Some(1.0),
            ..Indicators::default()
        };
        row.null_non_finite();
        assert_eq!((row.macd, row.vol_20, row.open), (None, None, Some(1.0)));
    }
}
