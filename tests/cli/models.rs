//! Models: refused before anything runs, or run over the scored rows. They need ONNX Runtime, and fail without it.

use tickfleet_kernels::scan::columns::Indicators;
use tickfleet_protocol::spec::scan::ModelDevice;
use tickfleet_tests::onnx::{LIBRARY_VARIABLE, Onnx, library};
use tickfleet_tests::program::{Outcome, assert_error};
use tickfleet_tests::tables::{floats, integers, read_parquet};
use tickfleet_worker::model::Model;

use crate::market::csv;
use crate::place::{Place, assert_readable};

fn scan(place: &Place, options: &str) -> Outcome {
    let line = format!("submit scan --bars b.csv --side all {options}");
    place.coordinator(&line).env(LIBRARY_VARIABLE, library()).run()
}

fn place(model: &[u8]) -> Place {
    Place::with(&[("b.csv", csv().as_bytes()), ("m.onnx", model)])
}

#[test]
fn without_the_library_a_model_is_refused() {
    let place = place(&Onnx::mean(28, None).bytes());
    let line = "submit scan --bars b.csv --model m.onnx";
    let outcome = place.coordinator(line).env(LIBRARY_VARIABLE, "no/such.so").run();
    let needles = [
        "a model needs ONNX Runtime",
        "no/such.so",
        "pip install onnxruntime",
        "export ORT_DYLIB_PATH",
    ];
    assert_error(&outcome, 2, &needles);
    assert_readable(&outcome);
}

#[test]
fn models_that_do_not_fit_are_refused() {
    let mean = Onnx::mean;
    let wide = Onnx {
        nodes: vec![("Identity", "input", "pred")],
        outputs: vec![("pred", 3)],
        ..mean(3, Some("bars,rsi_14,atr_pct"))
    };
    let wide_win = Onnx {
        nodes: vec![("ReduceMean", "input", "pred"), ("Identity", "input", "win")],
        outputs: vec![("pred", 1), ("win", 2)],
        ..mean(2, Some("bars,rsi_14"))
    };
    let cases: [(Vec<u8>, &[&str]); 6] = [
        (
            b"not a model".to_vec(),
            &["m.onnx: not a usable ONNX model", "export the model again"],
        ),
        (
            mean(5, None).bytes(),
            &["its input `input` is float32 [N, 5]", "[N, 28]", "export the model"],
        ),
        (
            mean(3, Some("rsi_14,atr_pct")).bytes(),
            &["float32 [N, 3]", "[N, 2], a column for each feature"],
        ),
        (
            mean(2, Some("rsi_14,merit")).bytes(),
            &["`merit`", "no numeric column", "ret_1d"],
        ),
        (wide.bytes(), &["its output `pred` is float32 [N, 3]", "[N, 2]"]),
        (wide_win.bytes(), &["its output `win` is float32 [N, 2]", "[N, 1]"]),
    ];
    for (model, needles) in cases {
        let outcome = scan(&place(&model), "--model m.onnx");
        assert_error(&outcome, 2, needles);
        assert_readable(&outcome);
    }
}

#[test]
fn what_is_no_model_file_is_refused() {
    let place = place(b"");
    place.write("p.csv", "symbol,date\n");
    for (options, needles) in [
        ("--model no.onnx", &["model: no.onnx does not exist"][..]),
        ("--model b.csv", &["b.csv is not one .onnx file", "ends in .onnx"]),
        (
            "--model m.onnx --predictions p.csv",
            &["predictions and model exclude each other", "drop one"],
        ),
        ("--model m.onnx --model-device tpu", &["'tpu'", "cpu, gpu"]),
    ] {
        assert_error(&scan(&place, options), 2, needles);
    }
}

/// The library of PyPI's wheel for processors has no CUDA: jobs find that out, and say what mends it.
#[test]
fn a_device_that_is_not_there_fails_the_run() {
    let place = place(&Onnx::mean(28, None).bytes());
    let outcome = scan(&place, "--model m.onnx --model-device gpu --quiet");
    if outcome.status == Some(0) {
        // The machine has the device, and its owner's library drives it.
        return;
    }
    let needles = ["reduce/0: the model cannot run on the GPU", "onnxruntime-gpu"];
    assert_error(&outcome, 1, &needles);
}

#[test]
fn a_model_predicts_every_scored_row() {
    let model = Onnx {
        nodes: vec![("ReduceMean", "input", "pred"), ("Sigmoid", "pred", "win")],
        outputs: vec![("pred", 1), ("win", 1)],
        ..Onnx::mean(2, Some("trend_score, zero_vol_20"))
    };
    let place = place(&model.bytes());
    let _ = scan(&place, "--model m.onnx --quiet --out out/").success();
    let scored = read_parquet(&place.path("out/scored.parquet"));
    let predicted = floats(&scored, "pred_10d");
    assert_eq!(predicted.len(), 5);
    let scores = integers(&scored, "trend_score")
        .into_iter()
        .zip(integers(&scored, "zero_vol_20"));
    let expected = scores.map(|(trend, zero)| Some((trend? + zero?) as f64 / 2.0));
    assert!(predicted.iter().copied().eq(expected), "{predicted:?}");
    assert!(floats(&scored, "pred_5d").iter().all(Option::is_none));
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (win, predicted) in floats(&scored, "win_prob").into_iter().zip(predicted) {
        assert!((win.unwrap() - sigmoid(predicted.unwrap())).abs() < 1e-6);
    }
    assert!(floats(&scored, "ml_z").iter().all(Option::is_some));
}

#[test]
fn batches_are_put_together_in_the_order_of_the_rows() {
    // The library is asked for by name, so that its absence is told as in every other test.
    drop(library());
    let model = Onnx::mean(2, Some("bars,trend_score")).bytes();
    let model = Model::open("m.onnx", &model, ModelDevice::Cpu).expect("a good model");
    model.try_out().expect("a good model");
    for count in [0_i32, 1, 1_024, 1_025, 2_500] {
        let rows: Vec<Indicators> = (0..count)
            .map(|bars| Indicators {
                bars,
                ..Indicators::default()
            })
            .collect();
        let predicted = model.predict(rows.iter()).expect("a good model");
        let expected = (0..count).map(|bars| Some(f64::from(bars) / 2.0));
        assert!(predicted.iter().map(|it| it.pred_10d).eq(expected), "{count} rows");
    }
}
