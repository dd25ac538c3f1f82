//! The rules of bars.
