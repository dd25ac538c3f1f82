//! Two rankings compared: who entered, who left, who moved, which term moved it, and why a symbol is not ranked.
//!
//! It reads the scored and rejected tables as they are and computes no score anew: the terms are those of
//! [`super::explain`]. The dates of the two may differ.

use std::collections::{BTreeMap, BTreeSet};

use super::explain::{Row, Score, Term, Unbalanced, ranked_by};

/// Points below which a term counts as unchanged: twice what two right implementations may differ by.
const UNCHANGED: f64 = 2e-9;

/// One date's tables of a run.
#[derive(Clone, Default)]
pub struct Ranking<'a> {
    /// Scored rows by symbol; of a file that holds the ranking alone, those.
    pub scored: BTreeMap<&'a str, &'a dyn Row>,
    /// Rejected symbols.
    pub rejected: BTreeMap<&'a str, Reject<'a>>,
}

/// Why the universe or data stage rejected a symbol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reject<'a> {
    /// `universe` or `data`.
    pub stage: &'a str,
    /// The first reason that held.
    pub reason: &'a str,
    /// The value tested, where the reason has one.
    pub value: Option<f64>,
    /// The option that it failed.
    pub limit: Option<f64>,
}

/// What became of a symbol from the old ranking to the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Ranked in the new one only.
    Entered,
    /// Ranked in the old one only.
    Left,
    /// Ranked in both, at different ranks.
    Moved,
}

impl Change {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entered => "entered",
            Self::Left => "left",
            Self::Moved => "moved",
        }
    }
}

/// Why a symbol is not ranked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unranked<'a> {
    /// It was scored; the status that kept it out.
    Status(&'a str),
    /// It was rejected before.
    Rejected(Reject<'a>),
    /// No table names it.
    Absent,
}

/// A term of the score that the ranking goes by, on both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermChange {
    /// The term.
    pub name: &'static str,
    /// Points it added in the old ranking; `None` where it was no term.
    pub old: Option<f64>,
    /// Points it adds in the new one.
    pub new: Option<f64>,
}

impl TermChange {
    /// New less old, absent terms as 0.
    #[must_use]
    pub fn points(&self) -> f64 {
        self.new.unwrap_or(0.0) - self.old.unwrap_or(0.0)
    }
}

/// A symbol whose place differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference<'a> {
    /// The symbol.
    pub symbol: &'a str,
    /// What became of it.
    pub change: Change,
    /// Rank in the old ranking.
    pub old_rank: Option<i64>,
    /// Rank in the new one.
    pub new_rank: Option<i64>,
    /// The column that the terms add up to, where both sides have it: `merit` or `tech_rating`.
    pub score: Option<&'static str>,
    /// That column's old and new value.
    pub values: Option<(f64, f64)>,
    /// Its terms, in the order of the formula, those without points on both sides left out.
    pub terms: Vec<TermChange>,
    /// The term that changed most; `None` where none changed, so that others moved the symbol.
    pub largest: Option<TermChange>,
    /// Why it is not ranked on the side where it is not.
    pub why: Option<Unranked<'a>>,
}

/// What differs between two rankings: entered by new rank, left by old rank, moved by new rank.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Differences<'a> {
    /// In that order.
    pub rows: Vec<Difference<'a>>,
    /// Symbols ranked in both at one rank.
    pub unmoved: usize,
}

/// Compares two rankings.
///
/// # Errors
/// A score of a ranked row is not the sum of its terms.
pub fn differences<'a>(old: &Ranking<'a>, new: &Ranking<'a>) -> Result<Differences<'a>, Unbalanced> {
    let (before, after) = (old.ranks(), new.ranks());
    let symbols: BTreeSet<&'a str> = before.keys().chain(after.keys()).copied().collect();
    let mut found = Differences::default();
    for symbol in symbols {
        let (old_rank, new_rank) = (before.get(symbol).copied(), after.get(symbol).copied());
        let (change, why) = match (old_rank, new_rank) {
            (Some(old_rank), Some(new_rank)) if old_rank == new_rank => {
                found.unmoved += 1;
                continue;
            }
            (Some(_), Some(_)) => (Change::Moved, None),
            (None, _) => (Change::Entered, Some(old.unranked(symbol))),
            (_, None) => (Change::Left, Some(new.unranked(symbol))),
        };
        let mut difference = Difference {
            symbol,
            change,
            old_rank,
            new_rank,
            score: None,
            values: None,
            terms: Vec::new(),
            largest: None,
            why,
        };
        if let (Some(old), Some(new)) = (old.scored.get(symbol), new.scored.get(symbol)) {
            difference.explain(*old, *new)?;
        }
        found.rows.push(difference);
    }
    found.rows.sort_by_key(|row| {
        let by_rank = if row.change == Change::Left {
            row.old_rank
        } else {
            row.new_rank
        };
        (row.change as u8, by_rank, row.symbol)
    });
    Ok(found)
}

impl<'a> Ranking<'a> {
    fn ranks(&self) -> BTreeMap<&'a str, i64> {
        // Ranks are whole numbers up to 100,000.
        #[allow(clippy::cast_possible_truncation)]
        let rank = |row: &dyn Row| row.number("rank").map(|rank| rank as i64);
        let ranked = self
            .scored
            .iter()
            .filter_map(|(symbol, row)| Some((*symbol, rank(*row)?)));
        ranked.collect()
    }

    /// Why a symbol is not ranked here.
    #[must_use]
    pub fn unranked(&self, symbol: &str) -> Unranked<'a> {
        if let Some(row) = self.scored.get(symbol) {
            return Unranked::Status(row.text("status").unwrap_or("unranked"));
        }
        self.rejected
            .get(symbol)
            .map_or(Unranked::Absent, |reject| Unranked::Rejected(*reject))
    }
}

impl Difference<'_> {
    /// Says which terms changed, where both sides are ranked by the same score.
    fn explain(&mut self, old: &dyn Row, new: &dyn Row) -> Result<(), Unbalanced> {
        let (Some(old), Some(new)) = (ranked_by(old)?, ranked_by(new)?) else {
            return Ok(());
        };
        if old.name != new.name {
            return Ok(());
        }
        let (old, new) = (as_ranked(old), as_ranked(new));
        self.score = Some(new.name);
        self.values = Some((old.value, new.value));
        self.terms = changes(&old.terms, &new.terms);
        let changed = self.terms.iter().filter(|term| term.points().abs() > UNCHANGED);
        self.largest = changed.fold(None, |most: Option<TermChange>, term| match most {
            Some(most) if most.points().abs() >= term.points().abs() => Some(most),
            _ => Some(*term),
        });
        Ok(())
    }
}

/// The rating ranks by its size: a short's terms are read with their signs turned.
fn as_ranked(mut score: Score) -> Score {
    if score.name == "tech_rating" && score.value < 0.0 {
        score.value = -score.value;
        score.terms.iter_mut().for_each(|term| term.points = -term.points);
    }
    score
}

/// The terms of both sides by name: the new side's order, then those that the old side alone has.
fn changes(old: &[Term], new: &[Term]) -> Vec<TermChange> {
    let of = |terms: &[Term], name: &str| terms.iter().find(|term| term.name == name).map(|term| term.points);
    let gone = old.iter().filter(|term| of(new, term.name).is_none());
    let change = |term: &Term| TermChange {
        name: term.name,
        old: of(old, term.name),
        new: of(new, term.name),
    };
    let changes = new.iter().chain(gone).map(change);
    let has_points = |term: &TermChange| [term.old, term.new].into_iter().flatten().any(|points| points != 0.0);
    changes.filter(has_points).collect()
}

#[cfg(test)]
mod tests {
    use super::super::explain::Value;
    use super::*;

    type Cells = BTreeMap<&'static str, Value>;

    /// A scored row that is ranked by its rating, of trend and momentum alone and fully calm.
    fn row(rank: Option<i32>, status: &str, trend: f64, momentum: f64) -> Cells {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut cells = BTreeMap::from([
            ("status", text(status)),
            ("trend_score", Value::Number(trend)),
            ("momentum_score", Value::Number(momentum)),
            ("stability", Value::Number(1.0)),
            ("tech_rating", Value::Number(3.0 * trend + 3.0 * momentum)),
        ]);
        if let Some(rank) = rank {
            cells.insert("rank", Value::Number(f64::from(rank)));
        }
        cells
    }

    fn ranking<'a>(rows: &'a [(&'static str, Cells)], rejected: &[(&'static str, Reject<'a>)]) -> Ranking<'a> {
        Ranking {
            scored: rows.iter().map(|(symbol, row)| (*symbol, row as &dyn Row)).collect(),
            rejected: rejected.iter().copied().collect(),
        }
    }

    /// A line a difference: what, symbol, ranks, the term that moved it by how much, why it is not ranked.
    fn lines(old: &Ranking<'_>, new: &Ranking<'_>) -> Vec<String> {
        let found = differences(old, new).unwrap();
        let mut lines: Vec<String> = found
            .rows
            .iter()
            .map(|row| {
                let rank = |rank: Option<i64>| rank.map_or("-".to_owned(), |rank| rank.to_string());
                let moved = row
                    .largest
                    .map_or("none".to_owned(), |term| format!("{} {:+}", term.name, term.points()));
                let why = match row.why {
                    None => String::new(),
                    Some(Unranked::Status(status)) => format!(", {status}"),
                    Some(Unranked::Rejected(reject)) => format!(", {} {}", reject.stage, reject.reason),
                    Some(Unranked::Absent) => ", absent".to_owned(),
                };
                format!(
                    "{} {} {}>{} {moved}{why}",
                    row.change.name(),
                    row.symbol,
                    rank(row.old_rank),
                    rank(row.new_rank)
                )
            })
            .collect();
        lines.push(format!("{} unmoved", found.unmoved));
        lines
    }

    #[test]
    fn every_place_that_differs_has_its_reason() {
        let reject = Reject {
            stage: "data",
            reason: "min_price",
            value: Some(4.0),
            limit: Some(5.0),
        };
        let old = [
            ("A", row(Some(1), "ranked", 3.0, 3.0)),
            ("B", row(Some(2), "ranked", 3.0, 3.0)),
            ("C", row(Some(3), "ranked", 3.0, 2.5)),
            ("D", row(Some(4), "ranked", 3.0, 2.0)),
            ("E", row(None, "top", 3.0, 1.0)),
            ("F", row(Some(5), "ranked", 3.0, 1.5)),
        ];
        let new = [
            ("A", row(Some(1), "ranked", 2.0, 3.0)),
            ("B", row(Some(3), "ranked", 3.0, 3.0)),
            ("C", row(Some(4), "ranked", 2.5, 3.0)),
            ("D", row(None, "side", 1.0, 2.5)),
            ("E", row(Some(2), "ranked", 3.0, 3.0)),
            ("G", row(Some(5), "ranked", 3.0, 1.0)),
        ];
        let (old, new) = (ranking(&old, &[]), ranking(&new, &[("F", reject)]));
        assert_eq!(
            lines(&old, &new),
            [
                "entered E ->2 momentum_score +6, top",
                "entered G ->5 none, absent",
                "left D 4>- trend_score -6, side",
                "left F 5>- none, data min_price",
                "moved B 2>3 none",
                // Of two equal changes the formula's first is named.
                "moved C 3>4 trend_score -1.5",
                "1 unmoved",
            ]
        );
        assert_eq!(lines(&old, &old), ["5 unmoved"]);
    }

    #[test]
    fn a_short_rises_by_falling() {
        let old = [("A", row(Some(2), "ranked", -3.0, -2.0))];
        let new = [("A", row(Some(1), "ranked", -3.0, -3.0))];
        let found = differences(&ranking(&old, &[]), &ranking(&new, &[])).unwrap();
        assert_eq!(found.rows[0].values, Some((15.0, 18.0)));
        assert_eq!(
            found.rows[0].largest.map(|term| (term.name, term.points())),
            Some(("momentum_score", 3.0))
        );
    }

    #[test]
    fn a_score_that_is_not_its_terms_is_refused() {
        let mut damaged = row(Some(1), "ranked", 3.0, 3.0);
        damaged.insert("tech_rating", Value::Number(17.0));
        let (old, new) = ([("A", damaged)], [("A", row(Some(2), "ranked", 3.0, 3.0))]);
        let refused = differences(&ranking(&old, &[]), &ranking(&new, &[])).unwrap_err();
        assert_eq!(refused.to_string(), "tech_rating is 17, and its terms add up to 18");
    }
}
