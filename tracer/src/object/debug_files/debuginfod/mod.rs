//! Debug files from debuginfod servers, by build id. Off unless `DEBUGINFOD_URLS` is set.
//!
//! The variables and the cache on disk are those of elfutils' client, so the two share files. A
//! [`Fetcher`] works in threads of its own: whoever names frames never waits for a server.

mod cache;
mod fetcher;
#[cfg(feature = "https")]
mod tls;

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::object::BuildId;
use cache::{Cache, Cached};
pub use fetcher::{Fetched, Fetcher};

/// The most bytes of one file, unless `DEBUGINFOD_MAXSIZE` says so.
const MAX_SIZE: u64 = 2 << 30;

/// How long one file may take, unless `DEBUGINFOD_TIMEOUT` says so.
const TIMEOUT: Duration = Duration::from_secs(90);

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a server may send us elsewhere.
const MAX_REDIRECTS: u32 = 5;

/// The most servers that are asked.
const MAX_SERVERS: usize = 16;

/// Why no debug file came.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A server could not be asked, or did not answer as it should.
    #[error("cannot get debug information from {url}: {why}")]
    Server {
        /// What was asked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The cache could not be written.
    #[error("cannot keep debug information in {}: {source}", path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Asks servers, and keeps what they give.
#[derive(Debug)]
pub struct Client {
    servers: Vec<String>,
    agent: ureq::Agent,
    cache: Cache,
    max_size: u64,
    timeout: Duration,
    /// Why no server of https can be asked.
    without_tls: Option<String>,
}

impl Client {
    /// As the environment says; `None` where it names no server.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// As these variables say.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |name: &str| variable(name)?.into_string().ok();
        let number = |name: &str| text(name)?.trim().parse::<u64>().ok().filter(|&n| n > 0);
        let urls = text("DEBUGINFOD_URLS")?;
        // `ima:enforcing` and the like are not servers.
        let is_server = |word: &&str| word.starts_with("http://") || word.starts_with("https://");
        let servers: Vec<String> = urls
            .split_whitespace()
            .filter(is_server)
            .take(MAX_SERVERS)
            .map(|url| url.trim_end_matches('/').to_owned())
            .collect();
        if servers.is_empty() {
            return None;
        }
        let timeout = number("DEBUGINFOD_TIMEOUT").map_or(TIMEOUT, Duration::from_secs);
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(timeout.min(CONNECT_TIMEOUT)))
            .timeout_global(Some(timeout))
            .max_redirects(MAX_REDIRECTS)
            .http_status_as_error(false)
            .user_agent(concat!("cgotrace/", env!("CARGO_PKG_VERSION")));
        #[cfg(feature = "https")]
        let (config, without_tls) = match tls::config(&variable) {
            Ok(trusted) => (config.tls_config(trusted), None),
            Err(why) => (config, Some(why)),
        };
        #[cfg(not(feature = "https"))]
        let without_tls = Some(
            "this cgotrace was built without TLS; build it with `--features https`, or name a \
             server of http"
                .to_owned(),
        );
        Some(Self {
            servers,
            without_tls,
            agent: config.build().into(),
            cache: Cache::find(&variable)?,
            max_size: number("DEBUGINFOD_MAXSIZE").unwrap_or(MAX_SIZE),
            timeout,
        })
    }

    /// The file for a build id, from the cache or else from the first server that has it; `None`
    /// where no server has. Takes as long as the limits allow.
    ///
    /// # Errors
    /// A server failed and no other has the file, or the cache cannot be written.
    pub fn fetch(&self, id: &BuildId) -> Result<Option<PathBuf>, FetchError> {
        match self.cache.look(id) {
            Cached::File(path) => return Ok(Some(path)),
            Cached::Nowhere => return Ok(None),
            Cached::Unknown => {}
        }
        let mut failure = None;
        let deadline = Instant::now() + self.timeout;
        for server in &self.servers {
            if Instant::now() >= deadline {
                break;
            }
            let url = format!("{server}/buildid/{id}/debuginfo");
            match self.ask(&url, id) {
                Ok(Some(path)) => return Ok(Some(path)),
                Ok(None) => {}
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => {
                self.cache.note_absence(id);
                Ok(None)
            }
        }
    }

    /// How long one file may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    fn ask(&self, url: &str, id: &BuildId) -> Result<Option<PathBuf>, FetchError> {
        let failed = |why: String| FetchError::Server { url: url.to_owned(), why };
        if let (true, Some(why)) = (url.starts_with("https:"), &self.without_tls) {
            return Err(failed(why.clone()));
        }
        let request = self.agent.get(url).header("X-DEBUGINFOD-MAXSIZE", self.max_size.to_string());
        let response = request.call().map_err(|error| failed(error.to_string()))?;
        match response.status().as_u16() {
            200 => {}
            404 | 406 => return Ok(None),
            status => return Err(failed(format!("the server answered {status}"))),
        }
        let body = response.into_body();
        let too_large = || failed(format!("it has more than {} bytes", self.max_size));
        let stated = body.content_length();
        if stated.is_some_and(|length| length > self.max_size) {
            return Err(too_large());
        }
        let mut bytes = body.into_with_config().limit(u64::MAX).reader().take(self.max_size + 1);
        self.cache.store(id, |file| {
            let copied = io::copy(&mut bytes, file).map_err(|error| failed(error.to_string()))?;
            match stated {
                _ if copied > self.max_size => Err(too_large()),
                Some(length) if length != copied => {
                    Err(failed(format!("it ended after {copied} of {length} bytes")))
                }
                _ => Ok(()),
            }
        })
    }
}

#[cfg(test)]
#[cfg(feature = "https")]
mod https;
#[cfg(test)]
mod tests;
