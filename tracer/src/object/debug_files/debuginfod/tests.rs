//! Against a server of our own on the loopback device.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// A server that answers each path with what `answer` gives, and notes what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(first)) = lines.next() else { continue };
                let rest: Vec<_> =
                    lines.map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
                let path = first.split(' ').nth(1).unwrap().to_owned();
                noted.lock().unwrap().push(format!("{path} {}", rest.join("; ")));
                // The client may go at any moment.
                let _ = answer(&path, &mut stream);
            }
        });
        Self { url, asked }
    }

    /// A server of one file.
    fn of(body: &'static [u8]) -> Self {
        Self::start(move |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
            stream.write_all(body)
        })
    }

    fn without() -> Self {
        Self::start(|_, stream| {
            write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        })
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn client(cache: &Path, urls: &str, more: &[(&str, &str)]) -> Option<Client> {
    Client::from_variables(|name| match name {
        "DEBUGINFOD_URLS" => Some(urls.into()),
        "DEBUGINFOD_CACHE_PATH" => Some(cache.into()),
        _ => more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into()),
    })
}

fn id() -> BuildId {
    BuildId(vec![0xab, 0xcd, 0xef])
}

#[test]
fn a_file_is_fetched_once_and_kept_as_elfutils_keeps_it() {
    let cache = tempfile::tempdir().unwrap();
    let (none, server) = (Server::without(), Server::of(b"debug file"));
    let urls = format!("{} {}/", none.url, server.url);
    for _ in 0..3 {
        let client = client(cache.path(), &urls, &[]).unwrap();
        let path = client.fetch(&id()).unwrap().unwrap();
        assert_eq!(path, cache.path().join("abcdef/debuginfo"));
        assert_eq!(std::fs::read(path).unwrap(), b"debug file");
    }
    assert_eq!((none.count(), server.count()), (1, 1));
    let asked = server.asked.lock().unwrap()[0].to_lowercase();
    assert!(asked.starts_with("/buildid/abcdef/debuginfo "), "{asked}");
    assert!(asked.contains("user-agent: cgotrace/"), "{asked}");
    // Nothing but the file is left.
    assert_eq!(std::fs::read_dir(cache.path().join("abcdef")).unwrap().count(), 1);
}

#[test]
fn what_no_server_has_is_not_asked_for_again_at_once() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::without();
    let client = client(cache.path(), &server.url, &[]).unwrap();
    assert!(client.fetch(&id()).unwrap().is_none());
    assert!(client.fetch(&id()).unwrap().is_none());
    assert_eq!(server.count(), 1);
    let note = File::options().write(true).open(cache.path().join("abcdef/debuginfo")).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    note.set_modified(long_ago).unwrap();
    assert!(client.fetch(&id()).unwrap().is_none());
    assert_eq!(server.count(), 2);
}

use std::fs::File;

#[test]
fn what_is_too_large_too_slow_or_cut_short_leaves_nothing() {
    const TEN: &[u8] = b"0123456789";
    let endless = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        loop {
            stream.write_all(&[7; 4096])?;
        }
    });
    let slow = Server::start(|_, _| {
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let cut = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")?;
        stream.write_all(TEN)
    });
    let broken =
        Server::start(|_, stream| write!(stream, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let large = Server::of(TEN);
    for (url, why) in [
        (large.url.as_str(), "more than 5 bytes"),
        (&endless.url, "more than 5 bytes"),
        (&slow.url, "timeout"),
        (&cut.url, ""),
        (&broken.url, "answered 500"),
        (&format!("http://{closed}"), "refused"),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let limits = [("DEBUGINFOD_MAXSIZE", "5"), ("DEBUGINFOD_TIMEOUT", "1")];
        let limits = if url == cut.url { &limits[1..] } else { &limits };
        let begin = Instant::now();
        let client = client(cache.path(), url, limits).unwrap();
        let error = client.fetch(&id()).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(url), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{url}");
        let left = std::fs::read_dir(cache.path().join("abcdef")).map(|entries| entries.count());
        assert_eq!(left.unwrap_or(0), 0, "{error}");
    }
}

#[test]
fn nothing_is_asked_unless_servers_are_named() {
    let cache = tempfile::tempdir().unwrap();
    assert!(client(cache.path(), "", &[]).is_none());
    assert!(client(cache.path(), "  ima:enforcing file:///etc ", &[]).is_none());
    assert!(Client::from_variables(|_| None).is_none());
    let xdg = |name: &str| match name {
        "DEBUGINFOD_URLS" => Some("http://127.0.0.1:1".into()),
        "XDG_CACHE_HOME" => Some(cache.path().into()),
        _ => None,
    };
    let client = Client::from_variables(xdg).unwrap();
    std::fs::create_dir_all(cache.path().join("debuginfod_client/abcdef")).unwrap();
    let kept = cache.path().join("debuginfod_client/abcdef/debuginfo");
    std::fs::write(&kept, "x").unwrap();
    assert_eq!(client.fetch(&id()).unwrap(), Some(kept));
}

#[test]
fn a_fetcher_never_waits_unless_asked_to() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(|path, stream| {
        thread::sleep(Duration::from_millis(300));
        let body = path.len().to_string();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    let mut fetcher = Fetcher::new(client(cache.path(), &server.url, &[]).unwrap());
    let begin = Instant::now();
    for last in 0..3 {
        fetcher.request(&BuildId(vec![1, last]));
        fetcher.request(&BuildId(vec![1, last]));
    }
    assert!(fetcher.take().is_none());
    assert!(begin.elapsed() < Duration::from_millis(250));
    assert_eq!(fetcher.open(), 3);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut found = 0;
    while let Some(fetched) = fetcher.wait(deadline) {
        assert!(fetched.result.unwrap().is_some());
        found += 1;
    }
    assert_eq!((found, fetcher.open(), server.count()), (3, 0, 3));
}
