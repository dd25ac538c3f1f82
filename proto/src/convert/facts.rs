//! Catalog facts on the wire.

use tickfleet_protocol::facts::{
    BlockFacts, BlockPart, FileFacts, FileFormat, RowPlace, ScanFacts, SymbolFacts, TableFacts,
};
use tickfleet_protocol::ids::Digest;

use super::{WireError, invalid};
use crate::wire;

const MESSAGE: &str = "ScanFacts";

impl From<&ScanFacts> for wire::ScanFacts {
    fn from(facts: &ScanFacts) -> Self {
        Self {
            files: facts.files.iter().map(wire::File::from).collect(),
            blocks: facts.blocks.iter().map(wire::Block::from).collect(),
            dates: facts.dates.clone(),
            traded: facts.traded.clone(),
            as_of: facts.as_of.clone(),
            symbol: facts.symbols.iter().map(|symbol| symbol.symbol.clone()).collect(),
            symbol_first_day: facts.symbols.iter().map(|symbol| symbol.first_day).collect(),
            symbol_rows: facts.symbols.iter().map(|symbol| symbol.rows).collect(),
            symbol_block: facts.symbols.iter().map(|symbol| symbol.block).collect(),
            mapped: facts.mapped.clone(),
            unplaced_rows: facts.unplaced_rows,
            first_unplaced: facts.first_unplaced.map(wire::RowPlace::from),
            universe: facts.universe.as_ref().map(wire::Table::from),
            joined: Some((&facts.joined).into()),
        }
    }
}

impl TryFrom<wire::ScanFacts> for ScanFacts {
    type Error = WireError;

    fn try_from(wire: wire::ScanFacts) -> Result<Self, WireError> {
        let symbols = symbols(&wire)?;
        let facts = Self {
            files: wire
                .files
                .into_iter()
                .map(FileFacts::try_from)
                .collect::<Result<_, _>>()?,
            blocks: wire
                .blocks
                .into_iter()
                .map(BlockFacts::try_from)
                .collect::<Result<_, _>>()?,
            traded: wire.traded,
            dates: wire.dates,
            as_of: wire.as_of,
            symbols,
            mapped: wire.mapped,
            unplaced_rows: wire.unplaced_rows,
            first_unplaced: wire.first_unplaced.map(RowPlace::from),
            universe: wire.universe.map(TableFacts::try_from).transpose()?,
            joined: wire.joined.unwrap_or_default().try_into()?,
        };
        check(&facts)?;
        Ok(facts)
    }
}

/// Every ordinal points at something, and lists that are searched are sorted.
fn check(facts: &ScanFacts) -> Result<(), WireError> {
    let symbols = facts.symbols.len();
    let known = |&ordinal: &u32| (ordinal as usize) < symbols;
    let blocks_hold = facts.blocks.iter().all(|block| {
        (block.file as usize) < facts.files.len() && block.symbols.is_none_or(|(low, high)| low <= high && known(&high))
    });
    for (holds, field) in [
        (facts.traded.len() == facts.dates.len(), "traded"),
        (facts.dates.is_sorted_by(|a, b| a < b), "dates"),
        (facts.as_of.is_sorted_by(|a, b| a < b), "as_of"),
        (facts.symbols.is_sorted_by(|a, b| a.symbol < b.symbol), "symbol"),
        (
            facts.mapped.is_sorted_by(|a, b| a < b) && facts.mapped.iter().all(known),
            "mapped",
        ),
        (
            facts
                .symbols
                .iter()
                .all(|symbol| (symbol.block as usize) < facts.blocks.len()),
            "symbol_block",
        ),
        (blocks_hold, "blocks"),
        (
            facts.joined.tables().next().is_none() || facts.joined.known.len() == facts.as_of.len(),
            "joined",
        ),
    ] {
        if !holds {
            return Err(invalid(MESSAGE, field));
        }
    }
    Ok(())
}

fn symbols(wire: &wire::ScanFacts) -> Result<Vec<SymbolFacts>, WireError> {
    let rows = wire.symbol.len();
    if [
        wire.symbol_first_day.len(),
        wire.symbol_rows.len(),
        wire.symbol_block.len(),
    ] != [rows; 3]
    {
        return Err(invalid(MESSAGE, "symbol"));
    }
    let column = |at: usize| SymbolFacts {
        symbol: wire.symbol[at].clone(),
        first_day: wire.symbol_first_day[at],
        rows: wire.symbol_rows[at],
        block: wire.symbol_block[at],
    };
    Ok((0..rows).map(column).collect())
}

impl From<&FileFacts> for wire::File {
    fn from(file: &FileFacts) -> Self {
        let format = match file.format {
            FileFormat::Parquet => wire::FileFormat::Parquet,
            FileFormat::Csv => wire::FileFormat::Csv,
            FileFormat::CsvGzip => wire::FileFormat::CsvGzip,
            FileFormat::CsvZstd => wire::FileFormat::CsvZstd,
            FileFormat::Onnx => wire::FileFormat::Onnx,
            FileFormat::Database => wire::FileFormat::Database,
        };
        Self {
            uri: file.uri.clone(),
            size: file.size,
            version: file.version.clone(),
            format: format.into(),
            hive: file
                .hive
                .iter()
                .map(|(key, value)| wire::HiveColumn {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
        }
    }
}

impl TryFrom<wire::File> for FileFacts {
    type Error = WireError;

    fn try_from(wire: wire::File) -> Result<Self, WireError> {
        let format = match wire.format() {
            wire::FileFormat::Unspecified => return Err(invalid("File", "format")),
            wire::FileFormat::Parquet => FileFormat::Parquet,
            wire::FileFormat::Csv => FileFormat::Csv,
            wire::FileFormat::CsvGzip => FileFormat::CsvGzip,
            wire::FileFormat::CsvZstd => FileFormat::CsvZstd,
            wire::FileFormat::Onnx => FileFormat::Onnx,
            wire::FileFormat::Database => FileFormat::Database,
        };
        Ok(Self {
            uri: wire.uri,
            size: wire.size,
            version: wire.version,
            format,
            hive: wire.hive.into_iter().map(|column| (column.key, column.value)).collect(),
        })
    }
}

impl From<&BlockFacts> for wire::Block {
    fn from(block: &BlockFacts) -> Self {
        let part = match block.part {
            BlockPart::RowGroup(group) => wire::block::Part::RowGroup(group),
            BlockPart::Text { start, end, line } => wire::block::Part::Text(wire::TextRange { start, end, line }),
        };
        Self {
            file: block.file,
            part: Some(part),
            rows: block.rows,
            first_symbol: block.symbols.map(|range| range.0),
            last_symbol: block.symbols.map(|range| range.1),
            first_day: block.days.map(|range| range.0),
            last_day: block.days.map(|range| range.1),
            digest: block.digest.0.to_vec().into(),
        }
    }
}

impl TryFrom<wire::Block> for BlockFacts {
    type Error = WireError;

    fn try_from(wire: wire::Block) -> Result<Self, WireError> {
        let part = match wire.part.ok_or_else(|| invalid("Block", "part"))? {
            wire::block::Part::RowGroup(group) => BlockPart::RowGroup(group),
            wire::block::Part::Text(text) if text.start <= text.end => BlockPart::Text {
                start: text.start,
                end: text.end,
                line: text.line,
            },
            wire::block::Part::Text(_) => return Err(invalid("Block", "text")),
        };
        Ok(Self {
            file: wire.file,
            part,
            rows: wire.rows,
            symbols: wire.first_symbol.zip(wire.last_symbol),
            days: wire.first_day.zip(wire.last_day),
            digest: digest(&wire.digest, "Block")?,
        })
    }
}

impl From<RowPlace> for wire::RowPlace {
    fn from(place: RowPlace) -> Self {
        Self {
            block: place.block,
            row: place.row,
        }
    }
}

impl From<wire::RowPlace> for RowPlace {
    fn from(wire: wire::RowPlace) -> Self {
        Self {
            block: wire.block,
            row: wire.row,
        }
    }
}

pub(super) fn digest(bytes: &[u8], message: &'static str) -> Result<Digest, WireError> {
    bytes.try_into().map(Digest).map_err(|_| invalid(message, "digest"))
}
