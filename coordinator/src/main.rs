//! The `coordinator` program: hands its arguments to [`tickfleet_coordinator::cli`], which parses, builds and runs.

use std::process::ExitCode;

/// The system allocator returns memory of many threads slowly; a scan allocates on every lane.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tickfleet_coordinator::cli::main()
}
