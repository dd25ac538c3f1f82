//! What is refused, as the user reads it, and what a printed setting says.

use tickfleet_protocol::ids::IdempotencyKey;

use super::*;

#[test]
fn what_needs_a_cluster_is_refused_without_one() {
    let key = || IdempotencyKey::new("nightly").ok();
    let asked = |no_wait, key, weight| Request {
        no_wait,
        key,
        weight,
        ..Request::default()
    };
    for (request, flag) in [
        (asked(true, None, None), "--no-wait"),
        (asked(false, key(), None), "--key"),
        (asked(false, None, Some(3)), "--weight"),
    ] {
        let text = refusal(resolve(vec![flags("bars=x").expect("good flags")], &request));
        let expect = format!("error: {flag} needs a cluster, and none is configured\n");
        assert!(text.starts_with(&expect), "{text}");
        let layers = vec![flags("bars=x coordinator=http://h").expect("good flags")];
        let resolved = resolve(layers, &request).unwrap_or_else(|error| panic!("{flag}: {error}"));
        assert_eq!(resolved.run.place, Place::Cluster, "{flag}");
    }
}

#[test]
fn bad_values_are_refused_with_place_and_help() {
    let cases = [
        (
            "",
            "",
            "error: no daily bars are named, so there is nothing to scan\n  help: name them with --bars URI,",
        ),
        (
            "bars=x as-of=soon",
            "",
            "error: bad value for as_of: soon\n    at: flag --as-of\n   why: expected a date, ",
        ),
        (
            "bars=x top=0",
            "",
            "error: bad value for top: 0\n    at: flag --top\n   why: expected a whole number, 1 to 100000\n",
        ),
        (
            "bars=x max-jump=1",
            "",
            "error: bad value for max_jump: 1\n    at: flag --max-jump\n   why: expected a number, 0 or more than 1\n",
        ),
        (
            "bars=x",
            "TICKFLEET_SCAN_SIDE=shrt",
            "error: bad value for side: shrt\n    at: environment variable TICKFLEET_SCAN_SIDE\n   why: expected one of long, short, both, all\n  help: did you mean short?\n",
        ),
        (
            "bars=x",
            "TICKFLEET_SCAN_TPO=5",
            "error: unknown environment variable TICKFLEET_SCAN_TPO\n  help: did you mean TICKFLEET_SCAN_TOP?\n",
        ),
        (
            "bars=x sectors=energie",
            "",
            "error: bad value for sectors: energie\n    at: flag --sectors\n   why: expected liquid, all, or a list of Communication",
        ),
        (
            "bars=x sectors=liquid,energy",
            "",
            "error: bad value for sectors: liquid\n",
        ),
        ("bars=x sectors=,", "", "error: bad value for sectors: (empty)\n"),
    ];
    check_refusals(&cases);
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let cases = [
        (
            "bars=x as-of=20160101 to=20160102",
            "",
            "error: as_of and to exclude each other\n    at: flag --as-of\n    at: flag --to\n  help: ",
        ),
        (
            "bars=x from=20160102 to=20160101",
            "",
            "error: from is after to, so no session is between them\n    at: flag --from\n",
        ),
        (
            "bars=x lookback=100 min-bars=101",
            "",
            "error: min_bars (101) is more than lookback (100), so no symbol could pass\n",
        ),
        (
            "bars=x predictions=p.csv model=m.onnx",
            "",
            "error: predictions and model exclude each other: both say what is predicted\n    at: flag --predictions\n    at: flag --model\n  help: drop one of them\n",
        ),
        (
            "bars=x min-ics=200",
            "",
            "error: bad value for min_ics: 200\n    at: flag --min-ics\n   why: expected a number, 0 to 100\n",
        ),
        (
            "bars=x risk-pct=0",
            "",
            "error: bad value for risk_pct: 0\n    at: flag --risk-pct\n   why: expected a number, more than 0, up to 100\n",
        ),
    ];
    check_refusals(&cases);
}

#[test]
fn files_are_refused_with_line_and_mark() {
    let cases = [
        (
            "[scan]\nmin_prise = 5\n",
            "error: unknown key `min_prise` in [scan]\n    at: /etc/tf/scan.toml:2:1\n      2 | min_prise = 5\n        | ^^^^^^^^^\n  help: did you mean min_price?\n",
        ),
        (
            "[worker]\ntop = 5\n",
            "error: unknown key `top` in [worker]\n    at: /etc/tf/scan.toml:2:1\n      2 | top = 5\n        | ^^^\n  help: top belongs below a line [scan]\n",
        ),
        (
            "top = 5\n",
            "error: unknown key `top` outside of a table\n    at: /etc/tf/scan.toml:1:1\n      1 | top = 5\n        | ^^^\n  help: top belongs below a line [scan]\n",
        ),
        (
            "[features]\nx = 1\n",
            "error: unknown table [features]\n    at: /etc/tf/scan.toml:1:2\n      1 | [features]\n        |  ^^^^^^^^\n   why: this version knows [scan], [worker], [cluster], [telemetry]\n",
        ),
        (
            "[scna]\n",
            "error: unknown table [scna]\n    at: /etc/tf/scan.toml:1:2\n      1 | [scna]\n        |  ^^^^\n   why: this version knows [scan], [worker], [cluster], [telemetry]\n  help: did you mean [scan]?\n",
        ),
        ("scan = 5\n", "error: scan is a table, not a value\n"),
        (
            "[scan]\nmin_price = \"5\"\n",
            "error: bad value for min_price: \"5\"\n    at: /etc/tf/scan.toml:2:13\n      2 | min_price = \"5\"\n        |             ^^^\n   why: expected a number, 0 or more\n",
        ),
        (
            "[scan]\nlookback = 60.0\n",
            "error: bad value for lookback: 60.0\n    at: /etc/tf/scan.toml:2:12\n",
        ),
        ("[scan]\nlookback = 0x50\n", "error: bad value for lookback: 0x50\n"),
        (
            "[scan]\nas_of = 2016-06-30T10:00:00Z\n",
            "error: bad value for as_of: 2016-06-30T10:00:00Z\n",
        ),
        (
            "[scan]\nsymbols = [\n  \"A\",\n  5,\n]\n",
            "error: bad value for symbols: 5\n    at: /etc/tf/scan.toml:4:3\n      4 |   5,\n        |   ^\n   why: expected a list of texts\n",
        ),
        (
            "[scan]\nside = \"up\"\n",
            "error: bad value for side: \"up\"\n    at: /etc/tf/scan.toml:2:8\n",
        ),
        (
            "[scan]\nbars = postgres://u:pw@h/d\n",
            "error: the settings file is not valid TOML\n    at: /etc/tf/scan.toml:2:8\n      2 | bars = postgres://***@h/d\n",
        ),
        (
            "[scan]\ntop = 5\ntop = 6\n",
            "error: the settings file is not valid TOML\n    at: /etc/tf/scan.toml:3:1\n      3 | top = 6\n        | ^^^\n   why: duplicate key\n",
        ),
        (
            "[scan]\nml_weight = 1.5\n",
            "error: bad value for ml_weight: 1.5\n    at: /etc/tf/scan.toml:2:13\n      2 | ml_weight = 1.5\n        |             ^^^\n   why: expected a number, 0 to 1\n",
        ),
    ];
    for (toml, expect) in cases {
        let text = refusal(try_settings("bars=x", "", toml));
        assert!(text.starts_with(expect), "expected\n{expect}\ngot\n{text}");
    }
}

#[test]
fn a_named_file_must_exist_and_the_others_may_lack() {
    let sources = |config: Option<&str>| Sources {
        config: config.map(Into::into),
        project: "no/such/tickfleet.toml".into(),
        user: Some("no/such/config.toml".into()),
        variables: Vec::new(),
    };
    assert_eq!(load(Layer::default(), sources(None)).expect("no files").len(), 2);
    let refused = load(Layer::default(), sources(Some("no/such.toml"))).expect_err("a named file");
    assert!(
        Failure::from(refused)
            .render(false)
            .starts_with("error: the settings file no/such.toml can't be read\n")
    );
}

#[test]
fn a_printed_setting_can_be_read_again() {
    let before = settings(
        "bars=x as-of=2016-06-30 symbols=A,B sectors=energy max-jump=2.5",
        "",
        "",
    );
    let mut toml = String::new();
    for table in registry::Table::ALL {
        toml.push_str(&format!("[{}]\n", table.name()));
        for held in before.settings.all().iter().filter(|held| held.setting.table == table) {
            if let (Some(value), true) = (&held.value, held.setting.key != "bars") {
                toml.push_str(&format!("{} = {value}\n", held.setting.key));
            }
        }
    }
    assert_eq!(settings("bars=x", "", &toml).spec, before.spec);
}

#[test]
fn a_value_serializes_as_json() {
    let values = [
        Value::Day(16982),
        Value::List(vec!["A".into()]),
        Value::Number(2.5),
        Value::Switch(true),
    ];
    let text = serde_json::to_string(&values).expect("values serialize");
    assert_eq!(text, r#"["2016-06-30",["A"],2.5,true]"#);
}

#[test]
fn settings_are_found_by_table_and_key() {
    assert!(Setting::find(registry::Table::Scan, "top").is_some());
    assert!(Setting::find(registry::Table::Worker, "top").is_none());
}
