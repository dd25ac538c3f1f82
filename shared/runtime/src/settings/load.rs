//! Gathers the layers: the only place that reads settings files, and the only one that names them.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::layer::Layer;
use super::{SettingsError, environment, file};

/// Where settings are looked for.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `--config FILE`: must exist.
    pub config: Option<PathBuf>,
    /// The project's file, read when there is no `--config` and it exists.
    pub project: PathBuf,
    /// The user's file, read when it exists.
    pub user: Option<PathBuf>,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
}

impl Sources {
    /// The sources of this process.
    #[must_use]
    pub fn of_process(config: Option<PathBuf>) -> Self {
        Self {
            config,
            project: "tickfleet.toml".into(),
            user: user_file(),
            variables: std::env::vars_os().collect(),
        }
    }

    /// The settings files, the strongest first, and whether each exists.
    #[must_use]
    pub fn files(&self) -> Vec<(&Path, bool)> {
        let first = self.config.as_deref().unwrap_or(&self.project);
        [Some(first), self.user.as_deref()]
            .into_iter()
            .flatten()
            .map(|path| (path, path.exists()))
            .collect()
    }
}

/// The user's settings file; `None` without a home folder.
fn user_file() -> Option<PathBuf> {
    Some(
        etcetera::choose_base_strategy()
            .ok()?
            .config_dir()
            .join("tickfleet")
            .join("config.toml"),
    )
}

/// All layers, the strongest first: flags, environment, `--config` or the project's file, the user's file.
///
/// # Errors
/// A file that can't be read, an unknown key or table, a value that its setting can't read.
pub fn load(flags: Layer, sources: Sources) -> Result<Vec<Layer>, SettingsError> {
    let mut layers = vec![flags, environment::layer(sources.variables)?];
    match sources.config {
        Some(named) => layers.push(file::layer(&named, &read(&named)?)?),
        None => layers.extend(read_if_exists(&sources.project)?),
    }
    if let Some(user) = sources.user {
        layers.extend(read_if_exists(&user)?);
    }
    Ok(layers)
}

fn read_if_exists(path: &Path) -> Result<Option<Layer>, SettingsError> {
    match read(path) {
        Ok(text) => file::layer(path, &text).map(Some),
        Err(SettingsError::ReadFile { source, .. }) if is_absent(source.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn read(path: &Path) -> Result<String, SettingsError> {
    fs::read_to_string(path).map_err(|source| SettingsError::ReadFile {
        path: path.display().to_string(),
        source,
    })
}
