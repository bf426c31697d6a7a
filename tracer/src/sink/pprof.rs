//! pprof's format: a gzipped `profile.proto` message, written at the end.
//!
//! A sample is one stack with one set of labels. Where there are too many different ones, those that
//! come later have the probe only as a label, and a comment in the profile says so.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use rustc_hash::FxHashMap;

use self::places::{Places, Texts};
use self::proto::{Label, Profile, Sample, ValueType};
use super::cache::Cache;
use super::sanitize::sanitize_bytes;
use super::tree::{Interner, NodeNumber, Tree};
use super::view::View;
use super::{Sink, Start, label};
use crate::stack::{Stack, Summary, Time};

mod places;
pub mod proto;

/// So many samples are told apart by all their labels.
const MOST_SAMPLES: usize = 1 << 18;

/// Writes a profile at the end.
pub struct PprofSink<W> {
    out: W,
    view: View,
    title: String,
    known: Cache<NodeNumber>,
    texts: Texts,
    places: Places,
    stacks: Tree,
    /// Hits of stacks that do not fit into memory.
    not_kept: i64,
    labels: Interner<Vec<Label>>,
    samples: FxHashMap<(NodeNumber, u32), i64>,
    /// Hits whose labels are left out.
    unlabelled: u64,
    first: Option<Time>,
}

impl<W: Write> PprofSink<W> {
    /// A sink that writes nothing before the end. Stacks are never reversed: a reader can do that.
    pub fn new(out: W, start: &Start, view: View) -> Self {
        Self {
            out,
            view: View { reverse: false, ..view },
            title: label::title(start),
            known: Cache::default(),
            texts: Texts::default(),
            places: Places::default(),
            stacks: Tree::new(Tree::MOST),
            not_kept: 0,
            labels: Interner::new(Interner::<()>::MOST),
            samples: FxHashMap::default(),
            unlabelled: 0,
            first: None,
        }
    }

    fn node(&mut self, stack: &Stack) -> Option<NodeNumber> {
        let lines = self.view.frames(stack);
        let path = self.places.path(&lines, &mut self.texts);
        let node = self.stacks.node(path?.into_iter().rev())?;
        self.known.insert(stack, node);
        Some(node)
    }

    fn labels(&mut self, stack: &Stack) -> Vec<Label> {
        let mut labels = vec![self.texts.label("probe", &stack.probe)];
        labels.push(self.texts.label("comm", &sanitize_bytes(&stack.comm)));
        let numbers = [
            ("pid", stack.pid.map(u64::from)),
            ("tid", stack.tid.map(u64::from)),
            ("goroutine", stack.goroutine),
        ];
        for (key, number) in numbers {
            labels.extend(number.map(|number| self.texts.number(key, number)));
        }
        labels
    }

    /// The number of the stack's labels; of its probe alone where these are too many.
    fn label_set(&mut self, node: NodeNumber, stack: &Stack) -> u32 {
        let labels = self.labels(stack);
        let probe = labels.first().copied();
        let number = self.labels.number_of(labels);
        if let Some(number) = number
            && (self.samples.len() < MOST_SAMPLES || self.samples.contains_key(&(node, number)))
        {
            return number;
        }
        self.unlabelled += 1;
        // Probes are few; without even this label it is still a sample.
        self.labels.number_of(Vec::from_iter(probe)).unwrap_or(u32::MAX)
    }

    fn profile(&mut self, summary: &Summary) -> Profile {
        let mut comments = vec![
            concat!("cgotrace ", env!("CARGO_PKG_VERSION")).to_owned(),
            format!("{}: {} hits", self.title, summary.events),
        ];
        let mut count = |what: &str, counts: &std::collections::BTreeMap<_, u64>| {
            comments.extend(counts.iter().map(|(name, count)| format!("{count} {what}: {name}")));
        };
        count("incomplete", &summary.incomplete);
        count("lost", &summary.lost);
        if self.unlabelled > 0 {
            comments.push(format!("{} hits without labels: too many of them", self.unlabelled));
        }
        let comment = comments.iter().map(|comment| self.texts.index(comment)).collect();
        let kind = ValueType { r#type: self.texts.index("hits"), unit: self.texts.index("count") };
        let mut samples: Vec<_> = self.samples.iter().collect();
        // The order of a hash table would differ from run to run.
        samples.sort_unstable();
        let mut sample: Vec<_> = samples
            .into_iter()
            .map(|(&(node, labels), &count)| Sample {
                location_id: self.stacks.stack(node).map(|place| u64::from(place) + 1).collect(),
                value: vec![count],
                label: self.labels.get(labels).cloned().unwrap_or_default(),
            })
            .collect();
        if self.not_kept > 0 {
            let location = self.places.beyond(label::NOT_KEPT, &mut self.texts);
            sample.push(Sample {
                location_id: location.map(|number| u64::from(number) + 1).into_iter().collect(),
                value: vec![self.not_kept],
                label: Vec::new(),
            });
        }
        let (mapping, location, function) = self.places.tables();
        Profile {
            sample_type: vec![kind],
            sample,
            mapping,
            location,
            function,
            string_table: self.texts.table(),
            time_nanos: self.first.map_or(0, |time| time.0),
            duration_nanos: i64::try_from(summary.duration.as_nanos()).unwrap_or(i64::MAX),
            period_type: Some(kind),
            period: 1,
            comment,
            default_sample_type: kind.r#type,
        }
    }
}

impl<W: Write> Sink for PprofSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        self.first = self.first.or(Some(stack.time));
        if let Some(node) = self.known.get(stack).or_else(|| self.node(stack)) {
            let labels = self.label_set(node, stack);
            *self.samples.entry((node, labels)).or_default() += 1;
        } else {
            self.not_kept += 1;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let message = self.profile(summary).encode_to_vec();
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&message)?;
        self.out.write_all(&packed.finish()?)?;
        self.out.flush()
    }
}
