//! A block of daily bars in memory, in two halves: what every reader needs (keys) and the rest (prices).
//!
//! Survey reads only keys; a job reads prices too. Rows keep their order in the file. Missing and non-finite numbers are
//! NaN here, and only here: it is the kernels' input convention. Read next: [`super::inputs`].

use arrow::buffer::ScalarBuffer;

/// Rows `start..end` that belong to one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The symbol's number among the process's [`super::names::Names`].
    pub name: u32,
    /// First row.
    pub start: u32,
    /// One past the last row.
    pub end: u32,
}

/// Symbols, days and volumes of a block's rows.
#[derive(Debug, PartialEq)]
pub struct Keys {
    /// Placed rows in row order; rows in no run have no readable symbol or date.
    pub runs: Vec<Run>,
    /// Day of each row (days since 1970-01-01); undefined for rows in no run.
    pub days: Vec<i32>,
    /// Volume of each row.
    pub volume: ScalarBuffer<f64>,
    /// First row in no run, if any.
    pub first_unplaced: Option<u32>,
    /// Text files: line of each row, counted from the block's first line.
    pub lines: Vec<u32>,
}

impl Keys {
    /// Rows, placed or not.
    pub fn rows(&self) -> usize {
        self.days.len()
    }

    /// Rows in some run.
    pub fn placed(&self) -> usize {
        self.runs.iter().map(|run| (run.end - run.start) as usize).sum()
    }

    /// Memory held, bytes.
    pub fn bytes(&self) -> usize {
        self.runs.len() * size_of::<Run>() + self.days.len() * 4 + self.volume.len() * 8 + self.lines.len() * 4
    }
}

/// Prices of a block's rows, in quote currency.
#[derive(Debug, PartialEq)]
pub struct Prices {
    /// Open of each row.
    pub open: ScalarBuffer<f64>,
    /// High of each row.
    pub high: ScalarBuffer<f64>,
    /// Low of each row.
    pub low: ScalarBuffer<f64>,
    /// Close of each row.
    pub close: ScalarBuffer<f64>,
    /// Adjusted close of each row, where the file has that column.
    pub adj_close: Option<ScalarBuffer<f64>>,
}

impl Prices {
    /// Memory held, bytes.
    pub fn bytes(&self) -> usize {
        8 * self.close.len() * if self.adj_close.is_some() { 5 } else { 4 }
    }
}

/// Collects runs row by row.
#[derive(Debug, Default)]
pub struct RunBuilder {
    runs: Vec<Run>,
    first_unplaced: Option<u32>,
}

impl RunBuilder {
    /// Appends rows `start..end` of one symbol; `None` leaves them unplaced. Rows must come in order.
    pub fn push(&mut self, name: Option<u32>, start: u32, end: u32) {
        if start == end {
            return;
        }
        match (name, self.runs.last_mut()) {
            (None, _) => {
                self.first_unplaced.get_or_insert(start);
            }
            (Some(name), Some(last)) if last.name == name && last.end == start => last.end = end,
            (Some(name), _) => self.runs.push(Run { name, start, end }),
        }
    }

    /// The finished keys.
    pub fn finish(self, days: Vec<i32>, volume: ScalarBuffer<f64>, lines: Vec<u32>) -> Keys {
        Keys {
            runs: self.runs,
            days,
            volume,
            first_unplaced: self.first_unplaced,
            lines,
        }
    }
}
