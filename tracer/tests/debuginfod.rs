//! Names from a debuginfod server, which here is one of our own on the loopback device.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tracer::address::ElfAddress;
use tracer::object::{DebuginfodClient, Fetcher, ModuleNumber, ObjectFile};
use tracer::symbol::{Symbolize, Symbolizer};

/// A stripped program, what was stripped from it, and where `hidden` lies.
struct Stripped {
    folder: TempDir,
    program: PathBuf,
    build_id: String,
    hidden: ElfAddress,
}

fn stripped() -> Stripped {
    let folder = tempfile::tempdir().expect("folder");
    let source = "static __attribute__((noipa)) int hidden(int x) { return x; }\n\
                  int main(void) { return hidden(0); }";
    std::fs::write(folder.path().join("a.c"), source).expect("source");
    let run = |command: &str| {
        let output = Command::new("sh").args(["-ec", command]).current_dir(folder.path()).output();
        let output = output.expect("sh");
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    run("cc -O1 -g -Wl,--build-id=sha1 a.c -o program");
    let table = run("nm program");
    let line = table.lines().find(|line| line.ends_with(" hidden")).expect("hidden");
    let address = u64::from_str_radix(&line[..16], 16).expect("address");
    run("objcopy --only-keep-debug program whole.debug && strip program");
    let program = folder.path().join("program");
    let object = ObjectFile::open(&program).expect("program");
    let build_id = object.build_id().expect("build id").to_string();
    Stripped { folder, program, build_id, hidden: ElfAddress(address) }
}

/// Serves the debug file after a while; its URL.
fn serve(stripped: &Stripped, after: Duration) -> String {
    let body = std::fs::read(stripped.folder.path().join("whole.debug")).expect("debug file");
    let path = format!("GET /buildid/{}/debuginfo ", stripped.build_id);
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("connection");
            let lines = BufReader::new(stream.try_clone().expect("stream")).lines();
            let request: Vec<_> =
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            thread::sleep(after);
            let found = request.first().is_some_and(|line| line.starts_with(&path));
            let (status, body) = if found { ("200 OK", &body[..]) } else { ("404 No", &[][..]) };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    url
}

fn fetcher(url: &str, cache: &Path) -> Fetcher {
    let client = DebuginfodClient::from_variables(|name| match name {
        "DEBUGINFOD_URLS" => Some(url.into()),
        "DEBUGINFOD_CACHE_PATH" => Some(cache.into()),
        _ => None,
    });
    Fetcher::new(client.expect("client"))
}

#[test]
fn naming_never_waits_and_uses_what_has_come() {
    let stripped = stripped();
    let url = serve(&stripped, Duration::from_millis(500));
    let object = Arc::new(ObjectFile::open(&stripped.program).expect("program"));
    let offset = object.offset_of(stripped.hidden).expect("offset");
    let mut symbolizer = Symbolizer::default();
    symbolizer.set_fetcher(fetcher(&url, stripped.folder.path()));
    let begin = Instant::now();
    symbolizer.add(ModuleNumber(1), object, None);
    assert!(!symbolizer.update());
    assert_eq!(symbolizer.symbolize(ModuleNumber(1), offset), []);
    assert!(begin.elapsed() < Duration::from_millis(400), "{:?}", begin.elapsed());
    while !symbolizer.update() {
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing came");
        thread::sleep(Duration::from_millis(20));
    }
    let frames = symbolizer.symbolize(ModuleNumber(1), offset);
    assert_eq!((frames[0].function.as_str(), frames[0].line), ("hidden", Some(1)));
    assert!(symbolizer.take_refused().is_empty());
}

/// The answer of a server that is mistaken, or worse.
#[test]
fn a_file_of_another_build_is_refused() {
    let (stripped, other) = (stripped(), self::stripped());
    let lie = Stripped { build_id: stripped.build_id.clone(), ..other };
    let different = std::fs::read(lie.folder.path().join("whole.debug")).expect("file");
    assert_ne!(different, std::fs::read(stripped.folder.path().join("whole.debug")).expect("file"));
    let url = serve(&lie, Duration::ZERO);
    let object = Arc::new(ObjectFile::open(&stripped.program).expect("program"));
    let mut symbolizer = Symbolizer::default();
    symbolizer.set_fetcher(fetcher(&url, stripped.folder.path()));
    symbolizer.add(ModuleNumber(1), object, None);
    let begin = Instant::now();
    let refused = loop {
        assert!(!symbolizer.update());
        let refused = symbolizer.take_refused();
        if let [only] = refused.as_slice() {
            break only.to_string();
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing came");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(refused.contains("its build id is"), "{refused}");
}

#[test]
fn list_has_the_names_of_a_stripped_program() {
    let stripped = stripped();
    let list = |url: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cgotrace"));
        command.arg("list").arg(&stripped.program).arg("hidden");
        command.env_remove("DEBUGINFOD_URLS").env_remove("http_proxy").env_remove("HTTP_PROXY");
        command.env("DEBUGINFOD_CACHE_PATH", stripped.folder.path().join("cache"));
        if let Some(url) = url {
            command.env("DEBUGINFOD_URLS", url);
        }
        command.output().expect("start cgotrace")
    };
    assert_eq!(list(None).status.code(), Some(1));
    let output = list(Some(&serve(&stripped, Duration::ZERO)));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("hidden") && text.contains("a.c:1"), "{text}");
    let kept = stripped.folder.path().join("cache").join(&stripped.build_id).join("debuginfo");
    assert!(kept.is_file());
}
