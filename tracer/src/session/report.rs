//! From a recording to an output.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::notice::Notice;
use super::output::Output;
use super::{Outcome, SessionError};
use crate::event::{Event, EventSource};
use crate::object::go::GoModule;
use crate::object::{ModuleIdentity, Modules, ObjectFile};
use crate::recording::{RecordedNames, Recording, Rest};
use crate::sink::{Sink, Start};
use crate::stack::{Assembler, Summary};
use crate::symbol::{Symbolize, Symbolizer};

/// Writes what the recording at `path` holds. `make_sink` is called once; `notify` hears what
/// could not be read. What lies before a damaged part is written.
///
/// # Errors
/// The recording cannot be read or is damaged, or the output cannot be written.
pub fn report(
    path: &Path,
    make_sink: impl FnOnce(&Start) -> Result<Box<dyn Sink + Send>, SessionError>,
    notify: &mut dyn FnMut(Notice),
) -> Result<Outcome, SessionError> {
    let mut recording = Recording::open(path)?;
    let mut names = Names::of(recording.names()?);
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
        names.learn(&recording.modules, notify);
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
    Files { symbols: Box<Symbolizer>, learned: usize },
}

impl Names {
    fn of(recorded: Option<RecordedNames>) -> Self {
        match recorded {
            Some(names) => Self::Recorded(names),
            None => Self::Files { symbols: Box::default(), learned: 0 },
        }
    }

    /// Opens the files of modules that were not met before.
    fn learn(&mut self, modules: &Modules, notify: &mut dyn FnMut(Notice)) {
        let Self::Files { symbols, learned } = self else { return };
        for (number, module) in modules.iter().skip(*learned) {
            *learned += 1;
            match open(module) {
                Ok((object, go)) => symbols.add(number, object, go),
                Err(what) => notify(Notice::Warning(format!(
                    "frames in {} have no names: the recording has none, and {what}",
                    module.path.display()
                ))),
            }
        }
    }

    fn symbols(&mut self) -> &mut dyn Symbolize {
        match self {
            Self::Recorded(names) => names,
            Self::Files { symbols, .. } => &mut **symbols,
        }
    }
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
