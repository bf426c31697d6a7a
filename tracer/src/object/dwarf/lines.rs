//! Lines of one unit: its line program, run once.

use super::entry::text;
use super::functions::as_line;
use super::{Code, UnitRef};
use crate::object::ranges::Ranges;

/// The most rows of one unit that are kept.
const MAX_ROWS: usize = 16 << 20;

/// The line rows of one unit.
#[derive(Debug)]
pub(super) struct Lines {
    sequences: Ranges<Box<[Row]>>,
    rows: usize,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    address: u64,
    file: u32,
    line: u32,
}

impl Lines {
    /// Runs the line program. Sequences outside the code are dropped; damage ends the program.
    pub(super) fn read(unit: UnitRef<'_>, code: &Code) -> Self {
        let mut sequences = Vec::new();
        let rows = collect(unit, code, &mut sequences);
        Self { sequences: Ranges::new(sequences), rows }
    }

    /// The file's index and the line of the row that covers an address; line 0 is none.
    pub(super) fn row_at(&self, address: u64) -> Option<(u32, u32)> {
        let (.., rows) = self.sequences.containing(address).min_by_key(|(b, e, _)| e - b)?;
        let after = rows.partition_point(|row| row.address <= address);
        let row = rows.get(after.checked_sub(1)?)?;
        Some((row.file, row.line))
    }

    /// Begin and end of every sequence.
    pub(super) fn extents(&self) -> impl Iterator<Item = (u64, u64)> {
        self.sequences.iter().map(|(begin, end, _)| (begin, end))
    }

    /// The indexes of the files that rows name, each once.
    pub(super) fn files(&self) -> Vec<u32> {
        let rows = self.sequences.iter().flat_map(|(.., rows)| rows);
        let mut files: Vec<u32> = rows.map(|row| row.file).collect();
        files.dedup();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// How many rows are held.
    pub(super) fn len(&self) -> usize {
        self.rows
    }
}

fn collect(unit: UnitRef<'_>, code: &Code, sequences: &mut Vec<(u64, u64, Box<[Row]>)>) -> usize {
    let Some(program) = unit.line_program.clone() else { return 0 };
    let mut all = 0;
    let mut sequence: Vec<Row> = Vec::new();
    let mut rows = program.rows();
    while let Ok(Some((_, row))) = rows.next_row() {
        all += 1;
        if all > MAX_ROWS {
            break;
        }
        if row.end_sequence() {
            let rows = std::mem::take(&mut sequence);
            if let Some(first) = rows.first().filter(|first| code.holds(first.address)) {
                sequences.push((first.address, row.address(), rows.into_boxed_slice()));
            }
            continue;
        }
        sequence.push(Row {
            address: row.address(),
            file: u32::try_from(row.file_index()).unwrap_or(u32::MAX),
            line: row.line().map_or(0, |line| as_line(line.get())),
        });
    }
    all
}

/// The path of a file of the unit's table: compilation directory, directory, name, as far as each
/// is relative. `.` parts are left out; `..` stays, as it may cross a link.
pub(super) fn path(unit: UnitRef<'_>, index: u64) -> Option<String> {
    let program = unit.line_program.as_ref()?;
    let header = program.header();
    let file = header.file(index)?;
    let mut path = text(unit, file.path_name())?;
    if !path.starts_with('/')
        && let Some(directory) = file.directory(header).and_then(|value| text(unit, value))
    {
        path = join(&directory, &path);
    }
    if !path.starts_with('/')
        && let Some(directory) = unit.comp_dir
    {
        path = join(&directory.to_string_lossy(), &path);
    }
    Some(path)
}

fn join(directory: &str, path: &str) -> String {
    let parts = path.split('/').filter(|part| *part != ".").collect::<Vec<_>>().join("/");
    match directory {
        "" | "." => parts,
        _ => format!("{}/{parts}", directory.trim_end_matches('/')),
    }
}
