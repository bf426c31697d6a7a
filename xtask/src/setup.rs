//! `setup`: what the suites need beyond Rust, a C compiler and python3.

use anyhow::{Result, bail};
use xtask::tool::apt::{self, Need, Sign};
use xtask::tool::bpf::toolchain;
use xtask::tool::{debian, go};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The Go versions to get, such as 1.27 or 1.27.3.
    #[arg(long = "go", value_delimiter = ',', value_name = "VERSION")]
    versions: Vec<String>,
    /// What to get; all where none is given.
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// One part of what the suites need.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Go toolchains, into target/tools.
    Go,
    /// What builds the examples and programs beyond Go and C, and judges stacks and names: g++,
    /// clang, dwz, gdb, llvm-symbolizer.
    Native,
    /// What judges stacks besides gdb: Delve, into target/tools.
    Judges,
    /// What judges names: llvm-symbolizer.
    Names,
    /// The second compiler whose debug information is judged: clang.
    Clang,
    /// What builds and lints the BPF object: a Rust with the core sources, LLVM, bpf-linker.
    Bpf,
    /// What boots other kernels: QEMU, busybox, cpio.
    Vm,
    /// What judges pictures: Chromium and its driver.
    Browser,
    /// What cgotrace is measured against: bpftrace.
    Bench,
}

const ALL: &[Part] = &[
    Part::Go,
    Part::Native,
    Part::Judges,
    Part::Names,
    Part::Clang,
    Part::Bpf,
    Part::Vm,
    Part::Browser,
    Part::Bench,
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let versions: Result<Vec<_>> = arguments.versions.iter().map(|text| go::known(text)).collect();
    let mut versions = versions?;
    if versions.is_empty() {
        versions = go::KNOWN.to_vec();
    }
    let parts = match arguments.parts.as_slice() {
        [] => ALL,
        given => given,
    };
    ensure(parts, &versions)
}

/// Gets these parts. Every part is tried; the error names all that could not be got.
pub(crate) fn ensure(parts: &[Part], versions: &[&str]) -> Result<()> {
    let mut failures = Vec::new();
    for part in parts {
        if let Err(error) = ensure_part(*part, versions) {
            failures.push(format!("{error:#}"));
        }
    }
    if !failures.is_empty() {
        bail!("setup is incomplete:\n{}", failures.join("\n"));
    }
    Ok(())
}

fn ensure_part(part: Part, versions: &[&str]) -> Result<()> {
    match part {
        Part::Go => versions.iter().try_for_each(|version| go::ensure_version(version).map(drop)),
        Part::Native => apt::ensure(&[
            Need { sign: Sign::Program("c++"), package: "g++" },
            Need { sign: Sign::Program("clang++"), package: "clang" },
            Need { sign: Sign::Program("dwz"), package: "dwz" },
            Need { sign: Sign::Program("gdb"), package: "gdb" },
            Need { sign: Sign::Program("llvm-symbolizer-22"), package: "llvm-22" },
        ]),
        Part::Judges => debian::ensure_delve().map(drop),
        Part::Names => {
            apt::ensure(&[Need { sign: Sign::Program("llvm-symbolizer-22"), package: "llvm-22" }])
        }
        Part::Clang => apt::ensure(&[Need { sign: Sign::Program("clang++"), package: "clang" }]),
        Part::Bpf => toolchain::ensure(),
        Part::Vm => apt::ensure(&[
            Need { sign: Sign::Program("qemu-system-x86_64"), package: "qemu-system-x86" },
            Need { sign: Sign::Program("busybox"), package: "busybox-static" },
            Need { sign: Sign::Program("cpio"), package: "cpio" },
        ]),
        Part::Browser => apt::ensure(&[
            Need { sign: Sign::Program("chromium"), package: "chromium" },
            Need { sign: Sign::Program("chromedriver"), package: "chromium-driver" },
        ]),
        Part::Bench => {
            apt::ensure(&[Need { sign: Sign::Program("bpftrace"), package: "bpftrace" }])
        }
    }
}
