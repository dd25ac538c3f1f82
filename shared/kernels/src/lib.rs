//! Pure kernels of tickfleet: columns in, columns out. No clock, no I/O, no threads, no randomness.

pub mod features;
pub mod scan;
pub mod table;
