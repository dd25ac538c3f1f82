//! The scan against what an independent implementation makes of the same bars, and against its own sums.
//!
//! The goldens lie beside the checkout with the bars; without them the suite says that it skips. Nothing here rewrites a
//! golden.

mod compare;
mod explain;
mod funnel;
mod oracle;
