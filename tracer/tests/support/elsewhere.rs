//! Programs whose names lie in other files, a server of such files on the loopback device, and
//! recordings that a test writes itself.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tempfile::TempDir;
use tracer::address::ElfAddress;
use tracer::event::Hit;
use tracer::object::{ModuleIdentity, Modules, ObjectFile};
use tracer::recording::Recorder;
use tracer::sink::Start;
use tracer::stack::ClockOffset;
use tracer::symbol::Symbolize;
use tracer_common::event::{FRAME_EXACT, Frame};
use tracer_common::reason::End;

/// A stripped program, what was stripped from it, and where a function without a symbol lies.
pub struct Stripped {
    pub folder: TempDir,
    pub program: PathBuf,
    pub debug_file: PathBuf,
    pub build_id: String,
    pub hidden: ElfAddress,
}

impl Stripped {
    /// One of C: `hidden` is in line 1 of `a.c`.
    pub fn of_c() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let source = "static __attribute__((noipa)) int hidden(int x) { return x; }\n\
                      int main(void) { return hidden(0); }";
        fs::write(folder.path().join("a.c"), source).expect("source");
        sh(&folder, "cc -O1 -g -Wl,--build-id=sha1 a.c -o program");
        let table = sh(&folder, "nm program");
        let line = table.lines().find(|line| line.ends_with(" hidden")).expect("hidden");
        let address = u64::from_str_radix(&line[..16], 16).expect("address");
        sh(&folder, "objcopy --only-keep-debug program whole.debug && strip program");
        Self::of(folder, Some(ElfAddress(address)))
    }

    /// One whose debug file has its names in a common file, `common.debug`, as `dwz` makes them:
    /// the function at the entry is `far_name`. The common file is not where the link says.
    pub fn of_dwz() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join("program.s"), PROGRAM_OF_DWZ).expect("source");
        fs::write(folder.path().join("common.s"), COMMON_OF_DWZ).expect("source");
        sh(&folder, "cc -nostdlib -static -Wl,-e,0,--build-id=sha1 program.s -o program");
        sh(&folder, "cc -nostdlib -shared -Wl,--build-id=0xc0ffee01 common.s -o common.debug");
        sh(&folder, "objcopy --only-keep-debug program whole.debug && strip program");
        sh(&folder, "objcopy --remove-section=.gnu_debugaltlink program");
        Self::of(folder, None)
    }

    fn of(folder: TempDir, hidden: Option<ElfAddress>) -> Self {
        let (program, debug_file) =
            (folder.path().join("program"), folder.path().join("whole.debug"));
        let object = ObjectFile::open(&program).expect("program");
        let build_id = object.build_id().expect("build id").to_string();
        let code = object.segments().iter().find(|segment| segment.executable);
        let hidden = hidden.unwrap_or(code.expect("code").address);
        Self { folder, program, debug_file, build_id, hidden }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a server has of it.
    pub fn served(&self) -> Served {
        (self.build_id.clone(), fs::read(&self.debug_file).expect("debug file"))
    }

    /// Writes a recording of one hit of the function, with the names of `names` if it is not to be
    /// cut before them.
    pub fn record(&self, names: Option<&mut dyn Symbolize>) -> PathBuf {
        let path = self.path("hit.cgotrace");
        let object = ObjectFile::open(&self.program).expect("program");
        let offset = object.offset_of(self.hidden).expect("offset");
        let mut modules = Modules::default();
        let module = modules.add(ModuleIdentity::of(&self.program, &object)).expect("room");
        let offset = u32::try_from(offset.0).expect("offset");
        let frame = Frame { address: self.hidden.0, offset, module: module.0, flags: FRAME_EXACT };
        let hit = Hit {
            time: 1,
            pid: 1,
            tid: 1,
            cookie: 1,
            goroutine: None,
            cgroup: None,
            comm: b"program".to_vec(),
            end: End::Process,
            reason: None,
            stack: 0,
            frames: [frame].into(),
        };
        let labels = FxHashMap::from_iter([(1, "hidden".to_owned())]);
        let out = Box::new(File::create(&path).expect("create"));
        let mut recorder =
            Recorder::new(out, &Start::default(), &labels, ClockOffset(0)).expect("recorder");
        recorder.write(&hit, &modules).expect("write");
        recorder.flush().expect("flush");
        if let Some(names) = names {
            let lost = Default::default();
            recorder.finish(names, &lost, Duration::ZERO, &mut |_, _| {}).expect("finish");
        }
        path
    }
}

/// Its only name is in the common file: DWARF 4 with DW_FORM_GNU_strp_alt (0x1f21).
const PROGRAM_OF_DWZ: &str = r#"
    .text
.Lstart:
    nop
    ret
.Lend:
    .section .debug_info,"",@progbits
    .long .Linfo_end - .Linfo
.Linfo:
    .short 4
    .long 0
    .byte 8
    .uleb128 1
    .long 0
    .quad .Lstart
    .quad .Lend - .Lstart
    .byte 0x0c
    .uleb128 2
    .long 6
    .quad .Lstart
    .quad .Lend - .Lstart
    .byte 0
.Linfo_end:
    .section .debug_abbrev,"",@progbits
    .uleb128 1, 0x11
    .byte 1
    .uleb128 0x03, 0x1f21, 0x11, 0x01, 0x12, 0x07, 0x13, 0x0b, 0, 0
    .uleb128 2, 0x2e
    .byte 0
    .uleb128 0x03, 0x1f21, 0x11, 0x01, 0x12, 0x07, 0, 0
    .byte 0
    .section .gnu_debugaltlink,"",@progbits
    .asciz "gone.debug"
    .byte 0xc0, 0xff, 0xee, 0x01
    .section .note.GNU-stack,"",@progbits
"#;

const COMMON_OF_DWZ: &str = r#"
    .section .debug_str,"",@progbits
    .asciz "far.c"
    .asciz "far_name"
    .section .note.GNU-stack,"",@progbits
"#;

/// Runs a command in a folder; what it wrote.
pub fn sh(folder: &TempDir, command: &str) -> String {
    let output = Command::new("sh").args(["-ec", command]).current_dir(folder.path()).output();
    let output = output.expect("sh");
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// A build id, and the file for it.
pub type Served = (String, Vec<u8>);

/// A debuginfod server.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves these files, each answer after a while.
    pub fn start(files: Vec<Served>, after: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("connection");
                let lines = BufReader::new(stream.try_clone().expect("stream")).lines();
                let request: Vec<_> =
                    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                thread::sleep(after);
                let id = request.first().and_then(|line| line.split('/').nth(2)).unwrap_or("");
                noted.lock().expect("lock").push(id.to_owned());
                let file = files.iter().find(|(known, _)| known == id);
                let is_asked_so = request
                    .first()
                    .is_some_and(|line| line.starts_with(&format!("GET /buildid/{id}/debuginfo ")));
                let (status, body) = match file.filter(|_| is_asked_so) {
                    Some((_, body)) => ("200 OK", body.as_slice()),
                    None => ("404 No", &[][..]),
                };
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        });
        Self { url, asked }
    }

    /// The build ids that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("lock").clone()
    }
}

/// cgotrace without the servers of whoever runs the tests.
pub fn cgotrace() -> Command {
    let mut command = super::cgotrace();
    for variable in ["DEBUGINFOD_URLS", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command
}

/// The status of a command that has ended, and what it wrote.
pub fn texts(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A directory with the debug file of `of`, as distributions lay it out.
pub fn debug_directory(of: &Stripped, root: &Path) {
    let (first, rest) = of.build_id.split_at(2);
    let folder = root.join(".build-id").join(first);
    fs::create_dir_all(&folder).expect("folder");
    fs::copy(&of.debug_file, folder.join(format!("{rest}.debug"))).expect("copy");
}
