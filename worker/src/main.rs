//! The `worker` program: hands its arguments to [`tickfleet_worker::cli`], which parses, builds and runs.

use std::process::ExitCode;

/// The system allocator returns memory of many threads slowly; a scan allocates on every lane.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tickfleet_worker::cli::main()
}
