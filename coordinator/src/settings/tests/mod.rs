//! Layers in, spec or refusal out. Refusals are compared as the user reads them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use tickfleet_kernels::scan::options::{SectorFilter, Side, Unlisted};
use tickfleet_kernels::scan::sector::Sector;
use tickfleet_protocol::spec::scan::DateSelection;

use tickfleet_runtime::settings::registry::{ALL, Fallback, Setting};
use tickfleet_runtime::settings::value::{Kind, Value};
use tickfleet_runtime::settings::*;

use super::*;
use tickfleet_runtime::failure::{ExitStatus, Failure};

mod refusals;

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
        (&registry::MIN_ICS, 75.0, "profile balanced"),
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
}

#[test]
fn profiles_hold_the_specified_thresholds() {
    let cases = [
        ("conservative", [80.0, 22.0, 0.025, 15.0, 10e6]),
        ("balanced", [75.0, 20.0, 0.035, 10.0, 5e6]),
        ("aggressive", [70.0, 18.0, 0.06, 5.0, 3e6]),
    ];
    let thresholds = [
        &registry::MIN_ICS,
        &registry::MIN_TECH_RATING,
        &registry::MAX_ATR_PCT,
        &registry::MIN_PRICE,
        &registry::MIN_DOLLAR_VOLUME,
    ];
    for (name, expect) in cases {
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
