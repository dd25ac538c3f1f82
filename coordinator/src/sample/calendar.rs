//! The sample's days: the weekdays of two years without US exchange holidays.

/// Sessions in the sample.
pub const SESSIONS: usize = 504;

/// 2024-01-01, in days since 1970-01-01; a Monday.
const FIRST_DAY: i32 = 19_723;
/// Weekdays on which the exchanges were closed, in days since [`FIRST_DAY`].
const HOLIDAYS: [i32; 22] = [
    0,   // 2024-01-01 New Year
    14,  // 2024-01-15 Martin Luther King
    49,  // 2024-02-19 Presidents
    88,  // 2024-03-29 Good Friday
    147, // 2024-05-27 Memorial
    170, // 2024-06-19 Juneteenth
    185, // 2024-07-04 Independence
    245, // 2024-09-02 Labor
    332, // 2024-11-28 Thanksgiving
    359, // 2024-12-25 Christmas
    366, // 2025-01-01 New Year
    374, // 2025-01-09 day of mourning
    385, // 2025-01-20 Martin Luther King
    413, // 2025-02-17 Presidents
    473, // 2025-04-18 Good Friday
    511, // 2025-05-26 Memorial
    535, // 2025-06-19 Juneteenth
    550, // 2025-07-04 Independence
    609, // 2025-09-01 Labor
    696, // 2025-11-27 Thanksgiving
    724, // 2025-12-25 Christmas
    731, // 2026-01-01 New Year
];

/// The sessions' dates, in days since 1970-01-01: 2024-01-02 to 2026-01-05.
#[must_use]
pub fn sessions() -> Vec<i32> {
    let is_session = |day: &i32| day % 7 < 5 && !HOLIDAYS.contains(day);
    (0..)
        .filter(is_session)
        .take(SESSIONS)
        .map(|day| FIRST_DAY + day)
        .collect()
}

/// The holidays between the first and the last session, on which a few symbols show ghost rows.
pub(super) fn ghosts(sessions: &[i32]) -> Vec<i32> {
    let (first, last) = (
        sessions.first().copied().unwrap_or(i32::MAX),
        sessions.last().copied().unwrap_or(i32::MIN),
    );
    HOLIDAYS
        .into_iter()
        .map(|day| FIRST_DAY + day)
        .filter(|date| (first..last).contains(date))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_years_of_weekdays() {
        let sessions = sessions();
        assert_eq!((sessions.len(), sessions[0], sessions[503]), (SESSIONS, 19_724, 20_458));
        assert!(sessions.windows(2).all(|pair| (1..=5).contains(&(pair[1] - pair[0]))));
        assert_eq!(ghosts(&sessions).len(), 21);
        assert!(
            ghosts(&sessions)
                .iter()
                .all(|ghost| !sessions.contains(ghost) && (ghost - FIRST_DAY) % 7 < 5)
        );
    }
}
