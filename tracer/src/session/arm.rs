//! From targets and their probe points to armed probes.

use rustc_hash::FxHashMap;
use tracer_common::map::cookie;

use super::SessionError;
use super::learn::Learner;
use super::library::{Library, NewModule};
use super::notice::Notice;
use super::target::{Target, TargetFile};
use crate::address::FileOffset;
use crate::bpf::{AttachMethod, Kernel, Scope};
use crate::object::{ModuleNumber, ProbePoint};
use crate::sink::{ProbeLabel, Start};

/// So many probes take no time that is worth a word, however they are attached.
const FEW_PROBES: usize = 8;

/// What is armed.
pub(super) struct Armed {
    /// What outputs say at their start.
    pub(super) start: Start,
    /// What probes are called, by cookie.
    pub(super) labels: FxHashMap<u64, String>,
}

/// The probes of one file.
struct FileProbes<'a> {
    file: &'a TargetFile,
    scopes: &'a [Scope],
    /// Where each lies, and its cookie.
    places: Vec<(FileOffset, u64)>,
}

/// Makes every file of the targets known to the kernel side, then attaches the probes. `points`
/// are those of each file of each target.
pub(super) fn arm(
    targets: &[Target],
    points: &[Vec<Vec<ProbePoint>>],
    kernel: &mut Kernel,
    library: &mut Library,
    learner: &mut Learner,
    notify: &mut dyn FnMut(Notice),
) -> Result<Armed, SessionError> {
    let mut warn = |text| notify(Notice::Warning(text));
    let mut armed = Armed { start: Start::default(), labels: FxHashMap::default() };
    if let [only] = targets {
        armed.start.executable = Some(only.path().to_owned());
    }
    // All rows come before the first probe: the first hit counts.
    library.add_vdso(&mut warn)?;
    let mut numbers = Vec::new();
    for (target, points) in targets.iter().zip(points) {
        for (file, points) in target.files.iter().zip(points) {
            let TargetFile { path, object, go, .. } = file;
            let entries = points.iter().filter(|point| point.is_called).map(|point| point.address);
            let entries: Vec<_> = entries.collect();
            let module = NewModule { path, object, go: go.clone(), entries: &entries };
            let number = library.add(kernel, module, &mut warn)?;
            if file.is_lasting {
                number.into_iter().for_each(|number| library.set_lasting(number));
            }
            numbers.push(number);
        }
    }
    for &pid in targets.iter().flat_map(|target| &target.processes) {
        learner.mappings_of(pid, kernel, library, &mut warn)?;
    }
    let mut numbers = numbers.into_iter();
    let mut probes = Vec::new();
    for (target, points) in targets.iter().zip(points) {
        for (at, (file, points)) in target.files.iter().zip(points).enumerate() {
            let Some(Some(number)) = numbers.next() else { continue };
            if at == 0 && target.scopes.contains(&Scope::All) {
                announce_starts(file, number, kernel)?;
            }
            let mut places = Vec::new();
            for point in points {
                let cookie = cookie::pack(number.0, point.offset.0);
                places.push((point.offset, cookie));
                armed.labels.insert(cookie, point.display.clone());
                armed.start.probes.push(ProbeLabel {
                    name: point.display.clone(),
                    names: point.names.clone(),
                    module: file.path.clone(),
                    offset: point.offset,
                });
            }
            probes.push(FileProbes { file, scopes: &target.scopes, places });
        }
    }
    tell_cost(&probes, kernel, notify)?;
    for FileProbes { file, scopes, places } in probes {
        for &scope in scopes {
            let mut hear = |progress| notify(Notice::Attaching(progress));
            kernel.attach_probes(&file.attach_path, &places, scope, &mut hear)?;
        }
    }
    Ok(armed)
}

/// Tells what many probes will cost, where the kernel attaches each by itself.
fn tell_cost(
    probes: &[FileProbes<'_>],
    kernel: &mut Kernel,
    notify: &mut dyn FnMut(Notice),
) -> Result<(), SessionError> {
    let count: usize = probes.iter().map(|probes| probes.scopes.len() * probes.places.len()).sum();
    let first = probes.iter().find_map(|probes| Some((probes.file, probes.places.first()?.0)));
    if let Some((file, place)) = first
        && count > FEW_PROBES
        && let AttachMethod::OneByOne(why) = kernel.attach_method()
        && let Some(time) = kernel.measure_cost(&file.attach_path, place, count)?
    {
        notify(Notice::OneByOne { probes: count, time, why });
    }
    Ok(())
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
