//! Cuts the time of a day into bars of five seconds and, in them, pieces over which the book is constant.
//!
//! It reads no clock: time is that of the records. Read `bars` next.

/// A bar's length, ns.
pub const BAR_NS: i64 = 5_000_000_000;

/// The start of the bar that holds this time.
#[must_use]
pub fn bar_of(time: i64) -> i64 {
    time.div_euclid(BAR_NS) * BAR_NS
}

/// What is told of passing time.
pub trait Pieces {
    /// The book stood for this long, within one bar.
    fn piece(&mut self, ns: i64);
    /// The bar that began at `start` is over; `filled` when no record fell into it.
    fn close(&mut self, start: i64, filled: bool);
}

/// Where the pass over a day stands.
#[derive(Debug, Clone, Default)]
pub struct BarClock {
    now: Option<i64>,
    bar_end: i64,
    touched: bool,
}

impl BarClock {
    /// The time of the latest record.
    #[must_use]
    pub fn now(&self) -> Option<i64> {
        self.now
    }

    /// Goes on to the time of a record, telling every piece and every bar that ends by then.
    ///
    /// # Panics
    /// When the time is before the one before it.
    pub fn record_at(&mut self, time: i64, pieces: &mut impl Pieces) {
        match self.now {
            None => {
                self.now = Some(time);
                self.bar_end = bar_of(time) + BAR_NS;
            }
            Some(now) => {
                assert!(time >= now, "records come in ascending time");
                self.advance(now, time, pieces);
            }
        }
        self.touched = true;
    }

    /// Lets the last book stand to the end of its bar and closes that.
    pub fn finish(&mut self, pieces: &mut impl Pieces) {
        if let Some(now) = self.now {
            self.advance(now, self.bar_end, pieces);
        }
        self.now = None;
    }

    fn advance(&mut self, mut now: i64, to: i64, pieces: &mut impl Pieces) {
        while now < to {
            let end = to.min(self.bar_end);
            pieces.piece(end - now);
            now = end;
            if now == self.bar_end {
                pieces.close(self.bar_end - BAR_NS, !self.touched);
                self.bar_end += BAR_NS;
                self.touched = false;
            }
        }
        self.now = Some(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told(Vec<(i64, Option<bool>)>);

    impl Pieces for Told {
        fn piece(&mut self, ns: i64) {
            self.0.push((ns, None));
        }

        fn close(&mut self, start: i64, filled: bool) {
            self.0.push((start, Some(filled)));
        }
    }

    #[test]
    fn pieces_end_at_records_and_at_bars() {
        let (mut clock, mut told) = (BarClock::default(), Told::default());
        clock.record_at(3_000_000_000, &mut told);
        clock.record_at(5_000_000_000, &mut told);
        clock.record_at(16_000_000_000, &mut told);
        clock.finish(&mut told);
        let s = 1_000_000_000;
        let expect = [
            (2 * s, None),
            (0, Some(false)),
            (5 * s, None),
            (5 * s, Some(false)),
            (5 * s, None),
            (10 * s, Some(true)),
            (s, None),
            (4 * s, None),
            (15 * s, Some(false)),
        ];
        assert_eq!(told.0, expect);
    }

    #[test]
    fn a_bar_holds_its_start_and_not_its_end() {
        assert_eq!(
            (bar_of(4_999_999_999), bar_of(5_000_000_000), bar_of(-1)),
            (0, BAR_NS, -BAR_NS)
        );
    }
}
