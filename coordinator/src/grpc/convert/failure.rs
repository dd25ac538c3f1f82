//! A failure in a status's details: the reader at the other end sees the same text and ends with the same exit status.

use tickfleet_proto::wire;
use tickfleet_runtime::failure::{Excerpt, ExitStatus, Failure, FailureKind, Place};
use tonic::{Code, Status};

use crate::grpc::limits::FAILURE_BYTES_MAX;

/// What is left of each text of a failure that is too large as a whole, in characters.
const TEXT_LEFT: usize = 200;
/// What is left of each of its lists.
const ITEMS_LEFT: usize = 8;

/// A failure as the status of a call.
pub(crate) fn status_of(failure: &Failure) -> Status {
    let code = code_of(failure);
    let mut encoded = to_wire(failure);
    if encoded.size() > FAILURE_BYTES_MAX {
        encoded = to_wire(&shortened(failure));
    }
    let details = encoded.to_details(code.into());
    Status::with_details(code, encoded.what, details)
}

/// The failure in a status's details; `None` where it has none.
pub(crate) fn failure_of(status: &Status) -> Option<Failure> {
    wire::Failure::from_details(status.details()).map(from_wire)
}

/// What programs that know nothing of our failures are told.
fn code_of(failure: &Failure) -> Code {
    match (failure.kind, failure.status) {
        (_, ExitStatus::Unreachable) => Code::Unavailable,
        (_, ExitStatus::Detached) => Code::Cancelled,
        (FailureKind::NotFound, _) => Code::NotFound,
        (FailureKind::Exists, _) => Code::AlreadyExists,
        (FailureKind::Precondition, _) => Code::FailedPrecondition,
        (FailureKind::Exhausted, _) => Code::ResourceExhausted,
        (FailureKind::Other, ExitStatus::BadInput) => Code::InvalidArgument,
        (FailureKind::Other, ExitStatus::Failed | ExitStatus::Succeeded) => Code::Internal,
    }
}

fn shortened(failure: &Failure) -> Failure {
    let cut = |text: &String| -> String { text.chars().take(TEXT_LEFT).collect() };
    let place = |place: &Place| match place {
        Place::Named(name) => Place::Named(cut(name)),
        Place::Excerpt(excerpt) => Place::Excerpt(Excerpt {
            file: cut(&excerpt.file),
            text: cut(&excerpt.text),
            ..excerpt.clone()
        }),
    };
    Failure {
        status: failure.status,
        kind: failure.kind,
        what: cut(&failure.what),
        places: failure.places.iter().take(ITEMS_LEFT).map(place).collect(),
        why: failure.why.iter().take(ITEMS_LEFT).map(cut).collect(),
        help: failure.help.iter().take(ITEMS_LEFT).map(cut).collect(),
    }
}

fn to_wire(failure: &Failure) -> wire::Failure {
    let status = match failure.status {
        ExitStatus::Succeeded => wire::ExitStatus::Succeeded,
        ExitStatus::Failed => wire::ExitStatus::Failed,
        ExitStatus::BadInput => wire::ExitStatus::BadInput,
        ExitStatus::Unreachable => wire::ExitStatus::Unreachable,
        ExitStatus::Detached => wire::ExitStatus::Detached,
    };
    let kind = match failure.kind {
        FailureKind::Other => wire::FailureKind::Other,
        FailureKind::NotFound => wire::FailureKind::NotFound,
        FailureKind::Exists => wire::FailureKind::Exists,
        FailureKind::Precondition => wire::FailureKind::Precondition,
        FailureKind::Exhausted => wire::FailureKind::Exhausted,
    };
    wire::Failure {
        status: status.into(),
        kind: kind.into(),
        what: failure.what.clone(),
        places: failure.places.iter().map(place_to_wire).collect(),
        why: failure.why.clone(),
        help: failure.help.clone(),
    }
}

/// What a later version may say that this one does not know becomes a plain failure.
fn from_wire(failure: wire::Failure) -> Failure {
    let status = match wire::ExitStatus::try_from(failure.status) {
        Ok(wire::ExitStatus::Succeeded) => ExitStatus::Succeeded,
        Ok(wire::ExitStatus::BadInput) => ExitStatus::BadInput,
        Ok(wire::ExitStatus::Unreachable) => ExitStatus::Unreachable,
        Ok(wire::ExitStatus::Detached) => ExitStatus::Detached,
        Ok(wire::ExitStatus::Failed) | Err(_) => ExitStatus::Failed,
    };
    let kind = match wire::FailureKind::try_from(failure.kind) {
        Ok(wire::FailureKind::NotFound) => FailureKind::NotFound,
        Ok(wire::FailureKind::Exists) => FailureKind::Exists,
        Ok(wire::FailureKind::Precondition) => FailureKind::Precondition,
        Ok(wire::FailureKind::Exhausted) => FailureKind::Exhausted,
        Ok(wire::FailureKind::Other) | Err(_) => FailureKind::Other,
    };
    Failure {
        status,
        kind,
        what: failure.what,
        places: failure.places.into_iter().filter_map(place_from_wire).collect(),
        why: failure.why,
        help: failure.help,
    }
}

fn place_to_wire(place: &Place) -> wire::Place {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = match place {
        Place::Named(name) => wire::place::Place::Named(name.clone()),
        Place::Excerpt(excerpt) => wire::place::Place::Excerpt(wire::Excerpt {
            file: excerpt.file.clone(),
            line: number(excerpt.line),
            column: number(excerpt.column),
            text: excerpt.text.clone(),
            width: number(excerpt.width),
        }),
    };
    wire::Place { place: Some(place) }
}

fn place_from_wire(place: wire::Place) -> Option<Place> {
    // Numbers of 32 bits fit on every machine that runs this.
    let number = |number: u32| number as usize;
    Some(match place.place? {
        wire::place::Place::Named(name) => Place::Named(name),
        wire::place::Place::Excerpt(excerpt) => Place::Excerpt(Excerpt {
            file: excerpt.file,
            line: number(excerpt.line),
            column: number(excerpt.column),
            text: excerpt.text,
            width: number(excerpt.width),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Failure {
        let excerpt = Excerpt {
            file: "t.toml".to_owned(),
            line: 3,
            column: 2,
            text: "x = 1".to_owned(),
            width: 1,
        };
        Failure::new(ExitStatus::BadInput, "no")
            .of_kind(FailureKind::NotFound)
            .at("flag --bars")
            .at_place(Place::Excerpt(excerpt))
            .why("because")
            .help("mend it")
    }

    #[test]
    fn a_failure_comes_back_whole() {
        for status in [
            ExitStatus::Failed,
            ExitStatus::BadInput,
            ExitStatus::Unreachable,
            ExitStatus::Detached,
        ] {
            let failure = Failure { status, ..full() };
            let status = status_of(&failure);
            assert_eq!(failure_of(&status), Some(failure));
            assert_eq!(status.message(), "no");
        }
    }

    #[test]
    fn codes_are_the_customary_ones() {
        let failure = |status, kind| Failure::new(status, "x").of_kind(kind);
        for (failure, code) in [
            (failure(ExitStatus::BadInput, FailureKind::Other), Code::InvalidArgument),
            (failure(ExitStatus::BadInput, FailureKind::NotFound), Code::NotFound),
            (failure(ExitStatus::BadInput, FailureKind::Exists), Code::AlreadyExists),
            (
                failure(ExitStatus::BadInput, FailureKind::Precondition),
                Code::FailedPrecondition,
            ),
            (
                failure(ExitStatus::Failed, FailureKind::Exhausted),
                Code::ResourceExhausted,
            ),
            (failure(ExitStatus::Failed, FailureKind::Other), Code::Internal),
            (failure(ExitStatus::Unreachable, FailureKind::Other), Code::Unavailable),
        ] {
            assert_eq!(status_of(&failure).code(), code, "{failure:?}");
        }
    }

    #[test]
    fn a_failure_too_large_for_a_header_is_cut_and_stays_a_failure() {
        let long = "é".repeat(FAILURE_BYTES_MAX);
        let failure = (0..100).fold(full().at(&long), |failure, at| failure.why(format!("{at} {long}")));
        let status = status_of(&failure);
        assert!(status.details().len() < FAILURE_BYTES_MAX);
        let back = failure_of(&status).expect("a failure");
        assert_eq!(
            (back.status, back.kind, back.what.as_str()),
            (failure.status, failure.kind, "no")
        );
        assert!(back.why[1].starts_with("0 éé"), "{}", back.why[1]);
    }

    #[test]
    fn a_status_of_others_holds_no_failure() {
        assert_eq!(failure_of(&Status::internal("x")), None);
        let garbage = Status::with_details(Code::Internal, "x", b"\xff\xff\xff".as_slice().into());
        assert_eq!(failure_of(&garbage), None);
    }
}
