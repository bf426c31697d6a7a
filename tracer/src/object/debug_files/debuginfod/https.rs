//! Against a TLS server on the loopback device: that of `openssl`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

/// `openssl s_server`, which serves the files of a folder; ended with this.
struct Server {
    process: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// A certificate for a server at this address, `NAME.pem`, and its key, `NAME.key`.
fn certify(folder: &Path, name: &str, address: &str) {
    let arguments = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} \
         -addext subjectAltName=IP:{address} -addext basicConstraints=critical,CA:FALSE \
         -keyout {name}.key -out {name}.pem"
    );
    assert!(openssl(folder, &arguments).status().unwrap().success());
}

impl Server {
    fn start(folder: &Path, name: &str) -> Self {
        let arguments =
            format!("s_server -accept 127.0.0.1:0 -WWW -cert {name}.pem -key {name}.key");
        let mut process = openssl(folder, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let address =
            said.lines().find_map(|line| Some(line.ok()?.strip_prefix("ACCEPT ")?.to_owned()));
        Self { url: format!("https://{}", address.unwrap()), process }
    }
}

#[test]
fn a_server_of_https_is_asked_if_it_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("buildid/abcdef");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("debuginfo"), "debug file").unwrap();
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    certify(folder.path(), "own", "127.0.0.1");
    certify(folder.path(), "other", "127.0.0.1");
    certify(folder.path(), "elsewhere", "127.0.0.2");
    let fetch = |server: &str, trusted: Option<&str>| {
        let server = Server::start(folder.path(), server);
        let cache = tempfile::tempdir().unwrap();
        let client = Client::from_variables(|name| match name {
            "DEBUGINFOD_URLS" => Some(server.url.clone().into()),
            "DEBUGINFOD_CACHE_PATH" => Some(cache.path().into()),
            "DEBUGINFOD_TIMEOUT" => Some("20".into()),
            "SSL_CERT_FILE" => trusted.map(|name| folder.path().join(name).into()),
            _ => None,
        });
        let fetched = client.unwrap().fetch(&BuildId(vec![0xab, 0xcd, 0xef]));
        fetched.map(|path| std::fs::read(path.unwrap()).unwrap()).map_err(|error| error.to_string())
    };
    assert_eq!(fetch("own", Some("own.pem")), Ok(b"debug file".to_vec()));
    for (server, trusted, why) in [
        ("own", Some("other.pem"), "certificate"),
        ("own", None, "UnknownIssuer"),
        ("elsewhere", Some("elsewhere.pem"), "certificate not valid for name"),
        ("own", Some("empty.pem"), "empty.pem, and it has no certificate"),
        ("own", Some("nowhere.pem"), "nowhere.pem, and No such file"),
    ] {
        let error = fetch(server, trusted).unwrap_err();
        assert!(error.contains(why), "{server} {trusted:?}: {error}");
    }
}
