//! Sector taxonomy: the eleven GICS sectors and the names other sources use for them (section 2, Sectors).

use serde::{Deserialize, Serialize};

use super::cells;

/// A GICS sector. The order is by name, so sorted lists are canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Sector {
    CommunicationServices,
    ConsumerDiscretionary,
    ConsumerStaples,
    Energy,
    Financials,
    HealthCare,
    Industrials,
    InformationTechnology,
    Materials,
    RealEstate,
    Utilities,
}

/// What a sector's text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// One of the eleven sectors.
    Known(Sector),
    /// The word `unknown`: the null sector.
    Unknown,
    /// A name in no taxonomy; null, and counted.
    Unmapped,
}

impl Sector {
    /// The eleven sectors, ordered by name.
    pub const ALL: [Self; 11] = [
        Self::CommunicationServices,
        Self::ConsumerDiscretionary,
        Self::ConsumerStaples,
        Self::Energy,
        Self::Financials,
        Self::HealthCare,
        Self::Industrials,
        Self::InformationTechnology,
        Self::Materials,
        Self::RealEstate,
        Self::Utilities,
    ];

    /// The canonical (GICS) name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommunicationServices => "Communication Services",
            Self::ConsumerDiscretionary => "Consumer Discretionary",
            Self::ConsumerStaples => "Consumer Staples",
            Self::Energy => "Energy",
            Self::Financials => "Financials",
            Self::HealthCare => "Health Care",
            Self::Industrials => "Industrials",
            Self::InformationTechnology => "Information Technology",
            Self::Materials => "Materials",
            Self::RealEstate => "Real Estate",
            Self::Utilities => "Utilities",
        }
    }

    /// False for the sectors that the `liquid` filter leaves out.
    #[must_use]
    pub const fn is_liquid(self) -> bool {
        !matches!(self, Self::Materials | Self::RealEstate | Self::Utilities)
    }

    /// The names that Yahoo, the Nasdaq screener and others use instead of the canonical one.
    const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::CommunicationServices => &[
                "Telecommunications",
                "Communications",
                "Telecommunication Services",
                "Telecom",
            ],
            Self::ConsumerDiscretionary => &["Consumer Cyclical", "Consumer Services", "Consumer Durables"],
            Self::ConsumerStaples => &["Consumer Defensive", "Consumer Non-Durables", "Consumer Non-Cyclical"],
            Self::Energy => &["Oil & Gas"],
            Self::Financials => &["Financial Services", "Finance", "Financial"],
            Self::HealthCare => &["Healthcare"],
            Self::Industrials => &["Industrial", "Industrial Goods", "Capital Goods", "Transportation"],
            Self::InformationTechnology => &["Technology"],
            Self::Materials => &["Basic Materials", "Basic Industries"],
            Self::RealEstate => &[],
            Self::Utilities => &["Public Utilities"],
        }
    }
}

/// Reads a sector's name in any of the taxonomies, any case. Null words are the caller's: they never reach this.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let text = cells::symbol_text(text).unwrap_or_default();
    let is = |name: &str| name.eq_ignore_ascii_case(&text);
    if is("unknown") {
        return Parsed::Unknown;
    }
    Sector::ALL
        .into_iter()
        .find(|sector| is(sector.name()) || sector.aliases().iter().any(|alias| is(alias)))
        .map_or(Parsed::Unmapped, Parsed::Known)
}

#[cfg(test)]
mod tests {
    use super::super::options::SectorFilter;
    use super::*;

    #[test]
    fn names_of_every_taxonomy_map() {
        for (text, expect) in [
            ("Information Technology", Sector::InformationTechnology),
            (" technology ", Sector::InformationTechnology),
            ("TELECOM", Sector::CommunicationServices),
            ("Consumer Non-Durables", Sector::ConsumerStaples),
            ("consumer  durables", Sector::ConsumerDiscretionary),
            ("Finance", Sector::Financials),
            ("Healthcare", Sector::HealthCare),
            ("Capital Goods", Sector::Industrials),
            ("Basic Industries", Sector::Materials),
            ("oil & gas", Sector::Energy),
            ("Public Utilities", Sector::Utilities),
            ("real estate", Sector::RealEstate),
        ] {
            assert_eq!(parse(text), Parsed::Known(expect), "{text:?}");
        }
        assert_eq!(parse("Unknown"), Parsed::Unknown);
        assert_eq!(parse("Miscellaneous"), Parsed::Unmapped);
    }

    #[test]
    fn canonical_names_map_to_themselves_and_are_in_order() {
        assert!(Sector::ALL.map(Sector::name).is_sorted());
        assert!(Sector::ALL.is_sorted());
        for sector in Sector::ALL {
            assert_eq!(parse(sector.name()), Parsed::Known(sector));
        }
    }

    #[test]
    fn liquid_leaves_three_sectors_out_and_null_in() {
        let out: Vec<_> = Sector::ALL
            .into_iter()
            .filter(|s| !SectorFilter::Liquid.passes(Some(*s)))
            .collect();
        assert_eq!(out, [Sector::Materials, Sector::RealEstate, Sector::Utilities]);
        assert!(SectorFilter::Liquid.passes(None));
        let list = SectorFilter::List(vec![None, Some(Sector::Energy)]);
        assert!(list.passes(None) && list.passes(Some(Sector::Energy)) && !list.passes(Some(Sector::Financials)));
        assert!(!SectorFilter::List(vec![Some(Sector::Energy)]).passes(None));
    }
}
