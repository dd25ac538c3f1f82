//! ONNX for tests: where the runtime is, and small models, encoded here so that no other tool is needed.

use std::ffi::OsString;

/// The variable that names the runtime's library; `tests/run` fetches it and sets it.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// Type of the elements of a tensor.
const FLOAT: u64 = 1;
/// Version of the operators.
const OPSET: u64 = 12;

/// The runtime's library.
///
/// # Panics
/// When the variable is not set: a test that needs a model is never skipped.
#[must_use]
pub fn library() -> OsString {
    std::env::var_os(LIBRARY_VARIABLE).unwrap_or_else(|| {
        panic!(
            "{LIBRARY_VARIABLE} is not set: `tests/run` fetches ONNX Runtime and sets it; by hand, `pip install \
             onnxruntime` brings the library"
        )
    })
}

/// A model: what it reads, what it does with that, what it gives.
#[derive(Clone, Debug)]
pub struct Onnx {
    /// Columns of its input.
    pub width: u64,
    /// `tickfleet.features` of its metadata.
    pub features: Option<&'static str>,
    /// Operators, each with the names of its input and output; `ReduceMean` is over columns.
    pub nodes: Vec<(&'static str, &'static str, &'static str)>,
    /// Names and widths of its outputs.
    pub outputs: Vec<(&'static str, u64)>,
}

impl Onnx {
    /// The mean of some columns as `pred_10d`.
    #[must_use]
    pub fn mean(width: u64, features: Option<&'static str>) -> Self {
        Self {
            width,
            features,
            nodes: vec![("ReduceMean", "input", "pred")],
            outputs: vec![("pred", 1)],
        }
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut graph = Vec::new();
        for (operator, input, output) in &self.nodes {
            field(&mut graph, 1, &node(operator, input, output));
        }
        field(&mut graph, 2, b"test");
        field(&mut graph, 11, &value("input", self.width));
        for (name, width) in &self.outputs {
            field(&mut graph, 12, &value(name, *width));
        }
        let mut model = Vec::new();
        number(&mut model, 1, 7);
        field(&mut model, 7, &graph);
        let mut operators = Vec::new();
        field(&mut operators, 1, b"");
        number(&mut operators, 2, OPSET);
        field(&mut model, 8, &operators);
        if let Some(features) = self.features {
            let mut pair = Vec::new();
            field(&mut pair, 1, b"tickfleet.features");
            field(&mut pair, 2, features.as_bytes());
            field(&mut model, 14, &pair);
        }
        model
    }
}

fn node(operator: &str, input: &str, output: &str) -> Vec<u8> {
    let mut node = Vec::new();
    field(&mut node, 1, input.as_bytes());
    field(&mut node, 2, output.as_bytes());
    field(&mut node, 4, operator.as_bytes());
    if operator == "ReduceMean" {
        let mut axes = Vec::new();
        field(&mut axes, 1, b"axes");
        number(&mut axes, 8, 1);
        number(&mut axes, 20, 7);
        field(&mut node, 5, &axes);
    }
    node
}

/// A matrix of floats, `[n, width]`.
fn value(name: &str, width: u64) -> Vec<u8> {
    let (mut rows, mut columns, mut shape) = (Vec::new(), Vec::new(), Vec::new());
    field(&mut rows, 2, b"n");
    number(&mut columns, 1, width);
    field(&mut shape, 1, &rows);
    field(&mut shape, 1, &columns);
    let (mut tensor, mut kind, mut value) = (Vec::new(), Vec::new(), Vec::new());
    number(&mut tensor, 1, FLOAT);
    field(&mut tensor, 2, &shape);
    field(&mut kind, 1, &tensor);
    field(&mut value, 1, name.as_bytes());
    field(&mut value, 2, &kind);
    value
}

/// A field of bytes, as protocol buffers encode it.
fn field(message: &mut Vec<u8>, tag: u64, bytes: &[u8]) {
    varint(message, tag << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// A field of a whole number.
fn number(message: &mut Vec<u8>, tag: u64, number: u64) {
    varint(message, tag << 3);
    varint(message, number);
}

fn varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(u8::try_from(number & 0x7f | 0x80).expect("a byte"));
        number >>= 7;
    }
    message.push(u8::try_from(number).expect("a byte"));
}
