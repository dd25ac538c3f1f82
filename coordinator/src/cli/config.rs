//! `coordinator config`: the settings in force and where each came from. Secrets are masked.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::stdout;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::flags::SettingFlags;
use tickfleet_runtime::settings::in_force::Held;
use tickfleet_runtime::settings::registry::Table;
use tickfleet_runtime::settings::{InForce, Sources, mask};

const EXAMPLES: &str = "\
WHERE SETTINGS COME FROM, strongest first
  flag         --min-price 5
  environment  TICKFLEET_SCAN_MIN_PRICE=5 for the keys of [scan];
               TICKFLEET_LANES=4 for those of the other tables;
               an empty variable counts as unset
  file         min_price = 5 below [scan], in --config FILE or else in
               ./tickfleet.toml; relative paths start at the file's folder
  user's file  tickfleet/config.toml in the user's configuration folder
  profile      the thresholds of --profile
  default      built in

EXAMPLES
  What holds here, and why:
    coordinator config
  What a profile would change:
    coordinator config --profile balanced
  For a program, one setting a line:
    coordinator config --json";

/// Print the settings in force and where each came from
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Config {
    /// Print one JSON object a setting
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Config {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let settings = InForce::merge(&self.settings.layers()?);
        let text = if self.json {
            as_json(&settings)
        } else {
            as_toml(&settings, &self.settings.sources())
        };
        stdout::write(text.as_bytes())
    }
}

/// A settings file that holds the same, with each origin in a comment.
fn as_toml(settings: &InForce, sources: &Sources) -> String {
    let mut text = String::new();
    for (path, exists) in sources.files() {
        let found = if exists { "read" } else { "not found" };
        line(&mut text, &format!("# {} ({found})", path.display()));
    }
    for table in Table::ALL {
        line(&mut text, &format!("\n[{}]", table.name()));
        for held in settings.all().iter().filter(|held| held.setting.table == table) {
            line(&mut text, &toml_line(held));
        }
    }
    text
}

fn toml_line(Held { setting, value, origin }: &Held) -> String {
    match value {
        Some(value) => format!(
            "{:<32} # {origin}",
            format!("{} = {}", setting.key, mask(&value.to_string()))
        ),
        None => format!("{:<32} # {origin}", format!("# {}", setting.key)),
    }
}

fn as_json(settings: &InForce) -> String {
    let mut text = String::new();
    for Held { setting, value, origin } in settings.all() {
        let value = json!({
            "table": setting.table.name(), "key": setting.key, "value": value, "from": origin.to_string(),
        });
        line(&mut text, &mask(&value.to_string()));
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String never fails");
}
