//! The wire contract of tickfleet and its conversions to domain types.
