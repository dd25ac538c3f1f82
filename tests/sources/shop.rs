//! A server of objects in memory: enough of S3 (list, get, put, uploads in parts, delete) and of plain HTTP, on a free
//! port, with the faults that it is told to have.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use futures::stream;
use tokio::runtime::Runtime;

use crate::answers::{decoded, refusal, span, status, tagged};

/// The only key that may.
pub(crate) const KEY: &str = "AKIATESTKEY";
/// Its secret: no output may hold it.
pub(crate) const SECRET: &str = "hush/secret+of/tests";
/// Names on a page of a listing.
const PAGE: usize = 2;

/// How the server fails, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It answers 503.
    Busy,
    /// It breaks off in the middle of the body.
    Cut,
    /// It never answers.
    Silent,
    /// The object changes before it answers.
    Change,
}

/// An object.
#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    version: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    versions: u64,
    /// Faults of reads of parts of objects, in order.
    faults: VecDeque<Fault>,
    asked: Vec<String>,
    is_open: bool,
    tells_tags: bool,
}

/// A running server; it ends with its handle.
#[derive(Debug)]
pub(crate) struct Shop {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    _runtime: Runtime,
}

impl Shop {
    /// A server that asks for [`KEY`].
    pub(crate) fn s3() -> Self {
        Self::start(Shelf {
            tells_tags: true,
            ..Shelf::default()
        })
    }

    /// A server that anyone may read, with entity tags or without.
    pub(crate) fn web(tells_tags: bool) -> Self {
        Self::start(Shelf {
            is_open: true,
            tells_tags,
            ..Shelf::default()
        })
    }

    fn start(shelf: Shelf) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let shelf = Arc::new(Mutex::new(shelf));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().fallback(answer).with_state(shelf.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            shelf,
            _runtime: runtime,
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("no handler panics")
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts an object, `bucket/key`.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.shelf().put(name, Bytes::copy_from_slice(bytes));
    }

    /// An object's bytes.
    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        self.shelf().objects.get(name).map(|object| object.bytes.clone())
    }

    /// The names of its objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.shelf().objects.keys().cloned().collect()
    }

    /// Uploads in parts that are neither joined nor given up.
    pub(crate) fn open_uploads(&self) -> usize {
        self.shelf().uploads.len()
    }

    /// Has the next reads of parts of objects fail so.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shelf().faults.extend(faults);
    }

    /// Faults that nobody has met yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.shelf().faults.len()
    }

    /// What it was asked since the last time: method, path and range.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shelf().asked)
    }

    /// What a program needs in its environment to use it as S3.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }
}

/// Variables as [`super::market::Tables::of`] takes them.
pub(crate) fn pairs<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

impl Shelf {
    fn put(&mut self, name: &str, bytes: Bytes) {
        self.versions += 1;
        let version = self.versions;
        self.objects.insert(name.to_owned(), Object { bytes, version });
    }
}

type Shared = State<Arc<Mutex<Shelf>>>;

async fn answer(State(shelf): Shared, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.expect("requests are small");
    let name = decoded(parts.uri.path().trim_start_matches('/'));
    let query: BTreeMap<String, String> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), decoded(value)))
        .collect();
    let fault = {
        let mut shelf = shelf.lock().expect("no handler panics");
        let range = parts
            .headers
            .get(header::RANGE)
            .map(|range| range.to_str().expect("text"));
        shelf
            .asked
            .push(format!("{} /{name} {}", parts.method, range.unwrap_or_default()));
        if !shelf.is_open && !is_signed(&parts.headers) {
            return refusal(StatusCode::FORBIDDEN, "InvalidAccessKeyId", "The key is not known.");
        }
        let is_read = parts.method == Method::GET && range.is_some();
        is_read.then(|| shelf.faults.pop_front()).flatten()
    };
    match fault {
        Some(Fault::Busy) => return refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Reduce your rate."),
        Some(Fault::Silent) => return std::future::pending().await,
        _ => {}
    }
    let mut shelf = shelf.lock().expect("no handler panics");
    if fault == Some(Fault::Change) {
        let bytes = shelf.objects[&name].bytes.clone();
        shelf.put(&name, bytes);
    }
    match parts.method {
        Method::GET if query.contains_key("list-type") => shelf.list(&name, &query),
        Method::GET | Method::HEAD => shelf.read(&parts.method, &name, &parts.headers, fault == Some(Fault::Cut)),
        Method::PUT | Method::POST | Method::DELETE => {
            shelf.change(&parts.method, &name, &query, &parts.headers, bytes)
        }
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", ""),
    }
}

/// Whether a request is signed with the key; the signature is the client library's own affair.
fn is_signed(headers: &HeaderMap) -> bool {
    let signed = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    signed.is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256") && value.contains(&format!("Credential={KEY}/")))
}

impl Shelf {
    fn read(&self, method: &Method, name: &str, headers: &HeaderMap, is_cut: bool) -> Response {
        let Some(object) = self.objects.get(name) else {
            return refusal(StatusCode::NOT_FOUND, "NoSuchKey", "There is no such key.");
        };
        let tag = format!("\"v{}\"", object.version);
        let text = |name| {
            headers
                .get(name)
                .map(|value: &header::HeaderValue| value.to_str().expect("text"))
        };
        if text(header::IF_MATCH).is_some_and(|wanted| wanted != tag) && self.tells_tags {
            return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "It is another.");
        }
        let length = object.bytes.len();
        let range = text(header::RANGE).map(|range| span(range, length));
        let part = object.bytes.slice(range.clone().unwrap_or(0..length));
        let mut response = Response::builder()
            .header(header::LAST_MODIFIED, "Fri, 01 Jan 2016 00:00:00 GMT")
            .header(header::CONTENT_LENGTH, part.len());
        if self.tells_tags {
            response = response.header(header::ETAG, tag);
        }
        if let Some(range) = range {
            let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, told);
        }
        let body = if method == Method::HEAD {
            Body::empty()
        } else if is_cut {
            let half = part.slice(..part.len() / 2);
            let ends = [Ok(half), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))];
            Body::from_stream(stream::iter(ends))
        } else {
            Body::from(part)
        };
        response.body(body).expect("headers are well formed")
    }

    fn list(&self, bucket: &str, query: &BTreeMap<String, String>) -> Response {
        let bucket = bucket.trim_end_matches('/');
        let within = format!("{bucket}/");
        if !self.objects.keys().any(|name| name.starts_with(&within)) {
            return refusal(StatusCode::NOT_FOUND, "NoSuchBucket", "There is no such bucket.");
        }
        let prefix = query.get("prefix").map_or("", String::as_str);
        let after = query.get("continuation-token").map_or("", String::as_str);
        let keys = self
            .objects
            .iter()
            .filter_map(|(name, object)| Some((name.strip_prefix(&within)?, object)));
        let keys: Vec<_> = keys
            .filter(|(key, _)| key.starts_with(prefix) && *key > after)
            .collect();
        let page = &keys[..keys.len().min(PAGE)];
        let mut text = String::from("<ListBucketResult>");
        for (key, object) in page {
            text += &format!(
                "<Contents><Key>{}</Key><LastModified>2016-01-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;v{}&quot;</ETag><Size>{}</Size></Contents>",
                key.replace('&', "&amp;"),
                object.version,
                object.bytes.len()
            );
        }
        if let Some((last, _)) = page.last().filter(|_| keys.len() > PAGE) {
            text += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
        }
        text += "</ListBucketResult>";
        Response::new(Body::from(text))
    }

    fn change(
        &mut self,
        method: &Method,
        name: &str,
        query: &BTreeMap<String, String>,
        headers: &HeaderMap,
        bytes: Bytes,
    ) -> Response {
        let upload = query.get("uploadId").cloned();
        match (method, upload) {
            (&Method::POST, None) if query.contains_key("uploads") => {
                self.versions += 1;
                let id = format!("u{}", self.versions);
                self.uploads.insert(id.clone(), BTreeMap::new());
                let told =
                    format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
                Response::new(Body::from(told))
            }
            (&Method::PUT, Some(id)) => {
                let part = query["partNumber"].parse().expect("a number");
                self.uploads.get_mut(&id).expect("a begun upload").insert(part, bytes);
                tagged(&format!("\"{id}-{part}\""), Body::empty())
            }
            (&Method::POST, Some(id)) => {
                let parts = self.uploads.remove(&id).expect("a begun upload");
                let whole: Vec<u8> = parts.into_values().flatten().collect();
                self.put(name, whole.into());
                let told = "<CompleteMultipartUploadResult><ETag>&quot;x&quot;</ETag></CompleteMultipartUploadResult>";
                Response::new(Body::from(told))
            }
            (&Method::DELETE, Some(id)) => {
                self.uploads.remove(&id);
                status(StatusCode::NO_CONTENT)
            }
            (&Method::POST, None) if query.contains_key("delete") => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let keys: Vec<&str> = text
                    .split("<Key>")
                    .skip(1)
                    .filter_map(|rest| rest.split("</Key>").next())
                    .collect();
                let told: String = keys
                    .iter()
                    .map(|key| format!("<Deleted><Key>{key}</Key></Deleted>"))
                    .collect();
                for key in keys {
                    self.objects.remove(&format!("{}/{key}", name.trim_end_matches('/')));
                }
                Response::new(Body::from(format!("<DeleteResult>{told}</DeleteResult>")))
            }
            (&Method::DELETE, None) => {
                self.objects.remove(name);
                status(StatusCode::NO_CONTENT)
            }
            (&Method::PUT, None) => {
                if headers.contains_key(header::IF_NONE_MATCH) && self.objects.contains_key(name) {
                    return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "It is there.");
                }
                self.put(name, bytes);
                tagged(&format!("\"v{}\"", self.versions), Body::empty())
            }
            _ => refusal(StatusCode::BAD_REQUEST, "InvalidRequest", ""),
        }
    }
}
