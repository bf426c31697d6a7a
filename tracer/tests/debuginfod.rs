//! Names from a debuginfod server, which here is one of our own on the loopback device.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use support::elsewhere::{Server, Stripped, cgotrace, sh, texts};
use tracer::object::{DebuginfodClient, Fetcher, ModuleNumber, ObjectFile};
use tracer::symbol::{Symbolize, Symbolizer};

fn fetcher(url: &str, cache: &Path) -> Fetcher {
    let client = DebuginfodClient::from_variables(|name| match name {
        "DEBUGINFOD_URLS" => Some(url.into()),
        "DEBUGINFOD_CACHE_PATH" => Some(cache.into()),
        _ => None,
    });
    Fetcher::new(client.expect("client"))
}

/// A symbolizer that asks a server for what `stripped` lacks.
fn symbolizer(stripped: &Stripped, url: &str) -> Symbolizer {
    let object = Arc::new(ObjectFile::open(&stripped.program).expect("program"));
    let mut symbolizer = Symbolizer::default();
    symbolizer.set_fetcher(fetcher(url, &stripped.path("cache")));
    symbolizer.add(ModuleNumber(1), object, None);
    symbolizer
}

/// Name and line of the hidden function.
fn name(symbolizer: &mut Symbolizer, stripped: &Stripped) -> Option<(String, Option<u32>)> {
    let object = ObjectFile::open(&stripped.program).expect("program");
    let offset = object.offset_of(stripped.hidden).expect("offset");
    let frame = symbolizer.symbolize(ModuleNumber(1), offset).pop()?;
    Some((frame.function, frame.line))
}

fn eventually(mut is_true: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_true() {
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing came");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn naming_never_waits_and_uses_what_has_come() {
    let stripped = Stripped::of_c();
    let server = Server::start(vec![stripped.served()], Duration::from_millis(500));
    let begin = Instant::now();
    let mut symbolizer = symbolizer(&stripped, &server.url);
    assert!(!symbolizer.update());
    assert_eq!(name(&mut symbolizer, &stripped), None);
    assert!(begin.elapsed() < Duration::from_millis(400), "{:?}", begin.elapsed());
    eventually(|| symbolizer.update());
    assert_eq!(name(&mut symbolizer, &stripped), Some(("hidden".to_owned(), Some(1))));
    assert!(symbolizer.take_refused().is_empty());
}

/// The answer of a server that is mistaken, or worse.
#[test]
fn a_file_of_another_build_is_refused() {
    let (stripped, other) = (Stripped::of_c(), Stripped::of_c());
    let different = other.served().1;
    assert_ne!(different, stripped.served().1);
    let server = Server::start(vec![(stripped.build_id.clone(), different)], Duration::ZERO);
    let mut symbolizer = symbolizer(&stripped, &server.url);
    let mut refused = Vec::new();
    eventually(|| {
        assert!(!symbolizer.update());
        refused = symbolizer.take_refused();
        !refused.is_empty()
    });
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].to_string().contains("its build id is"), "{refused:?}");
}

const COMMON: &str = "c0ffee01";

/// First the debug file comes, then what it refers to.
#[test]
fn the_common_file_of_dwz_is_fetched_too() {
    let stripped = Stripped::of_dwz();
    let common = (COMMON.to_owned(), fs::read(stripped.path("common.debug")).expect("common"));
    let server = Server::start(vec![stripped.served(), common], Duration::ZERO);
    let mut first = symbolizer(&stripped, &server.url);
    assert_eq!(name(&mut first, &stripped), None);
    eventually(|| first.update() && name(&mut first, &stripped).is_some());
    assert_eq!(name(&mut first, &stripped), Some(("far_name".to_owned(), None)));
    assert_eq!(server.asked(), [&stripped.build_id, COMMON]);
    assert!(stripped.path("cache/c0ffee01/debuginfo").is_file());
    // From the cache, the next time.
    let mut again = symbolizer(&stripped, &server.url);
    eventually(|| again.update() && name(&mut again, &stripped).is_some());
    assert_eq!(server.asked().len(), 2);
    // A program with debug information of its own lacks the common file only.
    fs::remove_dir_all(stripped.path("cache")).expect("remove");
    sh(&stripped.folder, "cc -nostdlib -static -Wl,-e,0 program.s -o whole");
    let whole = Stripped { program: stripped.path("whole"), ..stripped };
    let mut third = symbolizer(&whole, &server.url);
    eventually(|| third.update());
    assert_eq!(name(&mut third, &whole), Some(("far_name".to_owned(), None)));
    assert_eq!(server.asked()[2..], [COMMON]);
    // Where the file lies beside the program, no server is asked.
    fs::rename(whole.path("common.debug"), whole.path("gone.debug")).expect("rename");
    let mut fourth = symbolizer(&whole, &server.url);
    assert_eq!(name(&mut fourth, &whole), Some(("far_name".to_owned(), None)));
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_common_file_that_is_another_or_nowhere_is_said() {
    let stripped = Stripped::of_dwz();
    sh(&stripped.folder, "cc -nostdlib -shared -Wl,--build-id=0xc0ffee02 common.s -o other.debug");
    let other = (COMMON.to_owned(), fs::read(stripped.path("other.debug")).expect("other"));
    for (common, why) in [
        (None, "cannot find gone.debug, the common file that dwz made"),
        (Some(other), "it is not the common file c0ffee01 of dwz"),
    ] {
        let _ = fs::remove_dir_all(stripped.path("cache"));
        let files = [stripped.served()].into_iter().chain(common).collect();
        let server = Server::start(files, Duration::ZERO);
        let mut symbolizer = symbolizer(&stripped, &server.url);
        let mut said = String::new();
        eventually(|| {
            symbolizer.update();
            assert_eq!(name(&mut symbolizer, &stripped), None);
            let refused = symbolizer.take_refused();
            refused.iter().for_each(|refused| said += &format!("{refused}\n"));
            server.asked().len() == 2 && said.contains(why)
        });
        // It is not asked for again.
        thread::sleep(Duration::from_millis(100));
        symbolizer.update();
        assert_eq!(server.asked(), [&stripped.build_id, COMMON]);
    }
}

#[test]
fn list_has_the_names_of_a_stripped_program() {
    let stripped = Stripped::of_c();
    let list = |url: Option<&str>| {
        texts(
            with_server(url, &stripped)
                .args(["list"])
                .arg(&stripped.program)
                .arg("hidden")
                .output()
                .expect("start"),
        )
    };
    assert_eq!(list(None).0, Some(1));
    let server = Server::start(vec![stripped.served()], Duration::ZERO);
    let (status, text, said) = list(Some(&server.url));
    assert_eq!(status, Some(0), "{said}");
    assert!(text.contains("hidden") && text.contains("a.c:1"), "{text}");
    assert!(stripped.path("cache").join(&stripped.build_id).join("debuginfo").is_file());
}

/// Names are waited for: nothing is traced meanwhile.
#[test]
fn a_recording_that_was_cut_is_named_by_what_a_server_has() {
    for (stripped, expected) in [(Stripped::of_c(), "hidden"), (Stripped::of_dwz(), "far_name")] {
        let file = stripped.record(None);
        let report = |url: Option<&str>| {
            let mut command = with_server(url, &stripped);
            texts(
                command
                    .arg("report")
                    .arg(&file)
                    .args(["--format", "folded"])
                    .output()
                    .expect("start"),
            )
        };
        let (status, text, said) = report(None);
        assert_eq!((status, text.contains(expected)), (Some(0), false), "{text}{said}");
        let mut files = vec![stripped.served()];
        files.extend(
            fs::read(stripped.path("common.debug")).ok().map(|file| (COMMON.to_owned(), file)),
        );
        let server = Server::start(files, Duration::from_millis(100));
        let (status, text, said) = report(Some(&server.url));
        assert_eq!((status, text), (Some(0), format!("{expected} 1\n")), "{said}");
    }
}

fn with_server(url: Option<&str>, stripped: &Stripped) -> Command {
    let mut command = cgotrace();
    command.env("DEBUGINFOD_CACHE_PATH", stripped.path("cache"));
    if let Some(url) = url {
        command.env("DEBUGINFOD_URLS", url);
    }
    command
}
