//! Time-weighted averages: Σ f·Δns over pieces in time order, over the length on which f exists.

use crate::features::band::BANDS;
use crate::features::book::{Measures, Priced};

/// The sums of one bar so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    ns: i64,
    priced_ns: i64,
    booked: Booked,
    priced: PricedMeans,
}

/// Averages, or sums on the way to them, of what every book has.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Booked {
    pub(super) obi0: f64,
    pub(super) obi10: f64,
    pub(super) depth10: [f64; 2],
}

/// Averages, or sums on the way to them, of what only a priced book has.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PricedMeans {
    pub(super) micro: f64,
    pub(super) spread: f64,
    pub(super) cdi: [f64; BANDS],
    /// Sizes below and above.
    pub(super) depth: [[f64; BANDS]; 2],
    /// Their shares.
    pub(super) share: [[f64; BANDS]; 2],
}

/// The averages of a bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Averages {
    pub(super) booked: Booked,
    /// Null when no book of the bar was priced.
    pub(super) priced: Option<PricedMeans>,
    /// Time with a priced book, ns.
    pub(super) priced_ns: i64,
}

impl Sums {
    /// The book with these measures stood for `ns`.
    pub(super) fn add(&mut self, measures: &Measures, ns: i64) {
        let dt = ns as f64;
        self.ns += ns;
        self.booked.obi0 += measures.obi0 * dt;
        self.booked.obi10 += measures.obi10 * dt;
        self.booked.depth10[0] += measures.depth10[0] as f64 * dt;
        self.booked.depth10[1] += measures.depth10[1] as f64 * dt;
        let Some(priced) = &measures.priced else {
            return;
        };
        self.priced_ns += ns;
        let sums = &mut self.priced;
        sums.micro += priced.micro * dt;
        sums.spread += priced.spread * dt;
        for band in 0..BANDS {
            // An empty band adds zeros, which change no sum.
            if priced.below[band] | priced.above[band] != 0 {
                sums.cdi[band] += priced.cdi[band] * dt;
                sums.depth[0][band] += priced.below[band] as f64 * dt;
                sums.depth[1][band] += priced.above[band] as f64 * dt;
                sums.share[0][band] += priced.below_frac[band] * dt;
                sums.share[1][band] += priced.above_frac[band] * dt;
            }
        }
    }

    /// The averages over what was added. A bar that has a row had a book for some of it.
    pub(super) fn averages(&self) -> Averages {
        let (ns, priced_ns) = (self.ns as f64, self.priced_ns as f64);
        let (booked, sums) = (&self.booked, &self.priced);
        let by_band = |sums: &[f64; BANDS]| sums.map(|sum| sum / priced_ns);
        Averages {
            booked: Booked {
                obi0: booked.obi0 / ns,
                obi10: booked.obi10 / ns,
                depth10: booked.depth10.map(|sum| sum / ns),
            },
            priced: (self.priced_ns > 0).then(|| PricedMeans {
                micro: sums.micro / priced_ns,
                spread: sums.spread / priced_ns,
                cdi: by_band(&sums.cdi),
                depth: [by_band(&sums.depth[0]), by_band(&sums.depth[1])],
                share: [by_band(&sums.share[0]), by_band(&sums.share[1])],
            }),
            priced_ns: self.priced_ns,
        }
    }
}

impl Averages {
    /// The averages of a bar in which nothing changed: the measures themselves, to the bit.
    pub(super) fn constant(measures: &Measures, ns: i64) -> Self {
        let mean = |priced: &Priced| PricedMeans {
            micro: priced.micro,
            spread: priced.spread,
            cdi: priced.cdi,
            depth: [
                priced.below.map(|size| size as f64),
                priced.above.map(|size| size as f64),
            ],
            share: [priced.below_frac, priced.above_frac],
        };
        Self {
            booked: Booked {
                obi0: measures.obi0,
                obi10: measures.obi10,
                depth10: measures.depth10.map(|size| size as f64),
            },
            priced: measures.priced.as_ref().map(mean),
            priced_ns: if measures.priced.is_some() { ns } else { 0 },
        }
    }
}
