//! Opens what is joined to scored rows: tables are read whole, a model is loaded and tried out, all before any job.

use std::sync::Arc;

use tickfleet_kernels::scan::events::Events;
use tickfleet_kernels::scan::fundamentals::Fundamentals;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::predictions::Predictions;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::facts::{JoinedFacts, ModelFacts, TableFacts};
use tickfleet_protocol::known::known;
use tickfleet_protocol::spec::scan::{Day, JoinedInputs, ModelDevice};
use tickfleet_runtime::data::DataError;
use tickfleet_runtime::data::file::StoredFile;
use tickfleet_runtime::data::joined::{read_events, read_fundamentals, read_predictions};
use tickfleet_runtime::data::locate::locate;
use tickfleet_runtime::data::model::locate_model;
use tickfleet_runtime::data::small_table::ReadTable;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::pool::Pool;
use tickfleet_worker::model::{self, Model, ModelError};

use super::open::bad_input;
use crate::cluster::Result;

/// What was opened.
pub(super) struct Opened {
    fundamentals: Option<ReadTable<Fundamentals>>,
    events: Option<ReadTable<Events>>,
    predictions: Option<ReadTable<Predictions>>,
    model: Option<ModelFacts>,
}

impl Opened {
    /// The facts of it, as of these dates.
    pub(super) fn facts(self, as_of: &[Day]) -> JoinedFacts {
        let mut facts = JoinedFacts {
            fundamentals: self.fundamentals.as_ref().map(|table| table.facts.clone()),
            events: self.events.as_ref().map(|table| table.facts.clone()),
            predictions: self.predictions.as_ref().map(|table| table.facts.clone()),
            model: self.model,
            known: Vec::new(),
        };
        if facts.tables().next().is_some() {
            facts.known = known(
                as_of,
                rows(self.fundamentals.as_ref()),
                rows(self.events.as_ref()),
                rows(self.predictions.as_ref()),
            );
        }
        facts
    }
}

fn rows<T>(table: Option<&ReadTable<T>>) -> Option<&T> {
    table.map(|table| table.rows.as_ref())
}

/// The tables by their names.
pub(super) fn named(facts: &JoinedFacts) -> impl Iterator<Item = (&'static str, &TableFacts)> {
    let tables = [
        ("fundamentals", &facts.fundamentals),
        ("events", &facts.events),
        ("predictions", &facts.predictions),
    ];
    tables
        .into_iter()
        .filter_map(|(name, table)| Some((name, table.as_ref()?)))
}

/// Opens what is given.
pub(super) async fn open(inputs: &JoinedInputs, rule: TickerRule, pool: &Pool) -> Result<Opened> {
    let mut opened = Opened {
        fundamentals: None,
        events: None,
        predictions: None,
        model: None,
    };
    if let Some(uri) = &inputs.fundamentals {
        let files = files("fundamentals", uri).await?;
        opened.fundamentals = Some(read(read_fundamentals(&files, rule).await)?);
    }
    if let Some(uri) = &inputs.events {
        let files = files("events", uri).await?;
        opened.events = Some(read(read_events(&files, rule).await)?);
    }
    if let Some(uri) = &inputs.predictions {
        let files = files("predictions", uri).await?;
        opened.predictions = Some(read(read_predictions(&files, rule).await)?);
    }
    if let Some(uri) = &inputs.model {
        opened.model = Some(open_model(uri, pool).await?);
    }
    Ok(opened)
}

async fn files(table: &'static str, uri: &str) -> Result<Vec<StoredFile>> {
    read(locate(table, uri).await)
}

fn read<T>(found: std::result::Result<T, DataError>) -> Result<T> {
    found.map_err(|error| bad_input(&error))
}

/// Loads a model and runs it once. That is done on the processor wherever the jobs run it: shapes are the same.
async fn open_model(uri: &str, pool: &Pool) -> Result<ModelFacts> {
    let file = read(locate_model(uri).await)?;
    let bytes = read(file.read_all(model::BYTES_MAX).await)?;
    let digest = digest_of(&bytes);
    let name = file.facts.uri.clone();
    let opening = pool.run(move || {
        let model = Model::open(&name, &bytes, ModelDevice::Cpu)?;
        model.try_out()?;
        Ok::<_, ModelError>(Arc::new(model))
    });
    let opened = opening
        .await
        .map_err(|error| Failure::from_error(ExitStatus::BadInput, &error))?;
    let model = opened.map_err(|error| Failure::from_error(ExitStatus::BadInput, &error).help(error.help()))?;
    Ok(ModelFacts {
        file: file.facts,
        digest,
        features: model.features().to_vec(),
    })
}
