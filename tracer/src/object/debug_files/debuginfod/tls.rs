//! Whom to trust as a server of https: Mozilla's list, which is part of the program, or the
//! certificates in `SSL_CERT_FILE`, as curl and OpenSSL have it, in its place.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// The most bytes of a file of certificates.
const MAX_SIZE: u64 = 16 << 20;

/// What these variables say.
///
/// # Errors
/// There is no certificate in the file: then no server is trusted.
pub(super) fn config(variable: impl Fn(&str) -> Option<OsString>) -> Result<TlsConfig, String> {
    let roots = match variable("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        Some(path) => certificates(Path::new(&path))?,
        None => RootCerts::WebPki,
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

fn certificates(path: &Path) -> Result<RootCerts, String> {
    let failed = |why: &str| format!("SSL_CERT_FILE is {}, and {why}", path.display());
    let size = std::fs::metadata(path).map_err(|error| failed(&error.to_string()))?.len();
    if size > MAX_SIZE {
        return Err(failed("that is too large"));
    }
    let text = std::fs::read(path).map_err(|error| failed(&error.to_string()))?;
    let certificates: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(failed("it has no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}
