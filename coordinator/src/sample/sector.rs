//! The sectors of the sample: how common, how they move, how the sources spell them, what industries they hold.

/// One sector.
#[derive(Debug)]
pub(super) struct SectorProfile {
    /// Share of the listings.
    pub(super) weight: f64,
    /// Yearly log drift beyond the market's.
    pub(super) drift: f64,
    /// Daily standard deviation of the sector's own factor.
    pub(super) volatility: f64,
    /// GICS, Yahoo, Nasdaq screener, others.
    pub(super) spellings: [&'static str; 4],
    /// Industry names.
    pub(super) industries: [&'static str; 3],
}

/// How often each spelling is used.
pub(super) const SPELLING_WEIGHTS: [(usize, f64); 4] = [(0, 0.72), (1, 0.15), (2, 0.10), (3, 0.03)];

const fn profile(
    weight: f64,
    drift: f64,
    volatility: f64,
    spellings: [&'static str; 4],
    industries: [&'static str; 3],
) -> SectorProfile {
    SectorProfile {
        weight,
        drift,
        volatility,
        spellings,
        industries,
    }
}

/// The eleven sectors.
pub(super) const SECTORS: [SectorProfile; 11] = [
    profile(
        0.050,
        0.04,
        0.005,
        [
            "Communication Services",
            "Communication Services",
            "Telecommunications",
            "Telecom",
        ],
        ["Broadcasting", "Interactive Media", "Wireless Networks"],
    ),
    profile(
        0.120,
        0.00,
        0.005,
        [
            "Consumer Discretionary",
            "Consumer Cyclical",
            "Consumer Discretionary",
            "Consumer Services",
        ],
        ["Specialty Retail", "Restaurants", "Auto Parts"],
    ),
    profile(
        0.050,
        -0.02,
        0.003,
        [
            "Consumer Staples",
            "Consumer Defensive",
            "Consumer Staples",
            "Consumer Non-Durables",
        ],
        ["Packaged Foods", "Household Products", "Beverages"],
    ),
    profile(
        0.050,
        -0.05,
        0.008,
        ["Energy", "Energy", "Energy", "Oil & Gas"],
        ["Oil Services", "Exploration and Production", "Refining"],
    ),
    profile(
        0.185,
        0.03,
        0.004,
        ["Financials", "Financial Services", "Finance", "Financial"],
        ["Regional Banks", "Insurance", "Asset Management"],
    ),
    profile(
        0.195,
        -0.04,
        0.006,
        ["Health Care", "Healthcare", "Health Care", "Healthcare"],
        ["Biotechnology", "Medical Devices", "Health Services"],
    ),
    profile(
        0.130,
        0.05,
        0.004,
        ["Industrials", "Industrials", "Industrials", "Capital Goods"],
        ["Machinery", "Building Products", "Freight"],
    ),
    profile(
        0.155,
        0.08,
        0.007,
        [
            "Information Technology",
            "Technology",
            "Technology",
            "Information Technology",
        ],
        ["Application Software", "Semiconductors", "Electronic Components"],
    ),
    profile(
        0.025,
        0.01,
        0.006,
        ["Materials", "Basic Materials", "Basic Materials", "Basic Industries"],
        ["Specialty Chemicals", "Metals", "Paper"],
    ),
    profile(
        0.025,
        -0.03,
        0.004,
        ["Real Estate", "Real Estate", "Real Estate", "Real Estate"],
        ["Office Properties", "Residential Properties", "Data Centers"],
    ),
    profile(
        0.015,
        0.00,
        0.003,
        ["Utilities", "Utilities", "Public Utilities", "Utilities"],
        ["Electric Utilities", "Gas Utilities", "Water Utilities"],
    ),
];
