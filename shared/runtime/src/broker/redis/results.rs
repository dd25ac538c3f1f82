//! Results: found on whichever shard has them, moved in pieces that hold nobody else up.
//!
//! A result lies on the shard of the run that committed it, one that belongs to no run on the shard of its identity. So
//! a look-up first asks all shards side by side which results they have, and then moves each from one of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::try_join_all;
use tickfleet_protocol::ids::Identity;

use super::{RedisBroker, fault::malformed, scripts};
use crate::broker::{Result, bounds};

/// Bytes of results in one command, unless a single result is longer: some milliseconds of the server's time.
const BYTES_AT_ONCE: u64 = 4 << 20;

/// Where a result is, and how long it is in bytes.
#[derive(Clone, Copy)]
struct Place {
    shard: u16,
    bytes: u64,
}

impl RedisBroker {
    /// The results under some identities, whichever shards have them.
    pub(super) async fn read_results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        bounds::batch("results", identities.len())?;
        if let [identity] = identities
            && self.server.layout.shards().len() == 1
        {
            return self.fetch(0, &[*identity]).await;
        }
        let mut by_shard = BTreeMap::<u16, Vec<(usize, u64)>>::new();
        for (nth, place) in self.locate("results", identities).await?.into_iter().enumerate() {
            if let Some(Place { shard, bytes }) = place {
                by_shard.entry(shard).or_default().push((nth, bytes));
            }
        }
        let pieces = by_shard.iter().map(|(&shard, sizes)| async move {
            let mut found = Vec::with_capacity(sizes.len());
            for piece in pieces(sizes, |&(_, bytes)| bytes) {
                let wanted: Vec<Identity> = piece.iter().map(|&(nth, _)| identities[nth]).collect();
                let results = self.fetch(shard, &wanted).await?;
                found.extend(piece.iter().map(|&(nth, _)| nth).zip(results));
            }
            Ok(found)
        });
        let mut results = vec![None; identities.len()];
        for (nth, result) in try_join_all(pieces).await?.into_iter().flatten() {
            results[nth] = result;
        }
        Ok(results)
    }

    /// Whether there is a result under each identity.
    pub(super) async fn look_for_results(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        bounds::batch("stored", identities.len())?;
        let places = self.locate("stored", identities).await?;
        Ok(places.iter().map(Option::is_some).collect())
    }

    /// Stores results that belong to no job, each on the shard of its identity.
    pub(super) async fn keep_results(&self, results: &[(Identity, Bytes)]) -> Result<()> {
        bounds::results("keep", results.iter().map(|(_, bytes)| bytes))?;
        let mut by_shard = BTreeMap::<u16, Vec<&(Identity, Bytes)>>::new();
        for result in results {
            by_shard
                .entry(self.server.layout.of_identity(&result.0))
                .or_default()
                .push(result);
        }
        let kept = by_shard.iter().map(|(&shard, results)| async move {
            for piece in pieces(results, |(_, bytes)| bytes.len() as u64) {
                let mut call = self.server.call(&scripts::KEEP, shard);
                call.arg(self.result_life_ms);
                for (identity, bytes) in piece {
                    call.arg(identity.to_string()).arg(&**bytes);
                }
                self.server.run::<u64>("keep", &scripts::KEEP, &call).await?;
            }
            Ok(())
        });
        match try_join_all(kept).await {
            Err(error) if super::commit::is_out_of_memory(&error) => {
                let needed = results.iter().map(|(_, bytes)| bytes.len() as u64).sum();
                Err(self.results_full("keep", None, needed, error).await)
            }
            kept => kept.map(drop),
        }
    }

    /// Where the results under some identities are.
    async fn locate(&self, operation: &'static str, identities: &[Identity]) -> Result<Vec<Option<Place>>> {
        let mut places = vec![None; identities.len()];
        if identities.is_empty() {
            return Ok(places);
        }
        let calls = self.server.layout.shards().map(|shard| {
            let mut call = self.server.call(&scripts::STORED, shard);
            for identity in identities {
                call.arg(identity.to_string());
            }
            call
        });
        let calls: Vec<_> = calls.collect();
        let replies: Vec<Vec<i64>> = self.server.run_all(operation, &scripts::STORED, &calls).await?;
        for (shard, lengths) in (0..).zip(replies) {
            if lengths.len() != places.len() {
                return Err(malformed(operation, "the number of lengths"));
            }
            for (place, length) in places.iter_mut().zip(lengths) {
                let found = u64::try_from(length).map(|bytes| Place { shard, bytes });
                *place = place.or(found.ok());
            }
        }
        Ok(places)
    }

    /// The results that a shard has.
    async fn fetch(&self, shard: u16, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        let mut read = redis::cmd("MGET");
        for identity in identities {
            read.arg(self.server.layout.result(shard, identity));
        }
        let results = self.server.query::<Vec<Option<Vec<u8>>>>(&read).await;
        let results = results.map_err(|fault| fault.during("results"))?;
        Ok(results.into_iter().map(|result| result.map(Bytes::from)).collect())
    }
}

/// Cuts items where the next one would go beyond [`BYTES_AT_ONCE`].
fn pieces<T>(items: &[T], bytes: impl Fn(&T) -> u64) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (end, item) in items.iter().enumerate() {
        if end > start && sum + bytes(item) > BYTES_AT_ONCE {
            pieces.push(&items[start..end]);
            (start, sum) = (end, 0);
        }
        sum += bytes(item);
    }
    if start < items.len() {
        pieces.push(&items[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_bounded_and_lose_nothing() {
        let check = |sizes: &[u64], expect: &[usize]| {
            let pieces = pieces(sizes, |&bytes| bytes);
            let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
            assert_eq!((lengths.as_slice(), pieces.concat()), (expect, sizes.to_vec()));
        };
        check(&[], &[]);
        check(&[0; 5], &[5]);
        check(&[BYTES_AT_ONCE, 0, 1, BYTES_AT_ONCE - 1, 1], &[2, 2, 1]);
        check(&[10 * BYTES_AT_ONCE, 1, 10 * BYTES_AT_ONCE], &[1, 1, 1]);
    }
}
