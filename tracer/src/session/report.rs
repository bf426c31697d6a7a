//! From a recording to an output.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::notice::Notice;
use super::options::NameOptions;
use super::output::Output;
use super::{Outcome, SessionError, fetch};
use crate::event::{Event, EventSource};
use crate::object::go::GoModule;
use crate::object::{DebugFileError, ModuleIdentity, Modules, ObjectFile};
use crate::recording::{RecordedNames, Recording, Rest};
use crate::sink::{Sink, Start};
use crate::stack::{Assembler, Summary};
use crate::symbol::{Symbolize, Symbolizer};

/// Writes what the recording at `path` holds. Where it has no names, they come from the files and
/// from what `names` says. `make_sink` is called once; `notify` hears what could not be read. What
/// lies before a damaged part is written.
///
/// # Errors
/// The recording cannot be read or is damaged, a debug file is of another build, or the output
/// cannot be written.
pub fn report(
    path: &Path,
    names: &NameOptions,
    make_sink: impl FnOnce(&Start) -> Result<Box<dyn Sink + Send>, SessionError>,
    notify: &mut dyn FnMut(Notice),
) -> Result<Outcome, SessionError> {
    let mut recording = Recording::open(path)?;
    let mut warn = |text| notify(Notice::Warning(text));
    let mut names = Names::of(path, recording.names()?, names, &mut warn)?;
    let mut output = Output::of_sink(make_sink(&recording.start))?;
    let (mut assembler, mut summary) = (Assembler::default(), Summary::default());
    let (mut first, mut damage) = (None, None);
    while !output.is_closed() {
        let hit = match recording.next_event() {
            Ok(Some(Event::Hit(hit))) => hit,
            Ok(Some(Event::Control(_) | Event::Lost(..))) => continue,
            Ok(None) => break,
            Err(error) => {
                damage = Some(error);
                break;
            }
        };
        let probe = recording.labels.get(&hit.cookie).map_or("", String::as_str);
        let (modules, clock) = (&recording.modules, recording.clock);
        let stack = assembler.assemble(&hit, probe, modules, names.symbols(), clock);
        summary.count(&stack);
        output.write(&stack)?;
        let begin = *first.get_or_insert(hit.time);
        // Hits of several CPUs may stand out of order.
        summary.duration = summary.duration.max(since(begin, hit.time));
        output.tick(summary.duration)?;
    }
    match recording.rest.take() {
        Some(Rest::Whole { lost, duration }) => {
            (summary.lost, summary.duration) = (lost, duration);
        }
        Some(Rest::Cut) => notify(Notice::Warning(format!(
            "{} was cut short: what it holds is shown, what was lost is not known",
            path.display()
        ))),
        None => {}
    }
    output.finish(&summary, names.symbols(), &mut |_, _| {})?;
    for refused in names.take_refused() {
        notify(Notice::Warning(refused.to_string()));
    }
    match damage {
        Some(error) => Err(error.into()),
        None => Ok(Outcome { summary, command: None, is_output_closed: output.is_closed() }),
    }
}

fn since(begin: u64, time: u64) -> Duration {
    Duration::from_nanos(time.saturating_sub(begin))
}

/// Who names what was recorded.
enum Names {
    /// The recording itself.
    Recorded(RecordedNames),
    /// The files, where they are still there: the recording was cut before its names.
    Files(Box<Symbolizer>),
}

impl Names {
    fn of(
        path: &Path,
        recorded: Option<RecordedNames>,
        options: &NameOptions,
        warn: &mut dyn FnMut(String),
    ) -> Result<Self, SessionError> {
        let source_directories = options.source_directories.clone();
        let Some(mut names) = recorded else {
            let mut symbols = of_files(&modules_of(path)?, options, warn)?;
            symbols.set_source_directories(source_directories);
            return Ok(Self::Files(Box::new(symbols)));
        };
        if !(options.debug_files.is_empty() && options.debug_directories.is_empty()) {
            warn(format!("{} has its names: debug files are not looked for", path.display()));
        }
        names.set_source_directories(source_directories);
        Ok(Self::Recorded(names))
    }

    fn symbols(&mut self) -> &mut dyn Symbolize {
        match self {
            Self::Recorded(names) => names,
            Self::Files(symbols) => &mut **symbols,
        }
    }

    /// What was found missing while naming.
    fn take_refused(&mut self) -> Vec<DebugFileError> {
        match self {
            Self::Recorded(_) => Vec::new(),
            Self::Files(symbols) => symbols.take_refused(),
        }
    }
}

/// All modules of a recording, up to where it was cut or is damaged.
fn modules_of(path: &Path) -> Result<Modules, SessionError> {
    let mut recording = Recording::open(path)?;
    while let Ok(Some(_)) = recording.next_event() {}
    Ok(recording.modules)
}

/// A symbolizer of the files of these modules, with their debug files.
fn of_files(
    modules: &Modules,
    options: &NameOptions,
    warn: &mut dyn FnMut(String),
) -> Result<Symbolizer, SessionError> {
    let mut opened = Vec::new();
    for (number, module) in modules.iter() {
        match open(module) {
            Ok((object, go)) => opened.push((number, object, go)),
            Err(what) => warn(format!(
                "frames in {} have no names: the recording has none, and {what}",
                module.path.display()
            )),
        }
    }
    let objects = opened.iter().map(|(_, object, _)| object);
    let mut debug_files = options.debug_files(objects.clone())?;
    let _ = fetch::debug_information(objects, &mut debug_files, warn);
    let mut symbols = Symbolizer::with_debug_files(debug_files);
    for (number, object, go) in opened {
        symbols.add(number, object, go);
    }
    Ok(symbols)
}

/// The file of a module, if it is certain that it is the one that was traced.
fn open(module: &ModuleIdentity) -> Result<(Arc<ObjectFile>, Option<Arc<GoModule>>), String> {
    let Some(build_id) = &module.build_id else {
        return Err("without a build id no file is known to be the one".to_owned());
    };
    let object = Arc::new(ObjectFile::open(&module.path).map_err(|error| error.to_string())?);
    if object.build_id() != Some(build_id) {
        return Err("the file has another build id now".to_owned());
    }
    let go = GoModule::find(&object).map_err(|error| error.to_string())?;
    Ok((object, go.map(Arc::new)))
}
