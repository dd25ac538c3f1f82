//! Layers in, spec or refusal out. Refusals are compared as the user reads them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use tickfleet_kernels::scan::options::{SectorFilter, Side, Unlisted};
use tickfleet_kernels::scan::sector::Sector;
use tickfleet_protocol::spec::scan::DateSelection;

use super::registry::{ALL, Fallback, Setting};
use super::value::{Kind, Value};
use super::*;
use crate::error::{ExitStatus, Failure};

fn flags(line: &str) -> Result<Layer, SettingsError> {
    let texts = line
        .split_whitespace()
        .map(|flag| flag.split_once('=').expect("flag=text"));
    let flags: Vec<_> = texts
        .map(|(long, text)| {
            let setting = ALL.iter().copied().find(|setting| setting.long() == long);
            (
                setting.unwrap_or_else(|| panic!("no flag {long}")),
                vec![text.to_owned()],
            )
        })
        .collect();
    Layer::from_flags(&flags)
}

fn variables(line: &str) -> Vec<(OsString, OsString)> {
    let pairs = line
        .split_whitespace()
        .map(|pair| pair.split_once('=').expect("NAME=text"));
    pairs.map(|(name, text)| (name.into(), text.into())).collect()
}

fn try_settings(line: &str, environment: &str, toml: &str) -> Result<Resolved, SettingsError> {
    let layers = vec![
        flags(line)?,
        environment::layer(variables(environment))?,
        file::layer(Path::new("/etc/tf/scan.toml"), toml)?,
        file::layer(Path::new("user.toml"), "[scan]\ntop = 7\nmin_price = 3\n")?,
    ];
    resolve(layers, &Request::default())
}

fn settings(line: &str, environment: &str, toml: &str) -> Resolved {
    try_settings(line, environment, toml).unwrap_or_else(|error| panic!("{}", Failure::from(error).render(false)))
}

fn refusal(result: Result<Resolved, SettingsError>) -> String {
    let failure = Failure::from(result.expect_err("it should be refused"));
    assert_eq!(failure.status, ExitStatus::BadInput);
    failure.render(false)
}

fn check_refusals(cases: &[(&str, &str, &str)]) {
    for (line, environment, expect) in cases {
        let text = refusal(try_settings(line, environment, ""));
        assert!(
            text.starts_with(expect),
            "{line} {environment}: expected\n{expect}\ngot\n{text}"
        );
    }
}

#[test]
fn the_registry_is_sound() {
    let keys: BTreeSet<_> = ALL.iter().map(|setting| setting.key).collect();
    let variables: BTreeSet<_> = ALL.iter().map(|setting| setting.variable()).collect();
    assert_eq!((keys.len(), variables.len()), (ALL.len(), ALL.len()));
    for setting in ALL {
        if let Fallback::Value(text) = setting.default {
            assert!(setting.kind.read_text(text).is_some(), "default of {}", setting.key);
        }
    }
}

#[test]
fn every_word_of_every_choice_resolves() {
    for setting in ALL {
        let Kind::Choice(words) = setting.kind else { continue };
        for word in words {
            let resolved = settings(&format!("bars=x {}={word}", setting.long()), "", "");
            assert_eq!(resolved.settings.text(setting), Some(*word));
        }
    }
}

#[test]
fn the_strongest_layer_wins() {
    let cases = [
        ("bars=x", "", "", 7, "user.toml:2"),
        ("bars=x", "", "[scan]\ntop = 8\n", 8, "/etc/tf/scan.toml:2"),
        (
            "bars=x",
            "TICKFLEET_SCAN_TOP=9",
            "[scan]\ntop = 8\n",
            9,
            "environment variable TICKFLEET_SCAN_TOP",
        ),
        (
            "bars=x top=10",
            "TICKFLEET_SCAN_TOP=9",
            "[scan]\ntop = 8\n",
            10,
            "flag --top",
        ),
        (
            "bars=x",
            "TICKFLEET_SCAN_TOP=",
            "[scan]\ntop = 8\n",
            8,
            "/etc/tf/scan.toml:2",
        ),
    ];
    for (line, environment, toml, top, origin) in cases {
        let resolved = settings(line, environment, toml);
        assert_eq!(resolved.spec.rank.top, top);
        assert_eq!(resolved.settings.origin(&registry::TOP).to_string(), origin);
    }
}

#[test]
fn machine_settings_come_from_their_tables_and_variables() {
    let resolved = settings(
        "bars=x shard-size=20",
        "TICKFLEET_LANES=4",
        "[worker]\nmemory = \"2GB\"\nlanes = 2\n",
    );
    let run = resolved.run;
    assert_eq!(
        (run.lanes, run.shard_size, run.memory_bytes),
        (Some(4), Some(20), 2_000_000_000)
    );
    assert_eq!(run.log, "error");
}

#[test]
fn paths_of_a_file_start_at_its_folder() {
    let cases = [
        ("bars.csv", "/etc/tf/bars.csv"),
        ("../b/*.csv", "/etc/tf/../b/*.csv"),
        ("/data/b.csv", "/data/b.csv"),
        ("s3://bucket/b", "s3://bucket/b"),
        ("file:///b.csv", "file:///b.csv"),
    ];
    for (bars, expect) in cases {
        assert_eq!(
            settings("", "", &format!("[scan]\nbars = \"{bars}\"\n")).spec.bars,
            expect
        );
        assert_eq!(settings(&format!("bars={bars}"), "", "").spec.bars, bars);
    }
}

#[test]
fn dates_select_sessions() {
    let cases = [
        ("", "", DateSelection::AsOf(None)),
        ("as-of=2016-06-30", "", DateSelection::AsOf(Some(16982))),
        ("", "as_of = 2016-06-30", DateSelection::AsOf(Some(16982))),
        ("", "as_of = \"20160630\"", DateSelection::AsOf(Some(16982))),
        (
            "from=2016-06-29 to=2016-06-30",
            "",
            DateSelection::Range(Some(16981), Some(16982)),
        ),
        ("from=2016-06-30", "", DateSelection::Range(Some(16982), None)),
        ("to=2016-06-30", "", DateSelection::Range(None, Some(16982))),
    ];
    for (line, key, expect) in cases {
        assert_eq!(
            settings(&format!("bars=x {line}"), "", &format!("[scan]\n{key}\n"))
                .spec
                .dates,
            expect
        );
    }
}

#[test]
fn dependent_defaults_follow_symbols_and_sectors() {
    let tech = || SectorFilter::List(vec![Some(Sector::Energy), Some(Sector::InformationTechnology)]);
    let cases = [
        ("", SectorFilter::Liquid, Unlisted::Reject, 5),
        ("symbols=A", SectorFilter::All, Unlisted::Keep, 5),
        (
            "symbols=A sectors=liquid unlisted=reject",
            SectorFilter::Liquid,
            Unlisted::Reject,
            5,
        ),
        ("sectors=All", SectorFilter::All, Unlisted::Reject, 5),
        ("sectors=Technology,energy,TECHNOLOGY", tech(), Unlisted::Reject, 0),
        ("sectors=unknown", SectorFilter::List(vec![None]), Unlisted::Reject, 0),
        (
            "sectors=energy,technology max-per-sector=2",
            tech(),
            Unlisted::Reject,
            2,
        ),
    ];
    for (line, sectors, unlisted, max_per_sector) in cases {
        let spec = settings(&format!("bars=x {line}"), "", "").spec;
        assert_eq!(
            (spec.universe_stage.sectors, spec.universe_stage.unlisted),
            (sectors, unlisted),
            "{line}"
        );
        assert_eq!(spec.rank.max_per_sector, max_per_sector, "{line}");
    }
}

#[test]
fn a_profile_beats_defaults_and_nothing_else() {
    let resolved = settings("bars=x profile=balanced min-tech-rating=1", "", "");
    let expect = [
        (&registry::MIN_TECH_RATING, 1.0, "flag --min-tech-rating"),
        (&registry::MAX_ATR_PCT, 0.035, "profile balanced"),
        (&registry::MIN_PRICE, 3.0, "user.toml:3"),
        (&registry::MIN_DOLLAR_VOLUME, 5e6, "profile balanced"),
        (&registry::MAX_CV, 0.5, "default"),
    ];
    for (setting, number, origin) in expect {
        let held = resolved.settings.get(setting);
        assert_eq!(
            (&held.value, held.origin.to_string().as_str()),
            (&Some(Value::Number(number)), origin)
        );
    }
    let notice = "profile balanced: its minimum ICS of 75 has no effect, because this version does not compute the ICS";
    assert_eq!(resolved.notices, [notice]);
    assert!(settings("bars=x", "", "").notices.is_empty());
}

#[test]
fn profiles_hold_the_specified_thresholds() {
    let cases = [
        ("conservative", [22.0, 0.025, 15.0, 10e6], "80"),
        ("balanced", [20.0, 0.035, 10.0, 5e6], "75"),
        ("aggressive", [18.0, 0.06, 5.0, 3e6], "70"),
    ];
    let thresholds = [
        &registry::MIN_TECH_RATING,
        &registry::MAX_ATR_PCT,
        &registry::MIN_PRICE,
        &registry::MIN_DOLLAR_VOLUME,
    ];
    for (name, expect, ics) in cases {
        let layers = vec![flags(&format!("bars=x profile={name}")).expect("good flags")];
        let resolved = resolve(layers, &Request::default()).expect("a profile");
        for (setting, number) in thresholds.iter().zip(expect) {
            assert_eq!(
                resolved.settings.get(setting).value,
                Some(Value::Number(number)),
                "{name} {}",
                setting.key
            );
        }
        assert!(
            resolved.notices[0].contains(&format!("minimum ICS of {ics} ")),
            "{name}"
        );
    }
}

#[test]
fn equal_requests_have_equal_specs() {
    let spec = |line: &str, toml: &str| settings(line, "", toml).spec;
    let expect = spec("bars=x symbols=BRK.B,A side=both min-price=0", "");
    assert_eq!(expect.universe_stage.symbols, ["A", "BRK.B"]);
    assert_eq!(expect.rank.side, Side::Both);
    assert_eq!(
        spec("bars=x symbols=a,brk-b,A min-price=-0", "[scan]\nside = \"both\"\n"),
        expect
    );
    assert_eq!(
        spec(
            "bars=x min-price=0",
            "[scan]\nside = \"both\"\nsymbols = [\"brk/b\", \"A \"]\n"
        ),
        expect
    );
}

#[test]
fn the_sample_beats_files_but_not_flags() {
    let layers = |line: &str| {
        let file = file::layer(Path::new("t.toml"), "[scan]\nbars = \"x\"\n").expect("a good file");
        vec![flags(line).expect("good flags"), file]
    };
    let request = Request {
        sample: true,
        ..Request::default()
    };
    let resolved = resolve(layers(""), &request).expect("the sample");
    assert_eq!(resolved.spec.bars, SAMPLE_BARS);
    assert_eq!(resolved.spec.universe.as_deref(), Some(SAMPLE_UNIVERSE));
    assert!(resolved.run.sample);
    let text = refusal(resolve(layers("universe=u"), &request));
    assert!(
        text.starts_with("error: --sample and --universe exclude each other"),
        "{text}"
    );
}

#[test]
fn no_wait_needs_a_cluster() {
    let request = Request {
        no_wait: true,
        ..Request::default()
    };
    let text = refusal(resolve(vec![flags("bars=x").expect("good flags")], &request));
    assert!(
        text.starts_with("error: --no-wait needs a cluster, and none is configured\n"),
        "{text}"
    );
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
            "bars=x",
            "TICKFLEET_COORDINATOR=http://h",
            "error: this version runs scans in this process only: it has no cluster client\n    at: environment variable TICKFLEET_COORDINATOR\n  help: run it here: drop --coordinator and unset TICKFLEET_COORDINATOR\n",
        ),
        (
            "bars=x min-ics=5 rr=2",
            "",
            "error: this version does not compute what min_ics, rr would decide\n    at: flag --min-ics\n    at: flag --rr\n   why: not in this version: the ICS and MERIT scores (min_ics)\n   why: not in this version: the trade plan (rr)\n",
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
            "[scan]\nmodel = \"m.onnx\"\n",
            "error: this version does not compute what model would decide\n    at: /etc/tf/scan.toml:2:1\n      2 | model = \"m.onnx\"\n        | ^^^^^\n   why: not in this version: machine-learned predictions (model)\n",
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
