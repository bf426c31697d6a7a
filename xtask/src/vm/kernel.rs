//! The kernels: Debian's, downloaded and unpacked into `target/tools`, not installed.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::tool::{apt, command, paths};

/// One kernel.
pub(super) struct Kernel {
    /// As it is asked for.
    pub(super) name: &'static str,
    /// Debian's package that depends on the current one.
    package: &'static str,
    /// More for the kernel's command line.
    pub(super) arguments: &'static str,
}

/// The kernels tested. Full preemption is the harder case: another probe may interrupt a walk.
pub(super) const KERNELS: [Kernel; 2] = [
    Kernel { name: "6.1", package: "linux-image-cloud-amd64", arguments: "preempt=voluntary" },
    Kernel { name: "6.12", package: "linux-image-6.12-cloud-amd64", arguments: "preempt=full" },
];

impl Kernel {
    /// The file to boot, downloaded where it is missing.
    pub(super) fn image(&self) -> Result<PathBuf> {
        let folder = paths::tools().join("kernels").join(self.name);
        if let Some(image) = image_in(&folder) {
            return Ok(image);
        }
        apt::update();
        let package = self.current_package()?;
        println!("vm: downloading {package}");
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        command::run_quietly(
            Command::new("apt-get").args(["download", "-q", &package]).current_dir(&folder),
        )?;
        for archive in debs_in(&folder)? {
            command::run_quietly(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&folder))?;
            fs::remove_file(&archive).with_context(|| format!("remove {}", archive.display()))?;
        }
        // Its modules are not used: all that is needed is built in.
        let _ = fs::remove_dir_all(folder.join("lib"));
        image_in(&folder).with_context(|| format!("{package} holds no boot/vmlinuz-*"))
    }

    /// The package with the kernel itself, whose name carries its version.
    fn current_package(&self) -> Result<String> {
        let said = command::output(Command::new("apt-cache").args([
            "depends",
            "--important",
            self.package,
        ]))?;
        said.split_whitespace()
            .find(|word| word.starts_with("linux-image-") && *word != self.package)
            .map(str::to_owned)
            .with_context(|| format!("{} depends on no kernel", self.package))
    }
}

fn image_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder.join("boot")).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"vmlinuz-"))
    })
}

fn debs_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    Ok(entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect())
}
