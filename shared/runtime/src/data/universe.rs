//! The universe table. TEMP
