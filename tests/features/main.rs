//! The feature pipeline's kernels against what an independent implementation makes of the same records.
//!
//! Records and goldens lie beside the checkout; without them the suite says that it skips. Nothing here rewrites a
//! golden. Read [`cases`] first, [`compare`] for when two columns are equal.

mod cases;
mod compare;
mod decode;
mod oracle;
