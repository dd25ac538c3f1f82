//! The counts of row hygiene: what was read, dropped for which fault, and kept.

/// Why a placed row is not kept. The first that holds is the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectKind {
    /// A price is null, non-finite or not above 0.
    BadPrice,
    /// The volume is null, non-finite or negative.
    BadVolume,
    /// The date is no session.
    GhostSession,
    /// A later valid row of the same date stands in its place.
    Duplicate,
}

impl RejectKind {
    /// The name in the funnel.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadPrice => "bad_price",
            Self::BadVolume => "bad_volume",
            Self::GhostSession => "ghost_session",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Row counts. `read` is the sum of the four drops and `kept`; the last two are notes on kept rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hygiene {
    /// Placed rows.
    pub read: i64,
    /// Rows dropped for a price.
    pub bad_price: i64,
    /// Rows dropped for their volume.
    pub bad_volume: i64,
    /// Rows dropped because their date is no session.
    pub ghost_session: i64,
    /// Rows superseded by a later one of the same date.
    pub duplicate: i64,
    /// Rows kept.
    pub kept: i64,
    /// Kept rows whose high or low did not span the four prices.
    pub ohlc_repaired: i64,
    /// Kept rows without volume.
    pub zero_volume: i64,
}

impl Hygiene {
    /// The names of the counts, in the order of `counts`.
    pub const NAMES: [&'static str; 8] = [
        "read",
        "bad_price",
        "bad_volume",
        "ghost_session",
        "duplicate",
        "kept",
        "ohlc_repaired",
        "zero_volume",
    ];

    /// The counts, in the order of `NAMES`.
    #[must_use]
    pub const fn counts(&self) -> [i64; 8] {
        [
            self.read,
            self.bad_price,
            self.bad_volume,
            self.ghost_session,
            self.duplicate,
            self.kept,
            self.ohlc_repaired,
            self.zero_volume,
        ]
    }

    /// The inverse of `counts`.
    #[must_use]
    pub const fn from_counts(counts: [i64; 8]) -> Self {
        let [
            read,
            bad_price,
            bad_volume,
            ghost_session,
            duplicate,
            kept,
            ohlc_repaired,
            zero_volume,
        ] = counts;
        Self {
            read,
            bad_price,
            bad_volume,
            ghost_session,
            duplicate,
            kept,
            ohlc_repaired,
            zero_volume,
        }
    }

    /// The sum of two symbols' counts.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.counts();
        sum.iter_mut()
            .zip(other.counts())
            .for_each(|(sum, count)| *sum += count);
        Self::from_counts(sum)
    }

    /// True when every row read is either dropped for one reason or kept.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        self.read == self.bad_price + self.bad_volume + self.ghost_session + self.duplicate + self.kept
    }

    pub(super) fn drop_row(&mut self, kind: RejectKind) {
        *match kind {
            RejectKind::BadPrice => &mut self.bad_price,
            RejectKind::BadVolume => &mut self.bad_volume,
            RejectKind::GhostSession => &mut self.ghost_session,
            RejectKind::Duplicate => &mut self.duplicate,
        } += 1;
    }
}
