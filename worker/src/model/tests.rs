//! What can be said of models without a runtime.

use super::*;

#[test]
fn every_error_says_what_mends_it() {
    let uri = || "m.onnx".to_owned();
    let why = || "why".to_owned();
    for (error, says, helps) in [
        (
            ModelError::Library { why: why() },
            "ONNX Runtime",
            "pip install onnxruntime",
        ),
        (
            ModelError::Device {
                device: "GPU",
                why: why(),
            },
            "GPU",
            "--model-device cpu",
        ),
        (ModelError::Load { uri: uri(), why: why() }, "m.onnx", "one ONNX file"),
        (
            ModelError::Feature {
                uri: uri(),
                name: "merit".into(),
            },
            "`merit`",
            "ret_1d",
        ),
        (
            ModelError::Shape {
                uri: uri(),
                what: why(),
            },
            "m.onnx",
            "float32",
        ),
    ] {
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.help().contains(helps), "{}", error.help());
    }
}
