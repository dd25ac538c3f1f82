//! ONNX Runtime: the user's own library, loaded when the first model is opened, and sessions in it.
//!
//! It is no part of this program: whoever needs no model needs no library. `ORT_DYLIB_PATH` says where it is, else the
//! system's loader looks for it.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::ep::CUDA;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use tickfleet_protocol::spec::scan::ModelDevice;

use super::ModelError;

/// The variable that names the library's file.
const LIBRARY: &str = "ORT_DYLIB_PATH";

/// How to get the library, and how to point at it.
pub(super) const HELP: &str = "pip install onnxruntime brings it; then export ORT_DYLIB_PATH=\"$(python3 -c \
    'import glob,importlib.util as u;print(glob.glob(u.find_spec(\"onnxruntime\").submodule_search_locations[0]+\"/capi/libonnxruntime.*\")[0])')\"";

/// The one environment of the process, once a library was loaded.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// A session of a model on one thread.
pub(super) fn session(uri: &str, bytes: &[u8], device: ModelDevice) -> Result<Session, ModelError> {
    let environment = environment()?;
    let refused = |why: String| ModelError::Load {
        uri: uri.to_owned(),
        why,
    };
    let builder = Session::builder(&environment).map_err(|error| refused(error.to_string()))?;
    let builder = one_thread(builder).map_err(|error| refused(error.to_string()))?;
    let mut builder = match device {
        ModelDevice::Cpu => builder,
        ModelDevice::Gpu => {
            let cuda = [CUDA::default().build().error_on_failure()];
            let on_gpu = builder.with_execution_providers(cuda);
            on_gpu.map_err(|error| ModelError::Device {
                device: "GPU",
                why: error.to_string(),
            })?
        }
    };
    builder
        .commit_from_memory(bytes)
        .map_err(|error| refused(error.to_string()))
}

fn one_thread(builder: SessionBuilder) -> ort::Result<SessionBuilder> {
    let builder = builder.with_intra_threads(1)?.with_inter_threads(1)?;
    Ok(builder.with_deterministic_compute(true)?)
}

/// The environment; the library is looked for again as long as it was not found.
fn environment() -> Result<Environment, ModelError> {
    let mut known = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = known.as_ref() {
        return Ok(environment.clone());
    }
    let library = std::env::var_os(LIBRARY).filter(|path| !path.is_empty());
    let library = library.unwrap_or_else(|| format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}").into());
    let missing = |why: String| ModelError::Library { why };
    let builder = ort::init_from(&library).map_err(|error| missing(error.to_string()))?;
    let environment = builder
        .with_name("tickfleet")
        .with_telemetry(false)
        .with_logger(Arc::new(log))
        .build()
        .map_err(|error| missing(error.to_string()))?;
    Ok(known.insert(environment).clone())
}

/// What the runtime says goes to the log of this program; only its warnings and errors are of use there.
fn log(level: LogLevel, _category: &str, _id: &str, _place: &str, message: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => {}
        LogLevel::Warning => tracing::warn!(target: "onnxruntime", "{message}"),
        LogLevel::Error | LogLevel::Fatal => tracing::error!(target: "onnxruntime", "{message}"),
    }
}
