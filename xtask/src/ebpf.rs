//! `ebpf`: the committed BPF object, rebuilt or checked.

use anyhow::{Context, Result, bail};
use std::fs;
use xtask::tool::bpf::note::Note;
use xtask::tool::bpf::toolchain::Toolchain;
use xtask::tool::bpf::{build, sources};
use xtask::tool::{bpf, paths, smoke};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rebuild and compare with the committed object; change nothing.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check { check() } else { rebuild() }
}

fn rebuild() -> Result<()> {
    let toolchain = Toolchain::find(None)?;
    let object = build::object(&toolchain)?;
    let note = Note::of(&object, &toolchain)?;
    let (file, note_file) = (bpf::object(), bpf::note());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    fs::write(&file, &object).with_context(|| format!("write {}", file.display()))?;
    note.write(&note_file)?;
    println!("ebpf: {} bytes by {}", object.len(), note.tools);
    lint(&toolchain)
}

fn check() -> Result<()> {
    let recorded = Note::read(&bpf::note())?;
    if sources::sha256(&paths::root())? != recorded.sources_sha256 {
        bail!("the BPF sources have changed since the object was built: run `cargo xtask ebpf`");
    }
    let toolchain = Toolchain::find(Some(&recorded.tools))?;
    let object = build::object(&toolchain)?;
    let tools = toolchain.versions()?;
    let committed = fs::read(bpf::object()).context("read the committed object")?;
    if tools == recorded.tools {
        if object != committed {
            bail!(
                "the recorded compiler and linker make another object ({} bytes) than the \
                 committed one ({} bytes): run `cargo xtask ebpf`",
                object.len(),
                committed.len()
            );
        }
        println!("ebpf: the rebuilt object is the committed one, byte for byte");
    } else {
        println!("ebpf: the committed object is by {}", recorded.tools);
        println!("ebpf: the tools here are {tools}: not compared, but run");
        let rebuilt = paths::target().join("ebpf/rebuilt.bpf.o");
        fs::write(&rebuilt, object).with_context(|| format!("write {}", rebuilt.display()))?;
        smoke::run(Some(&rebuilt)).context("load and run the rebuilt object")?;
        println!("ebpf: the rebuilt object loads and gives the right stacks");
    }
    lint(&toolchain)
}

fn lint(toolchain: &Toolchain) -> Result<()> {
    if build::lint(toolchain)? {
        println!("ebpf: clippy is content");
    } else {
        println!("ebpf: not linted: this compiler has no clippy");
    }
    Ok(())
}
