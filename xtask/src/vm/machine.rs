//! One run of QEMU, and what the guest wrote.

use super::kernel::Kernel;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use xtask::tool::paths;

/// Emulated, on a busy machine, all runs need well under this.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What the guest wrote.
pub(super) struct Said {
    console: String,
    results: String,
}

/// Boots the kernel with this file system and waits until the machine powers off.
pub(super) fn boot(kernel: &Kernel, image: &Path, file_system: &Path) -> Result<Said> {
    let folder = paths::target().join("vm");
    let console = folder.join(format!("{}.console", kernel.name));
    let results = folder.join(format!("{}.results", kernel.name));
    let said = || Said { console: read(&console), results: read(&results) };
    let arguments =
        format!("console=ttyS0 rdinit=/init panic=-1 quiet oops=panic {}", kernel.arguments);
    let mut child = Command::new("qemu-system-x86_64")
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024"])
        .args(["-nodefaults", "-display", "none", "-no-reboot"])
        .arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(file_system)
        .args(["-append", &arguments])
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .arg("-serial")
        .arg(format!("file:{}", results.display()))
        .stdin(Stdio::null())
        .spawn()
        .context("start qemu-system-x86_64")?;
    if let Err(error) = wait(&mut child) {
        bail!("{error:#}; the console ends:\n{}", said().console_tail());
    }
    Ok(said())
}

/// Waits for our own QEMU; ends it where it takes too long.
fn wait(child: &mut Child) -> Result<()> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("wait for QEMU")? {
            if status.success() {
                return Ok(());
            }
            bail!("QEMU ended with {status}");
        }
        if start.elapsed() > TIMEOUT {
            child.kill().context("end QEMU")?;
            child.wait().context("wait for QEMU")?;
            bail!("the machine did not power off within {} s", TIMEOUT.as_secs());
        }
        sleep(Duration::from_millis(100));
    }
}

fn read(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    // A serial line ends its lines with two characters.
    String::from_utf8_lossy(&bytes).replace('\r', "")
}

impl Said {
    /// What stands between the marks of this section.
    pub(super) fn text_of(&self, section: &str) -> Option<String> {
        let from = format!("@@begin {section}\n");
        let to = format!("@@end {section}\n");
        let (_, rest) = self.results.split_once(&from)?;
        rest.split_once(&to).map(|(text, _)| text.to_owned())
    }

    /// The lines of this section; none where there is no such section.
    pub(super) fn lines_of(&self, section: &str) -> Vec<String> {
        self.text_of(section).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The kernel's release, as the guest said it.
    pub(super) fn release(&self) -> Result<String> {
        let release = self.text_of("release").map(|text| text.trim().to_owned());
        release.filter(|text| !text.is_empty()).with_context(|| {
            format!("the guest did not come up; the console ends:\n{}", self.console_tail())
        })
    }

    /// The last lines of the console.
    pub(super) fn console_tail(&self) -> String {
        let lines: Vec<_> = self.console.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

#[cfg(test)]
mod tests;
