//! Symbols as numbers: each canonical symbol of a process is kept once, whatever the number of blocks that name it.
//!
//! A file a day holds every symbol in every block; numbers keep such blocks small and their runs quick to compare. The
//! numbers follow the order of arrival and mean nothing outside the process: results go by the symbols themselves.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The symbols seen so far.
#[derive(Debug, Default)]
pub struct Names {
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    ids: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    /// The number of a canonical symbol, a new one if it is new.
    pub fn id(&self, symbol: &str) -> u32 {
        if let Some(id) = self.find(symbol) {
            return id;
        }
        // The table is valid after any panic: an entry is whole or absent.
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = table.ids.get(symbol) {
            return id;
        }
        let id = u32::try_from(table.names.len()).expect("fewer than 2^32 symbols");
        let name: Arc<str> = symbol.into();
        table.names.push(name.clone());
        table.ids.insert(name, id);
        id
    }

    /// The number of a symbol that was seen.
    pub fn find(&self, symbol: &str) -> Option<u32> {
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .ids
            .get(symbol)
            .copied()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table.read().unwrap_or_else(PoisonError::into_inner).names.len()
    }

    /// Looks at the symbols by their numbers; no symbol gets a number meanwhile.
    pub fn look<T>(&self, at: impl FnOnce(&[Arc<str>]) -> T) -> T {
        at(&self.table.read().unwrap_or_else(PoisonError::into_inner).names)
    }

    /// The symbol of a number.
    ///
    /// # Panics
    /// When the number is of no symbol.
    pub fn name(&self, id: u32) -> Arc<str> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).names[id as usize].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_keeps_its_number() {
        let names = Names::default();
        let ids = ["B", "A", "B"].map(|symbol| names.id(symbol));
        assert_eq!(ids[0], ids[2]);
        assert_ne!(ids[0], ids[1]);
        assert_eq!(names.name(ids[1]).as_ref(), "A");
        assert_eq!((names.find("A"), names.find("C")), (Some(ids[1]), None));
        assert_eq!(names.look(<[_]>::len), 2);
    }
}
