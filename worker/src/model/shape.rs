//! Whether a model's declared inputs and outputs are those of a scan's model. What they leave open, running tells.

use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

/// A dimension that a model leaves open.
const OPEN: i64 = -1;

/// Says what is wrong with a model for `features` columns.
pub(super) fn check(session: &Session, features: usize) -> Result<(), String> {
    input(session.inputs(), features)?;
    let mut outputs = session.outputs().iter();
    let returns = outputs.next().ok_or("it has no output")?;
    output(returns, &[1, 2], "[N], [N, 1] or [N, 2]")?;
    outputs.next().map_or(Ok(()), |win| output(win, &[1], "[N] or [N, 1]"))
}

fn input(inputs: &[Outlet], features: usize) -> Result<(), String> {
    let expected = format!("one float32 input [N, {features}], a column for each feature");
    let [input] = inputs else {
        return Err(format!("it has {} inputs; expected {expected}", inputs.len()));
    };
    let is_good = match input.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32,
            shape,
            ..
        } => {
            matches!(shape[..], [OPEN, width] if width == OPEN || usize::try_from(width) == Ok(features))
        }
        _ => false,
    };
    if is_good {
        return Ok(());
    }
    Err(format!(
        "its input `{}` is {}; expected {expected}",
        input.name(),
        shown(input.dtype())
    ))
}

fn output(output: &Outlet, widths: &[i64], expected: &str) -> Result<(), String> {
    let is_good = match output.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32 | TensorElementType::Float64,
            shape,
            ..
        } => match shape[..] {
            [_] => true,
            [_, width] => width == OPEN || widths.contains(&width),
            // Some exporters declare no shape at all.
            [] => true,
            _ => false,
        },
        _ => false,
    };
    if is_good {
        return Ok(());
    }
    Err(format!(
        "its output `{}` is {}; expected floats {expected}",
        output.name(),
        shown(output.dtype())
    ))
}

/// A type in the words of this module: `float32 [N, 28]`.
fn shown(kind: &ValueType) -> String {
    match kind {
        ValueType::Tensor { ty, shape, .. } => {
            let size = |&size: &i64| match size {
                OPEN => "N".to_owned(),
                size => size.to_string(),
            };
            let shape: Vec<String> = shape.iter().map(size).collect();
            let name = match ty {
                TensorElementType::Float32 => "float32".to_owned(),
                TensorElementType::Float64 => "float64".to_owned(),
                other => other.to_string(),
            };
            format!("{name} [{}]", shape.join(", "))
        }
        other => other.to_string(),
    }
}
