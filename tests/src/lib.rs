//! Suites that see tickfleet from outside: architecture, golden, properties, command line.
