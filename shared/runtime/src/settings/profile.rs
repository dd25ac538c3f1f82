//! The profiles: presets of thresholds that given values beat (specification: scan, section 8).

use super::registry::{MAX_ATR_PCT, MIN_DOLLAR_VOLUME, MIN_ICS, MIN_PRICE, MIN_TECH_RATING, Setting};

/// A preset of thresholds.
pub struct Profile {
    /// As `--profile` names it.
    pub name: &'static str,
    /// Each setting's value.
    pub values: [(&'static Setting, f64); 5],
}

impl Profile {
    /// The profile of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }
}

static PROFILES: [Profile; 3] = [
    profile("conservative", 80.0, 22.0, 0.025, 15.0, 10e6),
    profile("balanced", 75.0, 20.0, 0.035, 10.0, 5e6),
    profile("aggressive", 70.0, 18.0, 0.06, 5.0, 3e6),
];

const fn profile(name: &'static str, ics: f64, rating: f64, atr_pct: f64, price: f64, dollars: f64) -> Profile {
    let values = [
        (&MIN_ICS, ics),
        (&MIN_TECH_RATING, rating),
        (&MAX_ATR_PCT, atr_pct),
        (&MIN_PRICE, price),
        (&MIN_DOLLAR_VOLUME, dollars),
    ];
    Profile { name, values }
}
