//! Programs that see other files than we do: in their own mount namespace, on an overlay, below
//! another root, or with files that were replaced since.
#![cfg(feature = "privileged-tests")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use serde_json::Value;
use tempfile::TempDir;
use tracer::process::{Mapping, executable_mappings};

use support::cgotrace;

const LIBRARY: &str = "volatile int sink;\n\
    static __attribute__((noipa)) void jail_leaf(int x) { sink += x; }\n\
    void jail_work(int x) { jail_leaf(x); sink++; }\n";

const PROGRAM: &str = "#include <unistd.h>\n\
    void jail_work(int);\n\
    int main(void) { for (;;) { jail_work(1); usleep(20000); } }\n";

/// A program with a library, both stripped, below a root of its own; its debug files are there
/// only. At the same path outside lies another build.
struct Jail {
    folder: TempDir,
    /// Where program and library lie, as the program sees it.
    inside: PathBuf,
}

impl Jail {
    fn build() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let inside = folder.path().canonicalize().expect("path").join("bin");
        let jail = Self { folder, inside };
        std::fs::write(jail.folder.path().join("lib.c"), LIBRARY).expect("source");
        std::fs::write(jail.folder.path().join("main.c"), PROGRAM).expect("source");
        jail.shell(
            "flags='-O1 -g -Wl,--build-id=sha1'
             mkdir -p $IN $ROOT$IN $ROOT/usr/lib/debug $ROOT$IN/.debug $ROOT/proc
             # What lies outside: other code under the same names.
             sed s/jail_leaf/false_leaf/ lib.c > other.c
             cc $flags -fno-omit-frame-pointer -shared -fPIC other.c -o $IN/libjail.so
             cc $flags -shared -Wl,-soname,libjail.so -fPIC lib.c -o $ROOT$IN/libjail.so
             cc $flags main.c -o $ROOT$IN/jailed $ROOT$IN/libjail.so -Wl,-rpath,$IN
             cd $ROOT$IN
             objcopy --only-keep-debug libjail.so .debug/libjail.debug
             strip libjail.so
             objcopy --add-gnu-debuglink=.debug/libjail.debug libjail.so
             id=$(readelf -n jailed | sed -n 's/.*Build ID: //p')
             mkdir -p $ROOT/usr/lib/debug/.build-id/$(echo $id | cut -c1-2)
             objcopy --only-keep-debug jailed \
                 $ROOT/usr/lib/debug/.build-id/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-).debug
             strip jailed
             for file in $(ldd jailed | grep -o '/[^ ]*' | grep -v libjail); do
                 mkdir -p $ROOT$(dirname $file); cp -L $file $ROOT$file
             done",
        );
        jail
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(self.folder.path());
        command.env("ROOT", self.root()).env("IN", &self.inside).stdin(Stdio::null());
        command
    }

    fn shell(&self, script: &str) {
        let output = self.command(script).output().expect("sh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the program by a script that ends in it; its process.
    fn start(&self, script: &str) -> Running {
        let running = Running(self.command(script).spawn().expect("start"));
        let exe = format!("/proc/{}/exe", running.0.id());
        support::eventually("the program runs", || {
            std::fs::read_link(&exe).is_ok_and(|path| path.ends_with("jailed"))
        });
        running
    }
}

/// A process of ours, ended with this; so are the mounts of its namespace.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The frames of the first hit of the library's function, as `function file:line`, and what was
/// said meanwhile.
fn trace(running: &Running, folder: &Path) -> (Vec<String>, String) {
    let written = folder.join("trace.json");
    let mut command = cgotrace();
    command.args(["attach", "-p", &running.0.id().to_string(), "--func", "libjail.so:jail_work"]);
    command.args(["--count", "2", "--duration", "30s", "--format", "json", "--force", "-o"]);
    let output = command.arg(&written).output().expect("start cgotrace");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let text = std::fs::read_to_string(written).expect("trace");
    let stacks = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut stacks = stacks;
    let stack = stacks.find(|record| record["kind"] == "stack").expect("a hit");
    assert_eq!(stack["complete"], true, "{stack}\n{said}");
    let frames = stack["frames"].as_array().expect("frames").iter().map(|frame| {
        let file = frame["file"].as_str().unwrap_or("?").rsplit('/').next().unwrap_or_default();
        format!("{} {file}:{}", frame["function"].as_str().unwrap_or("?"), frame["line"])
    });
    (frames.collect(), said)
}

fn check(running: &Running, jail: &Jail) {
    let (frames, said) = trace(running, jail.folder.path());
    assert_eq!(frames[..2], ["jail_work lib.c:3", "main main.c:3"], "{frames:?}\n{said}");
}

#[test]
fn a_mount_namespace_with_its_own_root() {
    let jail = Jail::build();
    // As container runtimes do: the root is another mount, the old one is gone.
    let running = jail.start(
        "exec unshare -m --propagation private sh -ec '
             mount --bind $ROOT $ROOT; cd $ROOT; mkdir -p old; pivot_root . old
             exec $IN/jailed' ",
    );
    check(&running, &jail);
}

#[test]
fn an_overlay_in_a_mount_namespace() {
    let jail = Jail::build();
    let running = jail.start(
        "mkdir -p over
         exec unshare -m --propagation private sh -ec '
             mount -t tmpfs none over; cd over; mkdir up work merged
             mount -t overlay none -o lowerdir=$ROOT,upperdir=up,workdir=work merged
             # Copied up: its inode is another one.
             touch merged$IN/libjail.so
             exec chroot merged $IN/jailed' ",
    );
    check(&running, &jail);
}

#[test]
fn another_root_without_a_namespace() {
    let jail = Jail::build();
    let running = jail.start("exec chroot $ROOT $IN/jailed");
    check(&running, &jail);
}

#[test]
fn a_library_that_was_replaced_is_named_by_the_one_that_is_mapped() {
    let jail = Jail::build();
    let running = jail.start("exec chroot $ROOT $IN/jailed");
    jail.shell("cp $IN/libjail.so $ROOT$IN/new; mv $ROOT$IN/new $ROOT$IN/libjail.so");
    let (frames, said) = trace(&running, jail.folder.path());
    assert!(frames[0].starts_with("jail_work"), "{frames:?}\n{said}");
    assert!(!frames.iter().any(|frame| frame.contains("false")), "{frames:?}");
}

/// Below the root of a process, by a thread that has no right to the kernel's links.
#[test]
fn without_the_kernels_links_the_path_leads_to_the_file() {
    let jail = Jail::build();
    let overlay = "mkdir -p over
         exec unshare -m --propagation private sh -ec '
             mount -t tmpfs none over; cd over; mkdir up work merged
             mount -t overlay none -o lowerdir=$ROOT,upperdir=up,workdir=work merged
             exec chroot merged $IN/jailed' ";
    let expected = std::fs::read(
        jail.root().join(jail.inside.strip_prefix("/").expect("path")).join("libjail.so"),
    )
    .expect("library");
    for script in ["exec chroot $ROOT $IN/jailed", overlay] {
        let running = jail.start(script);
        let pid = running.0.id();
        support::eventually("the library is loaded", || library_of(pid).is_some());
        let reached = std::thread::spawn(move || {
            let mut rights = capabilities(None).expect("rights");
            rights.effective.remove(CapabilitySet::SYS_ADMIN | CapabilitySet::CHECKPOINT_RESTORE);
            set_capabilities(None, rights).expect("fewer rights");
            let mapping = library_of(pid).expect("library");
            mapping.reach(pid).map(|(path, _)| (path.clone(), std::fs::read(path)))
        });
        let (path, bytes) = reached.join().expect("thread").expect(script);
        assert!(path.starts_with(format!("/proc/{pid}/root")), "{path:?}");
        assert!(bytes.expect("file") == expected, "{script}: {path:?}");
    }
}

/// Where a process has the library's code.
fn library_of(pid: u32) -> Option<Mapping> {
    let mappings = executable_mappings(pid).expect("mappings");
    mappings.into_iter().find(|mapping| mapping.path.ends_with("libjail.so"))
}

/// Two file systems in memory number their files alike.
#[test]
fn another_file_with_the_same_inode_is_refused() {
    let jail = Jail::build();
    let running = jail.start(
        "mkdir -p one two
         exec unshare -m --propagation private sh -ec '
             for of in one two; do mount -t tmpfs none $of; done
             cp $ROOT$IN/libjail.so one/; cp $IN/libjail.so two/
             stat -c %i one/libjail.so two/libjail.so > inodes
             mount --bind one/libjail.so $ROOT$IN/libjail.so
             (sleep 1; mount --bind two/libjail.so $ROOT$IN/libjail.so; touch over) &
             exec chroot $ROOT $IN/jailed' ",
    );
    support::eventually("the other file lies there", || jail.folder.path().join("over").exists());
    let inodes = std::fs::read_to_string(jail.folder.path().join("inodes")).expect("inodes");
    let inodes: Vec<_> = inodes.lines().collect();
    assert_eq!(inodes[0], inodes[1]);
    let pid = running.0.id().to_string();
    let arguments = ["attach", "-p", &pid, "--func", "libjail.so:jail_work", "--duration", "1s"];
    // The links to mapped files take CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search"]);
    command.arg(cgotrace().get_program()).args(arguments);
    let output = command.output().expect("start cgotrace");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another file lies there than the one that is mapped"), "{said}");
    assert!(said.contains("its first bytes differ, on device"), "{said}");
}

/// Nothing of ours stays mounted.
#[test]
fn no_mount_is_left() {
    let before = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    let jail = Jail::build();
    drop(jail.start(
        "exec unshare -m --propagation private sh -ec '
             mount -t tmpfs none $ROOT/usr/lib/debug; exec chroot $ROOT $IN/jailed' ",
    ));
    assert_eq!(std::fs::read_to_string("/proc/self/mounts").expect("mounts"), before);
}
