//! A table that fits its terminal: never wraps, never panics, whatever the width and the data.
//!
//! Columns that matter least go first, then text is cut. Read next: `ranked`, which builds the scan's table.

use super::colour::Tone;
use super::text::{cut, printable, spaces, width};

/// What stands for a missing value.
const MISSING: &str = "-";
/// Spaces between two columns.
const GAP: usize = 2;

/// Which side of its column a text keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One value of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// The text; `None` is missing and shown as `-`.
    pub text: Option<String>,
    /// Its colour.
    pub tone: Tone,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub header: String,
    /// Where the cells keep to.
    pub align: Align,
    /// 0 stays to the last; where the width is short, the highest number goes first, the rightmost among equals.
    pub priority: u8,
    /// Wider cells are cut even where there is room.
    pub width_max: usize,
    /// One cell a row; a short column is filled with missing values.
    pub cells: Vec<Cell>,
}

impl Column {
    /// A column of text.
    pub fn text<T: Into<Cell>>(header: &str, priority: u8, cells: impl IntoIterator<Item = T>) -> Self {
        Self::new(header, Align::Left, priority, cells)
    }

    /// A column of numbers that are text already.
    pub fn number<T: Into<Cell>>(header: &str, priority: u8, cells: impl IntoIterator<Item = T>) -> Self {
        Self::new(header, Align::Right, priority, cells)
    }

    /// The same column, its cells cut to `width_max`.
    #[must_use]
    pub fn at_most(mut self, width_max: usize) -> Self {
        self.width_max = width_max;
        self
    }

    /// Whether any cell has text.
    #[must_use]
    pub fn has_values(&self) -> bool {
        let has_text = |cell: &Cell| cell.text.as_ref().is_some_and(|text| !text.is_empty());
        self.cells.iter().any(has_text)
    }

    fn new<T: Into<Cell>>(header: &str, align: Align, priority: u8, cells: impl IntoIterator<Item = T>) -> Self {
        let cells = cells.into_iter().map(Into::into).collect();
        Self {
            header: header.to_owned(),
            align,
            priority,
            width_max: usize::MAX,
            cells,
        }
    }

    /// The columns of the terminal that the widest text takes, at least one.
    fn natural_width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| width(&cell.shown()));
        cells
            .chain([width(&printable(&self.header))])
            .max()
            .unwrap_or(1)
            .clamp(1, self.width_max.max(1))
    }
}

impl Cell {
    /// The same cell in a tone.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    fn shown(&self) -> std::borrow::Cow<'_, str> {
        self.text.as_deref().map_or(MISSING.into(), printable)
    }
}

impl<T: Into<String>> From<Option<T>> for Cell {
    fn from(text: Option<T>) -> Self {
        Self {
            text: text.map(Into::into),
            tone: Tone::Plain,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Some(text).into()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Some(text).into()
    }
}

/// Lays a table out: a heading and a line a row, each ended by a newline and none wider than `columns`.
///
/// A width of 0 counts as 1. Without columns the text is empty.
#[must_use]
pub fn table(table: &[Column], columns: usize, colours: bool) -> String {
    let shown = fit(table, columns.max(1));
    let mut text = line(&shown, colours, |column| {
        Cell::from(column.header.as_str()).tone(Tone::Strong)
    });
    let rows = table.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    for row in 0..rows {
        text += &line(&shown, colours, |column| {
            column.cells.get(row).cloned().unwrap_or_default()
        });
    }
    text
}

/// The columns that are shown, with their widths.
fn fit(table: &[Column], room: usize) -> Vec<(&Column, usize)> {
    let mut shown: Vec<_> = table.iter().map(|column| (column, column.natural_width())).collect();
    while total(&shown) > room {
        let last = shown.iter().enumerate().filter(|(_, (column, _))| column.priority > 0);
        match last.max_by_key(|(_, (column, _))| column.priority).map(|(at, _)| at) {
            Some(at) if shown.len() > 1 => drop(shown.remove(at)),
            _ => break,
        }
    }
    // What stays is wanted: a column goes only where not even an ellipsis a column would fit, else the widest are cut.
    while shown.len() > 1 && shown.len() + GAP * (shown.len() - 1) > room {
        shown.pop();
    }
    while total(&shown) > room {
        let Some((_, widest)) = shown.iter_mut().max_by_key(|(_, width)| *width) else {
            break;
        };
        *widest -= 1;
    }
    shown
}

fn total(shown: &[(&Column, usize)]) -> usize {
    let widths: usize = shown.iter().map(|(_, width)| *width).sum();
    widths + GAP * shown.len().saturating_sub(1)
}

fn line(shown: &[(&Column, usize)], colours: bool, cell: impl Fn(&Column) -> Cell) -> String {
    let mut text = String::new();
    for (at, (column, columns)) in shown.iter().enumerate() {
        let cell = cell(column);
        let shown_text = cell.shown();
        let kept = cut(&shown_text, *columns);
        let padding = spaces(columns.saturating_sub(width(&kept)));
        let painted = cell.tone.paint(&kept, colours);
        if at > 0 {
            text += &spaces(GAP);
        }
        text += &match column.align {
            Align::Left => painted + &padding,
            Align::Right => padding + &painted,
        };
    }
    text.truncate(text.trim_end_matches(' ').len());
    if !shown.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<Column> {
        vec![
            Column::number("#", 0, ["1", "12"]),
            Column::text("symbol", 0, ["QXAB", "ZX"]),
            Column::text("name", 2, [Some("Synthetic 0001 Inc"), None]).at_most(12),
            Column::number("merit", 1, [Some("88.1"), Some("7.0")]),
        ]
    }

    #[test]
    fn fits_any_width() {
        let check = |columns: usize, expect: &str| assert_eq!(table(&example(), columns, false), expect, "{columns}");
        check(
            80,
            " #  symbol  name          merit\n \
              1  QXAB    Synthetic 0…   88.1\n\
             12  ZX      -               7.0\n",
        );
        check(31, &table(&example(), 80, false));
        check(30, " #  symbol  merit\n 1  QXAB     88.1\n12  ZX        7.0\n");
        check(16, " #  symbol\n 1  QXAB\n12  ZX\n");
        check(8, " #  sym…\n 1  QXAB\n12  ZX\n");
        check(6, " #  s…\n 1  Q…\n12  ZX\n");
        check(5, " #  …\n 1  …\n12  …\n");
        check(3, " #\n 1\n12\n");
        check(1, "#\n1\n…\n");
        check(0, "#\n1\n…\n");
    }

    #[test]
    fn no_line_is_ever_wider_than_the_terminal() {
        let mut wide = example();
        wide.push(Column::text("日本", 0, ["語語語語", "a\nb\u{1b}[31m"]));
        for columns in 0..60 {
            let text = table(&wide, columns, false);
            assert_eq!(text.lines().count(), 3, "{text}");
            for line in text.lines() {
                assert!(width(line) <= columns.max(1), "{columns}: {line:?}");
            }
        }
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut coloured = example();
        coloured[1].cells[0].tone = Tone::Good;
        let plain = table(&coloured, 80, false);
        let painted = table(&coloured, 80, true);
        assert!(painted.contains("\u{1b}[32mQXAB\u{1b}[0m"));
        let mut stripped = painted;
        for code in ["\u{1b}[32m", "\u{1b}[1m", "\u{1b}[0m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn empty_tables_have_a_heading_and_no_columns_have_nothing() {
        assert_eq!(table(&[Column::text("a", 0, Vec::<String>::new())], 80, false), "a\n");
        assert_eq!(table(&[], 80, false), "");
    }
}
