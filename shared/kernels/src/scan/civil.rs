//! Day numbers and the proleptic Gregorian calendar. No clock, no time zones.
//!
//! Both directions count from 1 March of year 0, so the leap day is a year's last and 400-year cycles are alike.

/// Days of a 400-year cycle.
const CYCLE_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Days since 1970-01-01 of a calendar day; `None` when there is no such day in the years 1 to 9999.
#[must_use]
pub fn days_from_date(year: u32, month: u32, day: u32) -> Option<i32> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=month_days(year, month)).contains(&day) {
        return None;
    }
    let (march_year, march_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = i64::from(days_before_year(march_year) + days_before_month(march_month) + day - 1) - EPOCH;
    i32::try_from(days).ok()
}

/// Year, month and day of a number of days since 1970-01-01.
#[must_use]
pub fn date_from_days(days: i32) -> (i64, u32, u32) {
    let since_march = i64::from(days) + EPOCH;
    let cycle = since_march.div_euclid(CYCLE_DAYS);
    let in_cycle = u32::try_from(since_march.rem_euclid(CYCLE_DAYS)).expect("a day of a 400-year cycle fits u32");
    // 366 days is the longest year, so the first guess is never late; it is early by one at most.
    let mut year = in_cycle / 366;
    while days_before_year(year + 1) <= in_cycle && year < 399 {
        year += 1;
    }
    let in_year = in_cycle - days_before_year(year);
    let march_month = (5 * in_year + 2) / 153;
    let day = in_year - days_before_month(march_month) + 1;
    let (month, carry) = if march_month < 10 {
        (march_month + 3, 0)
    } else {
        (march_month - 9, 1)
    };
    (cycle * 400 + i64::from(year) + carry, month, day)
}

/// Days from 0000-03-01 to 1 March of `year`.
fn days_before_year(year: u32) -> u32 {
    365 * year + year / 4 - year / 100 + year / 400
}

/// Days from 1 March to the first of the month that is `month` after March.
fn days_before_month(month: u32) -> u32 {
    (153 * month + 2) / 5
}

fn month_days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expect = days_from_date(1601, 1, 1).unwrap();
        for year in 1601..=2001 {
            for month in 1..=12 {
                for day in 1..=month_days(year, month) {
                    assert_eq!(days_from_date(year, month, day), Some(expect), "{year}-{month}-{day}");
                    assert_eq!(date_from_days(expect), (i64::from(year), month, day));
                    expect += 1;
                }
            }
        }
    }

    #[test]
    fn known_days() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (16_982, (2016, 6, 30)),
            (-719_162, (1, 1, 1)),
        ] {
            assert_eq!(date_from_days(days), date);
        }
        assert_eq!(date_from_days(i32::MIN).0, -5_877_641);
        assert_eq!(date_from_days(i32::MAX).0, 5_881_580);
    }
}
