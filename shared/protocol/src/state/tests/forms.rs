//! The one JSON form of events, which programs read.

use super::*;

#[test]
fn events_have_one_json_form() {
    let run = run_id(0);
    let check = |kind: ProgressKind, json: &str| {
        assert_eq!(serde_json::to_string(&kind).unwrap(), json);
        assert_eq!(serde_json::from_str::<ProgressKind>(json).unwrap(), kind);
    };
    check(
        ProgressKind::Ended {
            state: RunState::DeadlineExceeded,
        },
        r#"{"what":"ended","state":"deadline_exceeded"}"#,
    );
    check(
        ProgressKind::Committed {
            stage: StageIndex(1),
            jobs: 2,
        },
        r#"{"what":"committed","stage":1,"jobs":2}"#,
    );
    let expired = ProgressKind::LeaseExpired {
        job: job(run, 0, 5),
        kills: 1,
    };
    check(
        expired,
        &format!(r#"{{"what":"lease_expired","job":"{run}/0/5","kills":1}}"#),
    );
}
