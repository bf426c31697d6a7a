//! What runs in the virtual machine: an initial RAM file system with busybox, cgotrace, the
//! examples and their shared libraries, and a script that traces each and writes what came out to
//! the second serial port.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xtask::tool::example::{ANIMALS, DEEP, Example, RUSTLIB, RUSTLIB_CDYLIB, SIGNALS};
use xtask::tool::go::{self, LinkMode};
use xtask::tool::{command, paths};

/// The Go versions of the examples: the oldest and the newest.
pub(super) const GO_VERSIONS: [&str; 2] = [go::TESTED[0], go::NEWEST];

/// What is traced here of one example.
pub(super) struct Scene {
    pub(super) example: &'static Example,
    /// Its arguments; no word has a blank or a quote.
    arguments: &'static [&'static str],
    /// The files of the stacks that it may give.
    pub(super) stacks: &'static [&'static str],
    /// How many it gives.
    pub(super) hits: usize,
}

/// As it runs without arguments.
const fn plain(example: &'static Example) -> Scene {
    Scene { example, arguments: &[], stacks: &["expected.txt"], hits: example.hits }
}

const SCENES: [Scene; 6] = [
    plain(&ANIMALS),
    plain(&DEEP),
    plain(&RUSTLIB),
    plain(&RUSTLIB_CDYLIB),
    // Each kernel has a vdso of its own. One build is enough, emulation is slow.
    Scene {
        example: &SIGNALS,
        arguments: &["-rounds", "50", "-where", "clock"],
        stacks: &["expected-clock-vdso.txt", "expected-clock.txt"],
        hits: 50,
    },
    Scene {
        example: &SIGNALS,
        arguments: &["-rounds", "50", "-where", "go-clock"],
        stacks: &[
            "expected-go-clock-vdso.txt",
            "expected-go-clock.txt",
            "expected-go-clock-preempted.txt",
        ],
        hits: 50,
    },
];

/// One traced program.
pub(super) struct Run {
    /// Its name in what the guest says, such as `1.27-pie-deep`.
    pub(super) name: String,
    /// What it does.
    pub(super) scene: &'static Scene,
    /// The program's name in the guest.
    file: String,
    /// The program here.
    program: PathBuf,
}

impl Run {
    /// The pattern of its probe, in the guest.
    fn pattern(&self) -> String {
        self.scene.example.pattern(Path::new("/programs"))
    }
}

/// The file system's image and what the guest will run.
pub(super) struct Guest {
    /// The image's file.
    pub(super) image: PathBuf,
    /// The traced programs, in order.
    pub(super) runs: Vec<Run>,
}

impl Guest {
    /// Builds the image. The fixtures are built where they are not.
    pub(super) fn build(cgotrace: &Path) -> Result<Self> {
        let runs = runs()?;
        let folder = paths::target().join("vm");
        let tree = folder.join("root");
        if tree.exists() {
            fs::remove_dir_all(&tree).with_context(|| format!("remove {}", tree.display()))?;
        }
        for name in ["bin", "dev", "proc", "sys", "tmp", "programs"] {
            let made = tree.join(name);
            fs::create_dir_all(&made).with_context(|| format!("make {}", made.display()))?;
        }
        let busybox = command::on_path("busybox").context("busybox is missing")?;
        copy(&busybox, &tree.join("bin/busybox"))?;
        symlink("busybox", tree.join("bin/sh")).context("link bin/sh")?;
        copy(cgotrace, &tree.join("bin/cgotrace"))?;
        let mut libraries = shared_libraries(cgotrace)?;
        for run in &runs {
            copy(&run.program, &tree.join("programs").join(&run.file))?;
            let own = run.scene.example.shared_library();
            let needed = shared_libraries(&run.program)?.into_iter();
            let is_own = |file: &PathBuf| own.as_ref().is_some_and(|own| file.ends_with(own));
            libraries.extend(needed.filter(|file| !is_own(file)));
            if let Some(own) = own {
                copy(&run.program.with_file_name(&own), &tree.join("programs").join(own))?;
            }
        }
        for library in libraries {
            let inside = tree.join(library.strip_prefix("/").unwrap_or(&library));
            let parent = inside.parent().unwrap_or(&tree);
            fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
            copy(&library, &inside)?;
        }
        let init = tree.join("init");
        fs::write(&init, script(&runs)).with_context(|| format!("write {}", init.display()))?;
        fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).context("mark init")?;
        let image = folder.join("initramfs.cpio");
        pack(&tree, &image)?;
        Ok(Self { image, runs })
    }
}

fn runs() -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for version in GO_VERSIONS {
        let go = go::ensure_version(version)?;
        for mode in LinkMode::ALL {
            for scene in &SCENES {
                let example = scene.example;
                let is_chosen = version == go::NEWEST && mode == LinkMode::Exe;
                if !scene.arguments.is_empty() && !is_chosen {
                    continue;
                }
                let program = example.fixture(version, mode);
                example.build(&go, version, mode, &program)?;
                let file = format!("{}-{}-{}", go::minor(version), mode.name(), example.name);
                let last = scene.arguments.last().map(|word| format!("-{word}"));
                let name = file.clone() + &last.unwrap_or_default();
                runs.push(Run { name, scene, file, program });
            }
        }
    }
    Ok(runs)
}

/// The first process. Each section of what it writes stands between two marked lines.
fn script(runs: &[Run]) -> String {
    let mut script = String::from(
        r#"#!/bin/sh
export PATH=/bin
for applet in mount cat echo grep sleep poweroff uname ls kill; do busybox ln -s busybox /bin/$applet; done
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /tmp
mount -t bpf none /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
exec 3>/dev/ttyS1
section() { echo "@@begin $1" >&3; cat >&3; echo "@@end $1" >&3; }
uname -r | section release
# A signal must not come while Go preempts a goroutine.
export GODEBUG=asyncpreemptoff=1
trace() {
    name=$1 pattern=$2 program=$3
    shift 3
    cgotrace run --format json -o "/tmp/$name" --func "$pattern" -- "/programs/$program" "$@" >/tmp/stdout 2>/tmp/stderr
    echo $? | section "$name status"
    [ -e "/tmp/$name" ] && section "$name json" <"/tmp/$name"
    cat /tmp/stderr /tmp/stdout | section "$name stderr"
}
"#,
    );
    for run in runs {
        // Writing to a String cannot fail.
        let arguments = run.scene.arguments.join(" ");
        let _ = writeln!(script, "trace {} '{}' {} {arguments}", run.name, run.pattern(), run.file);
    }
    if let Some(run) = runs.first() {
        let _ = writeln!(
            script,
            r#"cgotrace attach /programs/{} --func '{}' --duration 2s >/dev/null 2>&1 &
sleep 1.5
for fd in /proc/$!/fdinfo/*; do
    grep -q prog_type $fd && echo $(grep -E '^(prog_type|verified_insns)' $fd)
done | section programs
wait"#,
            run.file,
            run.pattern()
        );
    }
    script.push_str("poweroff -f\n");
    script
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| format!("copy {}", from.display()))
}

/// The shared libraries that a program needs, the dynamic linker included.
fn shared_libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let said = command::output(Command::new("ldd").arg(program))?;
    Ok(said
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect())
}

/// Packs a folder into the archive form that the kernel unpacks.
fn pack(tree: &Path, image: &Path) -> Result<()> {
    let mut find = Command::new("find")
        .args([".", "-print0"])
        .current_dir(tree)
        .stdout(Stdio::piped())
        .spawn()
        .context("start find")?;
    let names = find.stdout.take().context("read from find")?;
    let file = File::create(image).with_context(|| format!("make {}", image.display()))?;
    let packed = command::run(
        Command::new("cpio")
            .args(["--create", "--null", "--quiet", "--format=newc", "--owner=0:0"])
            .current_dir(tree)
            .stdin(names)
            .stdout(file),
    );
    find.wait().context("wait for find")?;
    packed
}
