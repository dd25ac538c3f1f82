//! Sector taxonomy: the eleven GICS sectors and the names other sources use for them (section 2, Sectors).

use serde::{Deserialize, Serialize};

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
