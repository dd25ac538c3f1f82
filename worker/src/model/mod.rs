//! ONNX models: opened and checked by submit, run by the reduce over a day's scored rows.
//!
//! One thread computes, in batches of one size, so the same rows give the same digits on every processor of a kind. A
//! model is checked before any job is enqueued: its input is one matrix of singles as wide as its features, its outputs
//! are what a prediction is made of. Nothing here knows of tables or runs. Read next: `runtime`.

mod runtime;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use ort::session::Session;
use ort::value::{DynValue, TensorRef};
use thiserror::Error;
use tickfleet_kernels::scan::columns::Indicators;
use tickfleet_kernels::scan::features::{DEFAULT_FEATURES, Features};
use tickfleet_kernels::scan::predictions::Prediction;
use tickfleet_protocol::spec::scan::ModelDevice;

/// Most bytes of a model.
pub const BYTES_MAX: u64 = 512 << 20;
/// Rows that are run at once.
const BATCH: usize = 1_024;
/// The key of a model's metadata that names its columns.
const FEATURES_KEY: &str = "tickfleet.features";

/// A model that cannot be used. [`ModelError::help`] says what mends it.
#[derive(Debug, Error)]
pub enum ModelError {
    /// ONNX Runtime is not there, or too old.
    #[error("a model needs ONNX Runtime, and its library cannot be loaded: {why}")]
    Library {
        /// What the loader said.
        why: String,
    },
    /// No such device.
    #[error("the model cannot run on the {device}: {why}")]
    Device {
        /// The device.
        device: &'static str,
        /// What the runtime said.
        why: String,
    },
    /// The file is no model that the runtime takes.
    #[error("{uri}: not a usable ONNX model: {why}")]
    Load {
        /// The file.
        uri: String,
        /// What the runtime said.
        why: String,
    },
    /// Its metadata names a column that the scan has not.
    #[error("{uri}: its {FEATURES_KEY} names `{name}`, which is no numeric column of the scan")]
    Feature {
        /// The file.
        uri: String,
        /// The name.
        name: String,
    },
    /// Its inputs or outputs are not those of a scan's model.
    #[error("{uri}: {what}")]
    Shape {
        /// The file.
        uri: String,
        /// What it has, and what is expected.
        what: String,
    },
    /// It broke off.
    #[error("{uri}: the model failed: {why}")]
    Run {
        /// The file.
        uri: String,
        /// What the runtime said.
        why: String,
    },
}

impl ModelError {
    /// What mends it, in one sentence.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Library { .. } => runtime::HELP.to_owned(),
            Self::Device { .. } => {
                "install an ONNX Runtime with CUDA (pip install onnxruntime-gpu) and point ORT_DYLIB_PATH at it, or use \
                 --model-device cpu"
                    .to_owned()
            }
            Self::Load { .. } => "export the model again as one ONNX file that holds its weights".to_owned(),
            Self::Feature { .. } => format!("name columns of the scored table, such as {}", DEFAULT_FEATURES[0]),
            Self::Shape { .. } | Self::Run { .. } => {
                "export the model with one float32 input [N, features] and outputs pred_10d [N] or [N, 1], or pred_5d and \
                 pred_10d [N, 2], then win_prob [N]"
                    .to_owned()
            }
        }
    }
}

/// An open model.
#[derive(Debug)]
pub struct Model {
    uri: String,
    names: Vec<String>,
    features: Features,
    /// A session runs one batch at a time.
    session: Mutex<Session>,
}

impl Model {
    /// Opens a model and checks what it takes and gives. CPU only, and much of it for a large model.
    ///
    /// # Errors
    /// The library or the device is not there; the model is not one of a scan.
    pub fn open(uri: &str, bytes: &[u8], device: ModelDevice) -> Result<Self, ModelError> {
        let session = runtime::session(uri, bytes, device)?;
        let metadata = session
            .metadata()
            .ok()
            .and_then(|metadata| metadata.custom(FEATURES_KEY));
        let names: Vec<String> = match &metadata {
            Some(list) => list.split(',').map(|name| name.trim().to_owned()).collect(),
            None => DEFAULT_FEATURES.map(str::to_owned).into(),
        };
        let features = Features::find(names.iter().map(String::as_str)).map_err(|name| ModelError::Feature {
            uri: uri.to_owned(),
            name: name.to_owned(),
        })?;
        shape::check(&session, features.width()).map_err(|what| ModelError::Shape {
            uri: uri.to_owned(),
            what,
        })?;
        Ok(Self {
            uri: uri.to_owned(),
            names,
            features,
            session: Mutex::new(session),
        })
    }

    /// The columns that it reads, in its order.
    #[must_use]
    pub fn features(&self) -> &[String] {
        &self.names
    }

    /// Runs it once over rows without values: what its declared shapes leave open is found out before any job.
    ///
    /// # Errors
    /// It fails, or gives something else than predictions.
    pub fn try_out(&self) -> Result<(), ModelError> {
        self.predict([&Indicators::default(); 2].into_iter()).map(drop)
    }

    /// What it predicts of some rows, in their order.
    ///
    /// # Errors
    /// It fails, or gives something else than predictions.
    pub fn predict<'a>(
        &self,
        rows: impl ExactSizeIterator<Item = &'a Indicators>,
    ) -> Result<Vec<Prediction>, ModelError> {
        let mut predictions = Vec::with_capacity(rows.len());
        let mut values = Vec::with_capacity(rows.len().min(BATCH) * self.features.width());
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            values.clear();
            let count = rows
                .by_ref()
                .take(BATCH)
                .map(|row| self.features.append(row, &mut values))
                .count();
            predictions.extend(self.batch(&values, count)?);
        }
        Ok(predictions)
    }

    fn batch(&self, values: &[f32], rows: usize) -> Result<Vec<Prediction>, ModelError> {
        let failed = |error: ort::Error| ModelError::Run {
            uri: self.uri.clone(),
            why: error.to_string(),
        };
        let odd = |what| ModelError::Shape {
            uri: self.uri.clone(),
            what,
        };
        let input = TensorRef::from_array_view(([rows, self.features.width()], values)).map_err(failed)?;
        // A panic of the runtime's binding leaves the session as it was.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(ort::inputs![input]).map_err(failed)?;
        let mut outputs = outputs.values();
        let (Some(returns), win) = (outputs.next(), outputs.next()) else {
            return Err(odd("it has no output".to_owned()));
        };
        let (width, returns) = numbers(&returns, rows, 2).map_err(odd)?;
        let win = match win {
            Some(win) => Some(numbers(&win, rows, 1).map_err(odd)?.1),
            None => None,
        };
        let prediction = |row: usize| {
            let win = win.as_ref().map(|win| win[row]);
            match width {
                1 => Prediction::new(None, Some(returns[row]), win),
                _ => Prediction::new(Some(returns[2 * row]), Some(returns[2 * row + 1]), win),
            }
        };
        Ok((0..rows).map(prediction).collect())
    }
}

/// An output's numbers, row by row, and how many there are of each row.
fn numbers(output: &DynValue, rows: usize, width_max: usize) -> Result<(usize, Vec<f64>), String> {
    let (shape, values) = match output.try_extract_tensor::<f32>() {
        Ok((shape, values)) => (shape, values.iter().map(|x| f64::from(*x)).collect()),
        Err(_) => match output.try_extract_tensor::<f64>() {
            Ok((shape, values)) => (shape, values.to_vec()),
            Err(_) => return Err(format!("an output is no tensor of floats but {}", output.dtype())),
        },
    };
    let shape: Vec<i64> = shape.to_vec();
    let width = match shape[..] {
        [_] => 1,
        [_, width] => usize::try_from(width).unwrap_or(0),
        _ => 0,
    };
    if shape.first().copied() != i64::try_from(rows).ok() || !(1..=width_max).contains(&width) {
        return Err(format!("an output for {rows} rows is of shape {shape:?}"));
    }
    Ok((width, values))
}
