//! A service of grouped daily bars on a free port, with pages, a key, and the faults that it is told to have.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::Response;
use futures::stream;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::market::{Bar, date};

/// The only key that may: no output may hold it.
pub(crate) const KEY: &str = "hushKEYofTests";
/// Results of a page.
const PAGE: usize = 4;

/// How the service fails, once.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is asked too often, and asks for a pause of no seconds.
    TooOften,
    /// This status.
    Status(u16),
    /// It breaks off in the middle of the body.
    Cut,
    /// Half of its JSON.
    Half,
    /// Its answer goes on at another server.
    Elsewhere,
}

#[derive(Debug, Default)]
struct Books {
    days: BTreeMap<String, Vec<Value>>,
    faults: VecDeque<Fault>,
    asked: Vec<String>,
}

/// A running service; it ends with its handle.
#[derive(Debug)]
pub(crate) struct Service {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
    _runtime: Runtime,
}

impl Service {
    /// A service that has these bars.
    pub(crate) fn with(bars: &[Bar]) -> Self {
        let mut books = Books::default();
        for bar in bars {
            let [o, h, l, c, _] = bar.prices;
            let at = i64::from(bar.day) * 86_400_000 + 75_600_000;
            let told =
                json!({ "T": bar.symbol, "o": o, "h": h, "l": l, "c": c, "v": bar.volume, "vw": c, "t": at, "n": 7 });
            books.days.entry(date(bar.day)).or_default().push(told);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime can be made");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let books = Arc::new(Mutex::new(books));
        let router = Router::new().fallback(answer).with_state((books.clone(), address));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            books,
            _runtime: runtime,
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no handler panics")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has the next calls fail so.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.books().faults.extend(faults);
    }

    /// Faults that nobody has met yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.books().faults.len()
    }

    /// Paths and queries that were asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.books().asked)
    }
}

type Shared = State<(Arc<Mutex<Books>>, SocketAddr)>;

async fn answer(State((books, address)): Shared, request: Request) -> Response {
    let uri = request.uri().clone();
    let mut books = books.lock().expect("no handler panics");
    books.asked.push(uri.to_string());
    let key = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if key != Some(&format!("Bearer {KEY}")) {
        return told(
            401,
            json!({ "status": "ERROR", "error": "Unknown API Key" }).to_string(),
        );
    }
    let fault = books.faults.pop_front();
    match fault {
        Some(Fault::TooOften) => {
            let mut response = told(429, String::new());
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
            return response;
        }
        Some(Fault::Status(status)) => return told(status, String::new()),
        _ => {}
    }
    let day = uri.path().rsplit('/').next().unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let start = query.split('&').find_map(|pair| pair.strip_prefix("cursor="));
    let start: usize = start.map_or(0, |start| start.parse().expect("a number"));
    let all = books.days.get(day).map_or(&[][..], Vec::as_slice);
    let page = &all[start..all.len().min(start + PAGE)];
    let mut body = json!({ "status": "OK", "adjusted": false, "queryCount": all.len(), "resultsCount": page.len() });
    if !page.is_empty() {
        body["results"] = json!(page);
    }
    let next = format!("http://{address}{}?adjusted=false&cursor={}", uri.path(), start + PAGE);
    if start + PAGE < all.len() {
        body["next_url"] = json!(next);
    }
    if matches!(fault, Some(Fault::Elsewhere)) {
        body["next_url"] = json!(next.replace("127.0.0.1", "localhost"));
    }
    let text = body.to_string();
    match fault {
        Some(Fault::Half) => told(200, text[..text.len() / 2].to_owned()),
        Some(Fault::Cut) => {
            let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
            let ends = [Ok(half), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))];
            let response = Response::builder().header(header::CONTENT_LENGTH, text.len());
            response
                .body(Body::from_stream(stream::iter(ends)))
                .expect("headers are well formed")
        }
        _ => told(200, text),
    }
}

fn told(status: u16, body: String) -> Response {
    Response::builder()
        .status(status)
        .body(Body::from(body))
        .expect("a status")
}
