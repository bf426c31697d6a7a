//! From targets and their probe points to armed probes.

use rustc_hash::FxHashMap;
use tracer_common::map::cookie;

use super::SessionError;
use super::learn::Learner;
use super::library::Library;
use super::target::{Target, TargetFile};
use crate::bpf::{Kernel, Scope};
use crate::object::{ModuleNumber, ProbePoint};
use crate::sink::{ProbeLabel, Start};

/// What is armed.
pub(super) struct Armed {
    /// What outputs say at their start.
    pub(super) start: Start,
    /// What probes are called, by cookie.
    pub(super) labels: FxHashMap<u64, String>,
}

/// Makes every file of the targets known to the kernel side, then attaches the probes. `points`
/// are those of each file of each target.
pub(super) fn arm(
    targets: &[Target],
    points: &[Vec<Vec<ProbePoint>>],
    kernel: &mut Kernel,
    library: &mut Library,
    learner: &mut Learner,
    warn: &mut dyn FnMut(String),
) -> Result<Armed, SessionError> {
    let mut armed = Armed { start: Start::default(), labels: FxHashMap::default() };
    if let [only] = targets {
        armed.start.executable = Some(only.path().to_owned());
    }
    // All rows come before the first probe: the first hit counts.
    let mut numbers = Vec::new();
    for target in targets {
        for file in &target.files {
            let TargetFile { path, object, go, .. } = file;
            let number = library.add(kernel, path, object, go.clone(), warn)?;
            if file.is_lasting {
                number.into_iter().for_each(|number| library.set_lasting(number));
            }
            numbers.push(number);
        }
        for &pid in &target.processes {
            learner.mappings_of(pid, kernel, library, warn)?;
        }
    }
    let mut numbers = numbers.into_iter();
    for (target, points) in targets.iter().zip(points) {
        for (at, (file, points)) in target.files.iter().zip(points).enumerate() {
            let Some(Some(number)) = numbers.next() else { continue };
            if at == 0 && target.scopes.contains(&Scope::All) {
                announce_starts(file, number, kernel)?;
            }
            for point in points {
                let cookie = cookie::pack(number.0, point.offset.0);
                for &scope in &target.scopes {
                    kernel.attach_probe(&file.attach_path, point.offset, cookie, scope)?;
                }
                armed.labels.insert(cookie, point.display.clone());
                armed.start.probes.push(ProbeLabel {
                    name: point.display.clone(),
                    names: point.names.clone(),
                    module: file.path.clone(),
                    offset: point.offset,
                });
            }
        }
    }
    Ok(armed)
}

/// Has the kernel side look at every process that starts this executable.
fn announce_starts(
    executable: &TargetFile,
    number: ModuleNumber,
    kernel: &mut Kernel,
) -> Result<(), SessionError> {
    if let Some(offset) = executable.object.offset_of(executable.object.entry()) {
        let cookie = cookie::pack(number.0, offset.0);
        kernel.attach_process_start(&executable.attach_path, offset, cookie)?;
    }
    Ok(())
}
