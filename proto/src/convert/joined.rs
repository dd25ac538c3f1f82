//! Small tables, models and what is joined to scored rows, on the wire.

use bytes::Bytes;
use tickfleet_protocol::facts::{FileFacts, JoinedFacts, ModelFacts, TableFacts};
use tickfleet_protocol::ids::Digest;

use super::facts::digest;
use super::{WireError, invalid};
use crate::wire;

impl From<&TableFacts> for wire::Table {
    fn from(table: &TableFacts) -> Self {
        Self {
            files: table.files.iter().map(wire::File::from).collect(),
            digest: bytes(&table.digest),
            unplaced_rows: table.unplaced_rows,
        }
    }
}

impl TryFrom<wire::Table> for TableFacts {
    type Error = WireError;

    fn try_from(wire: wire::Table) -> Result<Self, WireError> {
        let files = wire.files.into_iter().map(FileFacts::try_from);
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
            digest: digest(&wire.digest, "Table")?,
            unplaced_rows: wire.unplaced_rows,
        })
    }
}

impl From<&JoinedFacts> for wire::Joined {
    fn from(joined: &JoinedFacts) -> Self {
        let model = joined.model.as_ref().map(|model| wire::Model {
            file: Some((&model.file).into()),
            digest: bytes(&model.digest),
            features: model.features.clone(),
        });
        Self {
            fundamentals: joined.fundamentals.as_ref().map(wire::Table::from),
            events: joined.events.as_ref().map(wire::Table::from),
            predictions: joined.predictions.as_ref().map(wire::Table::from),
            model,
            known: joined.known.iter().map(bytes).collect(),
        }
    }
}

impl TryFrom<wire::Joined> for JoinedFacts {
    type Error = WireError;

    fn try_from(wire: wire::Joined) -> Result<Self, WireError> {
        let known = wire.known.iter().map(|bytes| digest(bytes, "Joined"));
        Ok(Self {
            fundamentals: wire.fundamentals.map(TableFacts::try_from).transpose()?,
            events: wire.events.map(TableFacts::try_from).transpose()?,
            predictions: wire.predictions.map(TableFacts::try_from).transpose()?,
            model: wire.model.map(model).transpose()?,
            known: known.collect::<Result<_, _>>()?,
        })
    }
}

fn model(wire: wire::Model) -> Result<ModelFacts, WireError> {
    Ok(ModelFacts {
        file: wire.file.ok_or_else(|| invalid("Model", "file"))?.try_into()?,
        digest: digest(&wire.digest, "Model")?,
        features: wire.features,
    })
}

fn bytes(digest: &Digest) -> Bytes {
    digest.0.to_vec().into()
}
