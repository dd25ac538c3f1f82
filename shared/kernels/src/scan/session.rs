//! Sessions: which dates of the bars are trading days, and how far a symbol lags behind them (section 1).
//!
//! A ghost date has rows of far fewer trading symbols than the days before it. The test only looks back, so appended
//! data never changes it.

use super::compare::ge;
use super::options::SessionOptions;

/// How many dates before a date its symbol count is held against.
const LOOK_BACK: usize = 20;

/// The dates of a bars input, ascending, and which of them are sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    dates: Vec<i32>,
    sessions: Vec<i32>,
}

impl Calendar {
    /// Takes the distinct dates of the whole bars input and, for each, how many distinct symbols traded.
    ///
    /// Shapes as in [`sessions`]. Days are since 1970-01-01.
    #[must_use]
    pub fn new(dates: Vec<i32>, traded: &[u32], options: &SessionOptions) -> Self {
        let flags = sessions(&dates, traded, options);
        let sessions = dates
            .iter()
            .zip(flags)
            .filter(|(_, session)| *session)
            .map(|(date, _)| *date)
            .collect();
        Self { dates, sessions }
    }

    /// Every distinct date of the input, ghosts too, ascending.
    #[must_use]
    pub fn dates(&self) -> &[i32] {
        &self.dates
    }

    /// The sessions, ascending.
    #[must_use]
    pub fn sessions(&self) -> &[i32] {
        &self.sessions
    }

    /// The sessions in `from..=to`; an end that is `None` is open.
    #[must_use]
    pub fn sessions_between(&self, from: Option<i32>, to: Option<i32>) -> &[i32] {
        let start = from.map_or(0, |from| self.sessions.partition_point(|s| *s < from));
        let end = to.map_or(self.sessions.len(), |to| self.sessions.partition_point(|s| *s <= to));
        &self.sessions[start..end.max(start)]
    }

    /// The last session not after `day`.
    #[must_use]
    pub fn last_at_or_before(&self, day: i32) -> Option<i32> {
        self.sessions_between(None, Some(day)).last().copied()
    }

    /// True when `day` is a session.
    #[must_use]
    pub fn is_session(&self, day: i32) -> bool {
        self.sessions.binary_search(&day).is_ok()
    }

    /// How many sessions lie after `day` and not after `up_to`.
    #[must_use]
    pub fn sessions_after(&self, day: i32, up_to: i32) -> usize {
        day.checked_add(1)
            .map_or(0, |next| self.sessions_between(Some(next), Some(up_to)).len())
    }
}

/// Tells for each date whether it is a session: its count is at least `session_min_frac` of the most in it and the 20
/// dates before.
///
/// Shapes: `dates` ascending without repeats; `traded[i]` = distinct symbols with volume > 0 on `dates[i]`, over the
/// whole bars input whatever the filters; the answer is as long as both.
///
/// ```
/// use tickfleet_kernels::scan::{options::SessionOptions, session::sessions};
/// let options = SessionOptions { session_min_frac: 0.1 };
/// assert_eq!(sessions(&[1, 2, 5], &[100, 9, 10], &options), [true, false, true]);
/// ```
///
/// # Panics
/// When the lengths differ or the dates are not ascending.
#[must_use]
pub fn sessions(dates: &[i32], traded: &[u32], options: &SessionOptions) -> Vec<bool> {
    assert_eq!(dates.len(), traded.len(), "one count for each date");
    assert!(dates.is_sorted_by(|a, b| a < b), "dates ascend without repeats");
    let is_session = |i: usize| {
        let window = &traded[i.saturating_sub(LOOK_BACK)..=i];
        let most = window.iter().copied().max().unwrap_or(0);
        ge(f64::from(traded[i]), options.session_min_frac * f64::from(most))
    };
    (0..dates.len()).map(is_session).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENTH: SessionOptions = SessionOptions { session_min_frac: 0.1 };

    #[test]
    fn a_ghost_has_few_symbols_against_the_days_before() {
        for (traded, expect) in [
            (vec![], vec![]),
            (vec![5], vec![true]),
            (vec![100, 10, 9], vec![true, true, false]),
            (vec![9, 100], vec![true, true]),
            (vec![30, 3], vec![true, true]),
            (vec![0, 0], vec![true, true]),
        ] {
            let dates: Vec<i32> = (0..).take(traded.len()).collect();
            assert_eq!(sessions(&dates, &traded, &TENTH), expect, "{traded:?}");
        }
    }

    #[test]
    fn the_window_is_the_date_and_twenty_before() {
        let dates: Vec<i32> = (0..23).collect();
        let mut traded = vec![9; 23];
        traded[0] = 100;
        let expect: Vec<bool> = (0..23).map(|i| i == 0 || i > 20).collect();
        assert_eq!(sessions(&dates, &traded, &TENTH), expect);
    }

    #[test]
    fn a_calendar_answers_from_its_sessions() {
        let calendar = Calendar::new(vec![10, 11, 12, 15, 16], &[50, 50, 1, 50, 50], &TENTH);
        assert_eq!(
            calendar,
            Calendar {
                dates: vec![10, 11, 12, 15, 16],
                sessions: vec![10, 11, 15, 16],
            }
        );
        assert_eq!(calendar.dates(), [10, 11, 12, 15, 16]);
        assert_eq!(calendar.sessions(), [10, 11, 15, 16]);
        assert_eq!(calendar.last_at_or_before(14), Some(11));
        assert_eq!(calendar.last_at_or_before(9), None);
        assert!(calendar.is_session(15) && !calendar.is_session(12) && !calendar.is_session(13));
        assert_eq!(calendar.sessions_after(10, 16), 3);
        assert_eq!(calendar.sessions_after(16, 16), 0);
        assert_eq!(calendar.sessions_after(20, 16), 0);
        assert_eq!(calendar.sessions_after(i32::MAX, i32::MAX), 0);
        assert_eq!(calendar.sessions_between(Some(11), None), [11, 15, 16]);
        assert_eq!(calendar.sessions_between(Some(16), Some(10)), [0; 0]);
    }

    proptest! {
        #[test]
        fn appended_dates_change_nothing(traded in prop::collection::vec(0..200_u32, 1..60), cut in 0..60_usize) {
            let dates: Vec<i32> = (0..).take(traded.len()).collect();
            let cut = cut.min(traded.len());
            let all = sessions(&dates, &traded, &TENTH);
            prop_assert_eq!(&all[..cut], sessions(&dates[..cut], &traded[..cut], &TENTH));
        }
    }
}
