//! Small parts of HTTP answers and requests, as S3 and web servers write them.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;

/// The bytes that `bytes=A-B` means.
pub(crate) fn span(range: &str, length: usize) -> std::ops::Range<usize> {
    let (from, to) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .expect("one range");
    let from: usize = from.parse().expect("a number");
    let to: usize = to.parse().map_or(length, |to: usize| to + 1);
    from..to.min(length)
}

/// A name or value without its percent-escapes.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = (first == b'%').then(|| std::str::from_utf8(&tail[..2]).expect("two digits"));
        match escape {
            Some(digits) => {
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest = &tail[2..];
            }
            None => {
                bytes.push(if first == b'+' { b' ' } else { first });
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).expect("names are UTF-8")
}

/// An answer with an entity tag.
pub(crate) fn tagged(tag: &str, body: Body) -> Response {
    Response::builder()
        .header(header::ETAG, tag)
        .body(body)
        .expect("headers are well formed")
}

/// An answer of a status alone.
pub(crate) fn status(status: StatusCode) -> Response {
    Response::builder()
        .status(status)
        .body(Body::empty())
        .expect("a status")
}

/// A refusal as S3 words it.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let text = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Response::builder()
        .status(status)
        .body(Body::from(text))
        .expect("a status")
}
