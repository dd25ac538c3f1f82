//! The scan against what an independent implementation makes of the same bars, and against its own sums.
//!
//! The goldens lie beside the checkout with the bars; without them the suite says that it skips. What a golden holds
//! that this version does not compute is named in [`oracle`], and nowhere else. Nothing here rewrites a golden.

mod compare;
mod explain;
mod funnel;
mod options;
mod oracle;
