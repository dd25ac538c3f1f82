//! Generates the wire types and the service from `cluster/v1`, without a protoc on the machine, and their descriptors.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=cluster");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).open_files([
        "cluster/v1/scan.proto",
        "cluster/v1/run.proto",
        "cluster/v1/failure.proto",
        "cluster/v1/coordinator.proto",
    ])?;
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(folder.join("cluster.v1.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
