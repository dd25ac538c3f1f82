//! A Polygon-compatible service of market data: the daily bars of all stocks of a session with one call.
//!
//! Calls are paced, bounded in time and size, and made again with growing pauses where that may help. The key goes into a
//! header of each call, to the one host that is named, and nowhere else: no URL, message or file has it.
//! Read next: [`Client::day`], [`bars`].

pub mod bars;
pub mod fault;
mod pace;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use tickfleet_kernels::scan::cells::format_date;

use self::bars::{Answer, DayBars};
use self::fault::{Fault, PolygonError};
use self::pace::{Pace, jittered};
use crate::objects::Limits;

/// The environment variable that holds the key.
pub const KEY_VARIABLE: &str = "POLYGON_API_KEY";
/// Most pages of one answer.
const PAGES_MAX: usize = 100;
/// Most bytes of one page: a session of every stock takes a fiftieth of it.
const PAGE_BYTES_MAX: usize = 64 << 20;
/// Longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// The first pause before another call, and the longest that this program chooses.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Longest pause that a server may ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_secs(120);

/// A service, and the key to it.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: HeaderValue,
    pace: Pace,
    retries: usize,
}

impl Client {
    /// A client of the service at `base`, which makes at most so many calls a minute.
    ///
    /// # Errors
    /// [`PolygonError::Base`], [`PolygonError::Key`].
    pub fn new(base: &str, key: &str, calls_per_minute: u64, limits: Limits) -> Result<Self, PolygonError> {
        let bad = |why| PolygonError::Base { why };
        let base = Url::parse(base).map_err(|_| bad("it is no URL"))?;
        let is_here = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        match base.scheme() {
            "https" => {}
            "http" if is_here => {}
            "http" => return Err(bad("the key would travel in clear: name it with https://")),
            _ => return Err(bad("it is neither https:// nor http://")),
        }
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(bad("it holds a user name, password or query string"));
        }
        let mut key = HeaderValue::from_str(&format!("Bearer {}", key.trim())).map_err(|_| PolygonError::Key)?;
        key.set_sensitive(true);
        // Programs that link other cryptography too must say which one TLS takes; set already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(limits.request)
            .connect_timeout(CONNECT.min(limits.request))
            // A redirect would take the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| PolygonError::Setup { source })?;
        Ok(Self {
            http,
            base,
            key,
            pace: Pace::new(calls_per_minute),
            retries: limits.retries,
        })
    }

    /// The bars of all stocks of a day, unadjusted; empty where it was no session.
    ///
    /// # Errors
    /// The service does not give them.
    pub async fn day(&self, day: i32) -> Result<DayBars, PolygonError> {
        let date = format_date(day);
        let path = format!("/v2/aggs/grouped/locale/us/market/stocks/{date}");
        let mut url = self.base.join(&path).map_err(|_| PolygonError::Base {
            why: "it takes no path",
        })?;
        url.set_query(Some("adjusted=false&include_otc=false"));
        let mut bars = DayBars::new(day);
        for _ in 0..PAGES_MAX {
            let answer = self.page(&url, &date).await?;
            bars.take(&answer);
            let Some(next) = answer.next_url else { return Ok(bars) };
            url = self.followed(&next, &date)?;
        }
        Err(PolygonError::Pages { date, limit: PAGES_MAX })
    }

    /// The next page's place, which must be on the same server.
    fn followed(&self, next: &str, date: &str) -> Result<Url, PolygonError> {
        let elsewhere = || PolygonError::Elsewhere { date: date.to_owned() };
        let next = self.base.join(next).map_err(|_| elsewhere())?;
        if next.origin() == self.base.origin() {
            Ok(next)
        } else {
            Err(elsewhere())
        }
    }

    async fn page(&self, url: &Url, date: &str) -> Result<Answer, PolygonError> {
        let mut pause = PAUSE.0;
        let mut left = self.retries;
        loop {
            self.pace.wait().await;
            let fault = match self.call(url).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if left == 0 || !fault.may_pass() {
                return Err(PolygonError::Day {
                    date: date.to_owned(),
                    fault,
                });
            }
            left -= 1;
            tracing::info!(date, %fault, "the service is asked again");
            let asked = fault.pause().map(|asked| asked.min(ASKED_PAUSE_MAX));
            tokio::time::sleep(asked.unwrap_or_else(|| jittered(pause))).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn call(&self, url: &Url) -> Result<Answer, Fault> {
        let asked = self
            .http
            .get(url.clone())
            .header(AUTHORIZATION, self.key.clone())
            .send()
            .await;
        let mut response = asked.map_err(|error| Fault::of(&error))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(Fault::Refused {
                status: status.as_u16(),
                pause: asked_pause(&response),
            });
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| Fault::of(&error))? {
            body.extend_from_slice(&part);
            if body.len() > PAGE_BYTES_MAX {
                return Err(Fault::TooLarge);
            }
        }
        Answer::read(&body)
    }
}

/// The pause that a server asks for, in whole seconds.
fn asked_pause(response: &Response) -> Option<Duration> {
    let asked = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(asked.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base: &str) -> Result<Client, PolygonError> {
        Client::new(base, "hush", 5, Limits::default())
    }

    #[test]
    fn a_key_travels_to_one_host_and_in_no_clear() {
        for base in [
            "http://api.example",
            "ftp://h",
            "https://me:x@h",
            "https://h?apiKey=hush",
            "no",
        ] {
            let error = client(base).err().expect(base);
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
        let client = client("https://h/").unwrap();
        assert!(client.followed("https://h/v2?cursor=1", "d").is_ok());
        for next in ["https://i/v2", "http://h/v2", "https://h:8443/v2"] {
            assert!(client.followed(next, "d").is_err(), "{next}");
        }
        assert!(!format!("{:?}", client.key).contains("hush"));
    }
}
