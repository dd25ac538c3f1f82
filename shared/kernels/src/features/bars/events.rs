//! What a bar counts of its events: messages by action, trades, and order flow by side and band.

use crate::features::band::{BANDS, Bands};
use crate::features::numbers::px;
use crate::features::record::{Record, UNDEF_PRICE, UNDEF_SIZE};

/// An event's place in the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// 0 bid, 1 ask.
    pub(super) side: usize,
    pub(super) band: usize,
    pub(super) price: i64,
    pub(super) kind: usize,
}

/// Why an add, cancel or modify is no flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFlow {
    Side,
    Price,
    Reference,
    OutOfBand,
}

impl Target {
    /// Where the flow of an add, cancel or modify goes, measured from the reference price.
    pub(super) fn of(record: &Record, reference: Option<f64>, bands: &Bands) -> Result<Self, NoFlow> {
        let side = match record.side {
            b'B' => 0,
            b'A' => 1,
            _ => return Err(NoFlow::Side),
        };
        if record.price == UNDEF_PRICE {
            return Err(NoFlow::Price);
        }
        let reference = reference.ok_or(NoFlow::Reference)?;
        let price = px(record.price);
        let distance = if side == 0 {
            reference - price
        } else {
            price - reference
        };
        let band = bands.of(distance).ok_or(NoFlow::OutOfBand)?;
        let kind = match record.action {
            b'A' => 0,
            b'C' => 1,
            _ => 2,
        };
        Ok(Self {
            side,
            band,
            price: record.price,
            kind,
        })
    }
}

/// Sums by side (bid, ask) and band.
pub(crate) type BySideAndBand = [[i64; BANDS]; 2];

/// Order flow: sizes added and removed, and events by action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    pub(crate) added: BySideAndBand,
    pub(crate) removed: BySideAndBand,
    /// Adds, cancels, modifies.
    pub(crate) events: [BySideAndBand; 3],
}

impl Flow {
    /// Counts one event that changed the size resting at its price by `change`; `kind` is 0 add, 1 cancel, 2 modify.
    pub(crate) fn count(&mut self, side: usize, band: usize, kind: usize, change: i64) {
        self.added[side][band] += change.max(0);
        self.removed[side][band] += (-change).max(0);
        self.events[kind][side][band] += 1;
    }

    /// Added less removed.
    pub(crate) fn net(&self) -> BySideAndBand {
        std::array::from_fn(|side| std::array::from_fn(|band| self.added[side][band] - self.removed[side][band]))
    }
}

/// The integer sums of one bar.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) msg: i64,
    pub(super) clear: i64,
    pub(super) add: i64,
    pub(super) cancel: i64,
    pub(super) modify: i64,
    pub(super) fill: i64,
    pub(super) other: i64,
    pub(super) side_none: i64,
    pub(super) trades: i64,
    pub(super) volume: i64,
    pub(super) bought: i64,
    pub(super) sold: i64,
    pub(super) unsided: i64,
    /// Highest, lowest and last trade price.
    pub(super) prices: Option<(i64, i64, i64)>,
    pub(super) flow: Flow,
}

impl Counts {
    /// Counts a record that is no trade.
    pub(super) fn action(&mut self, action: u8) {
        self.msg += 1;
        match action {
            b'A' => self.add += 1,
            b'C' => self.cancel += 1,
            b'M' => self.modify += 1,
            b'F' => self.fill += 1,
            b'R' => self.clear += 1,
            _ => self.other += 1,
        }
    }

    /// Counts a trade.
    pub(super) fn trade(&mut self, record: &Record) {
        self.msg += 1;
        self.trades += 1;
        let size = if record.size == UNDEF_SIZE {
            0
        } else {
            i64::from(record.size)
        };
        self.volume += size;
        match record.side {
            b'B' => self.bought += size,
            b'A' => self.sold += size,
            _ => self.unsided += size,
        }
        if record.price != UNDEF_PRICE {
            let price = record.price;
            let (high, low, _) = self.prices.unwrap_or((price, price, price));
            self.prices = Some((high.max(price), low.min(price), price));
        }
    }
}
