//! `noop/1`: jobs that read nothing and compute nothing that matters, to measure and test what is around computing.
//!
//! A run's payload says what each job costs and how large its result is. The result is a function of the job and the
//! payload, as any other, so a repeated run computes nothing; another seed makes it another run.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tickfleet_protocol::digest::Digester;
use tickfleet_protocol::identity::canonical;
use tickfleet_protocol::ids::{Identity, JobRef};
use tickfleet_protocol::limits::MAX_RESULT_BYTES;

use crate::error::JobError;

/// Version of what it computes: raised with every change that can change a result byte.
pub const VERSION: &str = "noop/1";

/// What the jobs of a run do; its JSON is the run's payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noop {
    /// Microseconds that each job keeps a lane busy.
    pub cost_us: u64,
    /// Bytes of each result, at most [`MAX_RESULT_BYTES`].
    pub result_bytes: u64,
    /// Tells runs of the same shape apart.
    pub seed: u64,
}

impl Noop {
    /// The payload of a run.
    pub fn encode(&self) -> Bytes {
        canonical(self).into()
    }

    /// From the payload of a run.
    ///
    /// # Errors
    /// The bytes are no such payload, or ask for too large a result.
    pub fn decode(payload: &[u8]) -> Result<Self, JobError> {
        let noop: Self = serde_json::from_slice(payload).map_err(JobError::Noop)?;
        if noop.result_bytes > MAX_RESULT_BYTES as u64 {
            let too_large = format!(
                "result_bytes is {}, allowed is at most {MAX_RESULT_BYTES}",
                noop.result_bytes
            );
            return Err(JobError::Noop(serde::de::Error::custom(too_large)));
        }
        Ok(noop)
    }

    /// Identity of a job's result.
    pub fn identity(&self, job: &JobRef) -> Identity {
        let mut digester = Digester::new("noop");
        digester.part(VERSION.as_bytes()).part(&canonical(self));
        digester
            .part(&job.stage.0.to_le_bytes())
            .part(&job.index.0.to_le_bytes());
        Identity(digester.finish().0)
    }

    /// Computes a job's result: its identity, over and over.
    pub fn compute(&self, job: &JobRef) -> Bytes {
        let (began, cost) = (Instant::now(), Duration::from_micros(self.cost_us));
        // Decoding has seen that the size is one of memory.
        let bytes = usize::try_from(self.result_bytes).unwrap_or(MAX_RESULT_BYTES);
        let result = self.identity(job).0.iter().copied().cycle().take(bytes).collect();
        while began.elapsed() < cost {
            std::hint::spin_loop();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::{JobIndex, Millis, RunId, StageIndex};

    use super::*;

    fn job(run: u8, index: u64) -> JobRef {
        JobRef {
            run: RunId::from_parts(Millis(7), [run; 10]),
            stage: StageIndex(0),
            index: JobIndex(index),
        }
    }

    #[test]
    fn a_result_is_that_of_its_job_and_payload_and_of_no_run() {
        let noop = Noop {
            cost_us: 0,
            result_bytes: 70,
            seed: 1,
        };
        assert_eq!(Noop::decode(&noop.encode()).unwrap(), noop);
        assert_eq!(noop.compute(&job(1, 5)).len(), 70);
        assert_eq!(noop.compute(&job(1, 5)), noop.compute(&job(2, 5)));
        assert_ne!(noop.compute(&job(1, 5)), noop.compute(&job(1, 6)));
        assert_ne!(noop.identity(&job(1, 5)), Noop { seed: 2, ..noop }.identity(&job(1, 5)));
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for payload in ["", "{}", r#"{"cost_us":0,"result_bytes":99999999999,"seed":0}"#] {
            assert!(Noop::decode(payload.as_bytes()).is_err(), "{payload}");
        }
        let error = Noop::decode(br#"{"cost_us":0,"result_bytes":0,"seed":0,"size":1}"#).unwrap_err();
        assert!(error.chain().contains("size"), "{}", error.chain());
    }
}
