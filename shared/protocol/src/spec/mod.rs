//! What a user asked for, with every default filled in: the canonical spec.
//!
//! Two submissions that mean the same have equal specs, equal canonical text and equal digests. Nothing that only
//! decides how fast or where a run goes (lanes, shard size, output file) belongs here. Read next: [`scan::ScanSpec`].

pub mod scan;
