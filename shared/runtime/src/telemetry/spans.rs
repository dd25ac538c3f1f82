//! Every span: its name, kind, attributes, and what it covers. The document of spans is held against this list, and so
//! is what a collector receives.

/// A span.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// Its name; a part in capitals stands for what varies.
    pub name: &'static str,
    /// Its OpenTelemetry kind.
    pub kind: &'static str,
    /// Attributes that it may have, besides `error.type` where it failed.
    pub attributes: &'static [&'static str],
    /// What it covers.
    pub covers: &'static str,
}

impl Described {
    /// Whether a span of this name is meant: word by word the same, but for those in capitals.
    pub fn is_meant_by(&self, name: &str) -> bool {
        let (ours, theirs) = (parts(self.name), parts(name));
        let agree = |((our, end), (their, its_end)): (&(&str, &str), &(&str, &str))| {
            let varies = our.bytes().all(|byte| byte.is_ascii_uppercase());
            end == its_end && (our == their || varies)
        };
        ours.len() == theirs.len() && ours.iter().zip(&theirs).all(agree)
    }
}

/// The words of a name, each with what ends it.
fn parts(name: &str) -> Vec<(&str, &str)> {
    let parts = name.split_inclusive([' ', '/']);
    let parts = parts.map(|part| part.split_at(part.trim_end_matches([' ', '/']).len()));
    parts.collect()
}

/// Every span, in the order of a run.
pub static ALL: &[Described] = &[
    Described {
        name: "submit JOB",
        kind: "internal",
        attributes: &["tickfleet.run_id"],
        covers: "the command, from reading its inputs to its result, or to where it leaves the run",
    },
    Described {
        name: "SERVICE/METHOD",
        kind: "server",
        attributes: &["rpc.system.name", "rpc.method", "rpc.response.status_code"],
        covers: "a call to a coordinator, to its last byte",
    },
    Described {
        name: "send KIND/VERSION",
        kind: "producer",
        attributes: &[
            "messaging.system",
            "messaging.operation.name",
            "messaging.operation.type",
            "messaging.destination.name",
            "messaging.batch.message_count",
            "tickfleet.run_id",
        ],
        covers: "handing the run to the queue; the creation context of its jobs",
    },
    Described {
        name: "process KIND/VERSION/STAGE",
        kind: "consumer",
        attributes: &[
            "messaging.system",
            "messaging.operation.name",
            "messaging.operation.type",
            "messaging.destination.name",
            "messaging.message.id",
            "messaging.message.conversation_id",
            "messaging.client.id",
            "tickfleet.run_id",
            "tickfleet.stage",
            "tickfleet.job",
            "tickfleet.attempt",
            "tickfleet.outcome",
            "tickfleet.links.omitted",
        ],
        covers: "one delivery of a job to a worker, from its claim to its outcome at the queue",
    },
    Described {
        name: "fetch",
        kind: "internal",
        attributes: &[],
        covers: "reading the job's input",
    },
    Described {
        name: "compute",
        kind: "internal",
        attributes: &[],
        covers: "the kernel on its lane, decoding and encoding with it",
    },
    Described {
        name: "commit",
        kind: "client",
        attributes: &[
            "messaging.system",
            "messaging.operation.name",
            "messaging.operation.type",
        ],
        covers: "the call that tells the queue of the result, shared with other jobs",
    },
    Described {
        name: "fail",
        kind: "client",
        attributes: &[
            "messaging.system",
            "messaging.operation.name",
            "messaging.operation.type",
        ],
        covers: "the call that tells the queue of the failure, shared with other jobs",
    },
];

/// The description of the span of this name.
pub fn described(name: &str) -> Option<&'static Described> {
    ALL.iter().find(|it| it.is_meant_by(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_description() {
        for (name, expect) in [
            ("submit scan", Some("submit JOB")),
            ("cluster.v1.Cluster/Submit", Some("SERVICE/METHOD")),
            ("send scan/1", Some("send KIND/VERSION")),
            ("process scan/1/map", Some("process KIND/VERSION/STAGE")),
            ("commit", Some("commit")),
            ("process scan/1", None),
            ("something else", None),
        ] {
            assert_eq!(described(name).map(|it| it.name), expect, "{name}");
        }
    }
}
