//! Where the units of one module lie: its own sections, the split files of its units, and the file
//! that it has in common with others.
//!
//! Split files are opened when one of their units is read, and kept; a unit whose file is not
//! there has its lines, and no functions.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::{DwarfPackageSections, DwarfSections, DwoId, EndianSlice, LittleEndian, SectionId};

use super::units::Units;
use super::{Sections, Slice, UnitRef};
use crate::object::{Companions, DebugFileError, ObjectFile, SectionBytes};

/// The most split files of one module that are opened: each is a mapping of ours.
const MAX_SPLIT_FILES: usize = 16 << 10;

/// The sections that units are read from.
#[derive(Debug)]
pub(super) struct Source {
    sections: DwarfSections<SectionBytes>,
    pub(super) units: Units,
    supplement: Option<Supplement>,
    splits: Splits,
}

/// What `dwz` has put into a common file.
#[derive(Debug)]
struct Supplement {
    sections: DwarfSections<SectionBytes>,
    units: Units,
}

/// The files of units that lie elsewhere.
#[derive(Debug)]
struct Splits {
    companions: Companions,
    of: Arc<ObjectFile>,
    package: OnceLock<Option<Box<DwarfPackageSections<SectionBytes>>>>,
    /// The file of each unit, by its index; empty where no unit lies elsewhere.
    files: Vec<OnceLock<Option<Box<DwarfSections<SectionBytes>>>>>,
    troubles: Mutex<Troubles>,
}

#[derive(Debug, Default)]
struct Troubles {
    opened: usize,
    is_missing_told: bool,
    refused: Vec<DebugFileError>,
}

/// One unit: its own part, and the one that lies elsewhere.
pub(super) struct Unit<'a> {
    own: gimli::Unit<Slice<'a>>,
    split: Option<SplitUnit<'a>>,
}

struct SplitUnit<'a> {
    sections: Sections<'a>,
    units: Units,
    unit: gimli::Unit<Slice<'a>>,
}

/// A unit that is being read.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    /// Where its lines and files are.
    pub(super) lines: UnitRef<'a>,
    /// Where its entries are.
    pub(super) entries: UnitRef<'a>,
    /// What its entries may refer to.
    pub(super) scope: Scope<'a>,
}

/// Units that refer to one another.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    sections: &'a Sections<'a>,
    units: &'a Units,
    /// Those of the common file.
    supplement: Option<&'a Units>,
    /// Whether these are the units of the common file.
    pub(super) is_supplement: bool,
}

impl Source {
    /// The sections of `file`. `None` where it has no units.
    pub(super) fn open(file: &Arc<ObjectFile>, companions: Companions) -> Option<Self> {
        file.shared_section(".debug_info")?;
        let sections = load(file);
        let mut refused = Vec::new();
        let supplement = companions.supplement(file, &mut refused).map(|file| {
            let sections = load(&file);
            let units = Units::of(&borrow(&sections));
            Supplement { sections, units }
        });
        let splits = Splits {
            companions,
            of: Arc::clone(file),
            package: OnceLock::new(),
            files: Vec::new(),
            troubles: Mutex::new(Troubles { refused, ..Troubles::default() }),
        };
        Some(Self { sections, units: Units::default(), supplement, splits })
    }

    /// Takes the list of units; `are_split` where some lie elsewhere.
    pub(super) fn set_units(&mut self, units: Vec<usize>, are_split: bool) {
        if are_split {
            self.splits.files.resize_with(units.len(), OnceLock::new);
        }
        self.units = Units::new(units);
    }

    /// The sections, to be read.
    pub(super) fn borrow(&self) -> Sections<'_> {
        let mut sections = borrow(&self.sections);
        if let Some(supplement) = &self.supplement {
            sections.set_sup(borrow(&supplement.sections));
        }
        sections
    }

    /// The unit of this index, its lines too.
    pub(super) fn unit<'a>(&'a self, sections: &Sections<'a>, index: usize) -> Option<Unit<'a>> {
        let own = self.units.read(sections, index)?;
        let split = self.splits.unit(sections, &own, index);
        Some(Unit { own, split })
    }

    /// The unit of this index without its lines: quick, where it was read before and its entries
    /// are its own.
    pub(super) fn entries<'a>(&'a self, sections: &Sections<'a>, index: usize) -> Option<Unit<'a>> {
        let own = self.units.entries(sections, index)?;
        let split = self.splits.unit(sections, &own, index);
        Some(Unit { own, split })
    }

    /// Forgets what was kept of units.
    pub(super) fn forget(&self) {
        self.units.forget();
        if let Some(supplement) = &self.supplement {
            supplement.units.forget();
        }
    }

    /// Companions that were sought since the last call and are not used.
    pub(super) fn take_refused(&self) -> Vec<DebugFileError> {
        std::mem::take(&mut self.splits.troubles().refused)
    }

    /// The parts of a unit; `sections` are those that it was read from.
    pub(super) fn parts<'a>(&'a self, sections: &'a Sections<'a>, unit: &'a Unit<'a>) -> Parts<'a> {
        let supplement = self.supplement.as_ref().map(|it| &it.units);
        let lines = UnitRef::new(sections, &unit.own);
        let own = Scope { sections, units: &self.units, supplement, is_supplement: false };
        match &unit.split {
            None => Parts { lines, entries: lines, scope: own },
            Some(split) => Parts {
                lines,
                entries: UnitRef::new(&split.sections, &split.unit),
                scope: Scope {
                    sections: &split.sections,
                    units: &split.units,
                    supplement,
                    is_supplement: false,
                },
            },
        }
    }
}

impl Unit<'_> {
    /// Whether its entries lie in another file, found or not.
    pub(super) fn is_split(&self) -> bool {
        self.split.is_some() || self.own.dwo_id.is_some()
    }
}

impl<'a> Scope<'a> {
    /// The unit that holds an entry, by the offset of that in `.debug_info`, and the entry's
    /// offset in the unit.
    pub(super) fn unit_at(self, entry: usize) -> Option<(gimli::Unit<Slice<'a>>, usize)> {
        let unit = self.units.entries(self.sections, self.units.holding(entry)?)?;
        let entry = gimli::DebugInfoOffset(entry).to_unit_offset(&unit.header)?;
        Some((unit, entry.0))
    }

    /// The unit that begins at an offset in `.debug_info`.
    pub(super) fn unit_of(self, start: usize) -> Option<gimli::Unit<Slice<'a>>> {
        self.units.entries(self.sections, self.units.beginning_at(start)?)
    }

    /// The units of the common file.
    pub(super) fn supplement(self) -> Option<Self> {
        let sections = self.sections.sup()?;
        Some(Self { sections, units: self.supplement?, supplement: None, is_supplement: true })
    }

    /// A unit of this scope.
    pub(super) fn unit_ref<'u>(self, unit: &'u gimli::Unit<Slice<'a>>) -> UnitRef<'u>
    where
        'a: 'u,
    {
        UnitRef::new(self.sections, unit)
    }
}

impl Splits {
    /// The part of a unit that lies elsewhere; `None` where there is none or it was not found.
    fn unit<'a>(
        &'a self,
        sections: &Sections<'a>,
        own: &gimli::Unit<Slice<'a>>,
        index: usize,
    ) -> Option<SplitUnit<'a>> {
        let id = own.dwo_id?;
        let slot = self.files.get(index)?;
        let name = own.dwo_name().ok()??;
        let parent = UnitRef::new(sections, own);
        let packaged = self.package().and_then(|package| {
            let package = package.borrow(|bytes| slice(bytes), slice(&[])).ok()?;
            let split = package.find_cu(id, sections).ok()??;
            find_unit(split, id, own)
        });
        if packaged.is_some() {
            return packaged;
        }
        let file = slot.get_or_init(|| {
            let name = parent.attr_string(name).ok()?;
            let name = name.to_string_lossy().into_owned();
            let directory = own.comp_dir.map(|it| it.to_string_lossy().into_owned());
            self.find(sections, own, id, &name, &directory.unwrap_or_default()).map(Box::new)
        });
        find_unit(split_sections(file.as_deref()?, sections), id, own)
    }

    fn package(&self) -> Option<&DwarfPackageSections<SectionBytes>> {
        let package = self.package.get_or_init(|| {
            let file = self.companions.package(&mut self.troubles().refused)?;
            // All of them: a unit's part of a section that is not read must be there too.
            let section = |id: SectionId| {
                id.dwo_name().and_then(|name| file.shared_section(name)).unwrap_or_default()
            };
            let loaded = DwarfPackageSections::load(|id| Ok::<_, gimli::Error>(section(id)));
            loaded.ok().map(Box::new)
        });
        package.as_deref()
    }

    /// Opens the file of one unit.
    fn find(
        &self,
        sections: &Sections<'_>,
        own: &gimli::Unit<Slice<'_>>,
        id: DwoId,
        name: &str,
        directory: &str,
    ) -> Option<DwarfSections<SectionBytes>> {
        let mut troubles = self.troubles();
        if troubles.opened >= MAX_SPLIT_FILES {
            return None;
        }
        let before = troubles.refused.len();
        for file in self.companions.split(name, directory, &mut troubles.refused) {
            let loaded = DwarfSections::load(|id| Ok::<_, Infallible>(split_section(&file, id)));
            let Ok(loaded) = loaded;
            if find_unit(split_sections(&loaded, sections), id, own).is_some() {
                troubles.opened += 1;
                return Some(loaded);
            }
            troubles.refused.push(DebugFileError::Other {
                debug: file.path().to_owned(),
                of: self.of.path().to_owned(),
                why: format!("it has no unit {:016x}", id.0),
            });
        }
        // One such file tells of all that are missing.
        if troubles.refused.len() == before && !troubles.is_missing_told {
            troubles.is_missing_told = true;
            troubles.refused.push(DebugFileError::Missing {
                path: std::path::Path::new(directory).join(name),
                of: self.of.path().to_owned(),
                what: "the split debug information (.dwo, or .dwp in their stead)",
            });
        }
        None
    }

    fn troubles(&self) -> std::sync::MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The unit with this identifier in the sections of a split file.
fn find_unit<'a>(
    sections: Sections<'a>,
    id: DwoId,
    own: &gimli::Unit<Slice<'a>>,
) -> Option<SplitUnit<'a>> {
    let mut units = Vec::new();
    let mut found = None;
    let mut headers = sections.units();
    while let Ok(Some(header)) = headers.next() {
        units.push(header.debug_info_offset()?.0);
        if found.is_none()
            && let Ok(unit) = sections.unit(header)
            && unit.dwo_id == Some(id)
        {
            found = Some(unit);
        }
    }
    let mut unit = found?;
    unit.copy_relocated_attributes(own);
    Some(SplitUnit { sections, units: Units::new(units), unit })
}

/// The sections of a split file, with what they need of the module's.
fn split_sections<'a>(
    split: &'a DwarfSections<SectionBytes>,
    parent: &Sections<'a>,
) -> Sections<'a> {
    let mut sections = borrow(split);
    sections.make_dwo(parent);
    sections
}

fn split_section(file: &Arc<ObjectFile>, id: SectionId) -> SectionBytes {
    let name = id.dwo_name().filter(|_| is_read(id));
    name.and_then(|name| file.shared_section(name)).unwrap_or_default()
}

fn load(file: &Arc<ObjectFile>) -> DwarfSections<SectionBytes> {
    let Ok(sections) = DwarfSections::load(|id| {
        let bytes = if is_read(id) { file.shared_section(id.name()) } else { None };
        Ok::<_, Infallible>(bytes.unwrap_or_default())
    });
    sections
}

/// Whether a section tells of functions or lines.
fn is_read(id: SectionId) -> bool {
    !matches!(
        id,
        SectionId::DebugLoc
            | SectionId::DebugLocLists
            | SectionId::DebugMacinfo
            | SectionId::DebugMacro
            | SectionId::DebugNames
            | SectionId::DebugTypes
    )
}

fn borrow(sections: &DwarfSections<SectionBytes>) -> Sections<'_> {
    sections.borrow(|bytes| slice(bytes))
}

fn slice(bytes: &[u8]) -> Slice<'_> {
    EndianSlice::new(bytes, LittleEndian)
}
