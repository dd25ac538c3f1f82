//! Pure kernels of tickfleet: columns in, columns out. No clock, no I/O, no threads, no randomness.

pub mod scan;
