//! Rows from `.eh_frame` and `.debug_frame`: DWARF call frame information of C, C++ and Rust code.

use std::collections::HashMap;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, CommonInformationEntry, DebugFrame, EhFrame, EhFrameHdr,
    Encoding, EndianSlice, LittleEndian, Operation, Pointer, Register, RegisterRule, UnwindContext,
    UnwindExpression, UnwindOffset, UnwindSection, UnwindTableRow, X86_64,
};
use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};
use tracer_common::reason::{End, Reason};
use tracer_common::registers::{SAVED, index};
use tracer_common::rule::{Rule, kind, saved};

use crate::address::ElfAddress;
use crate::object::ObjectFile;

use super::rows::Row;
use super::signal;

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type UnwindRow = UnwindTableRow<usize>;

/// The callee-saved registers in the order of [`Rule::saved`].
const CALLEE_SAVED: [Register; SAVED] =
    [X86_64::RBX, X86_64::RBP, X86_64::R12, X86_64::R13, X86_64::R14, X86_64::R15];

/// Rows of one file, each list in the order of its FDEs.
#[derive(Debug, Default)]
pub(super) struct CfiRows {
    /// By `.eh_frame`.
    pub(super) rows: Vec<Row>,
    /// By `.debug_frame`: they hold where `.eh_frame` says nothing.
    pub(super) debug_rows: Vec<Row>,
    /// Signal restorers: they hold over what the CFI says.
    pub(super) restorers: Vec<Row>,
}

/// The rows that `object`'s CFI states for code that `is_native`. An FDE that is damaged makes rows
/// without a rule; damage between FDEs ends the list, and what lies behind it has no row.
pub(super) fn rows(object: &ObjectFile, is_native: impl Fn(ElfAddress) -> bool) -> CfiRows {
    let mut result = CfiRows::default();
    if let Some((address, bytes)) = object.section(".eh_frame") {
        let bases = BaseAddresses::default().set_eh_frame(address.0);
        let section = EhFrame::new(&bytes, LittleEndian);
        read(&section, &bases, object, &is_native, &mut result.rows, &mut result.restorers);
    } else if let Some((address, bytes)) = by_program_header(object) {
        let bases = BaseAddresses::default().set_eh_frame(address.0);
        let section = EhFrame::new(bytes, LittleEndian);
        read(&section, &bases, object, &is_native, &mut result.rows, &mut result.restorers);
    }
    if let Some((_, bytes)) = object.section(".debug_frame") {
        let mut section = DebugFrame::new(&bytes, LittleEndian);
        section.set_address_size(8);
        let bases = BaseAddresses::default();
        read(&section, &bases, object, &is_native, &mut result.debug_rows, &mut result.restorers);
    }
    result
}

/// The rows of one section.
fn read<'a, S: UnwindSection<Reader<'a>>>(
    section: &S,
    bases: &BaseAddresses,
    object: &ObjectFile,
    is_native: &dyn Fn(ElfAddress) -> bool,
    rows: &mut Vec<Row>,
    restorers: &mut Vec<Row>,
) {
    let mut context = UnwindContext::new();
    let mut cies: HashMap<usize, CommonInformationEntry<Reader<'a>>> = HashMap::new();
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let fde = partial.parse(|section, bases, offset| {
            let key: usize = UnwindOffset::into(offset);
            if let Some(cie) = cies.get(&key) {
                return Ok(cie.clone());
            }
            let cie = section.cie_from_offset(bases, offset)?;
            cies.insert(key, cie.clone());
            Ok(cie)
        });
        let Ok(fde) = fde else { continue };
        let (start, end) = (ElfAddress(fde.initial_address()), ElfAddress(fde.end_address()));
        if !is_native(start) {
            continue;
        }
        if fde.is_signal_trampoline() {
            // Its caller is interrupted code, so no rule of a call holds.
            let rule = Rule::none(Reason::UnsupportedRule);
            rows.push(Row { start, end, rule });
            restorers.extend(signal::restorer(object, start));
            continue;
        }
        let scope = Scope {
            section,
            encoding: fde.cie().encoding(),
            bottom: if start <= object.entry() && object.entry() < end {
                End::Process
            } else {
                End::Thread
            },
        };
        let mut done = start;
        if let Ok(mut table) = fde.rows(section, bases, &mut context) {
            while let Ok(Some(row)) = table.next_row() {
                done = ElfAddress(row.end_address());
                let start = ElfAddress(row.start_address());
                rows.push(Row { start, end: done, rule: scope.rule(row) });
            }
        }
        if done < end {
            let rule = Rule::none(Reason::UnsupportedRule);
            rows.push(Row { start: done, end, rule });
        }
    }
}

/// `.eh_frame` as `PT_GNU_EH_FRAME` names it, for files without section headers. Its end is not
/// stated; a zero length ends its entries.
fn by_program_header(object: &ObjectFile) -> Option<(ElfAddress, &[u8])> {
    let data = object.data();
    let endian = Endianness::Little;
    let header = elf::FileHeader64::<Endianness>::parse(data).ok()?;
    let index = header
        .program_headers(endian, data)
        .ok()?
        .iter()
        .find(|header| header.p_type(endian) == elf::PT_GNU_EH_FRAME)?;
    let address = ElfAddress(index.p_vaddr(endian));
    let bytes = object.bytes_at(address, index.p_filesz(endian))?;
    let bases = BaseAddresses::default().set_eh_frame_hdr(address.0);
    let parsed = EhFrameHdr::new(bytes, LittleEndian).parse(&bases, 8).ok()?;
    let Pointer::Direct(address) = parsed.eh_frame_ptr() else { return None };
    let address = ElfAddress(address);
    let segment = object.segments().iter().find(|segment| segment.contains(address))?;
    let size = segment.size - (address.0 - segment.address.0);
    Some((address, object.bytes_at(address, size)?))
}

/// Where the value of a register of the caller lies.
#[derive(Clone, Copy)]
enum Place {
    Same,
    Lost,
    /// So many bytes from the CFA.
    FromCfa(i64),
    /// So many bytes from the value of RBP in this frame.
    FromRbp(i64),
}

/// What a row's rule depends on besides the row.
struct Scope<'b, S> {
    section: &'b S,
    encoding: Encoding,
    /// Which bottom an undefined return address means here.
    bottom: End,
}

impl<'a, S: UnwindSection<Reader<'a>>> Scope<'_, S> {
    fn rule(&self, row: &UnwindRow) -> Rule {
        let unsupported = Rule::none(Reason::UnsupportedRule);
        match row.register(X86_64::RA) {
            Some(RegisterRule::Undefined) => return Rule::end(self.bottom),
            Some(RegisterRule::Offset(-8)) => {}
            _ => return unsupported,
        }
        // SP of the caller is the CFA, by definition of a rule.
        if !matches!(
            row.register(X86_64::RSP),
            None | Some(RegisterRule::SameValue | RegisterRule::ValOffset(0))
        ) {
            return unsupported;
        }
        let (mut rule, cfa) = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                let rule = cfa_index(*register)
                    .zip(i32::try_from(*offset).ok())
                    .map(|(register, offset)| Rule::frame(register, offset));
                (rule, Some((*register, *offset)))
            }
            CfaRule::Expression(expression) => (self.cfa_expression(expression), None),
        };
        let Some(rule) = &mut rule else { return unsupported };
        let places = CALLEE_SAVED.map(|register| self.place(row.register(register), cfa));
        let by_rbp = places.iter().any(|place| matches!(place, Place::FromRbp(_)));
        rule.saved_base = u8::from(by_rbp);
        for (how, place) in rule.saved.iter_mut().zip(places) {
            // A place that this rule cannot express is lost: its value is never a wrong one.
            *how = match place {
                Place::Same => saved::SAME,
                Place::FromCfa(offset) if !by_rbp => below(offset),
                Place::FromRbp(offset) => below(offset),
                Place::FromCfa(_) | Place::Lost => saved::LOST,
            };
        }
        *rule
    }

    /// The CFA as a PLT stub or a function that realigns its stack states it.
    fn cfa_expression(&self, expression: &UnwindExpression<usize>) -> Option<Rule> {
        let mut operations = [const { None }; 10];
        let mut iterator = expression.get(self.section).ok()?.operations(self.encoding);
        let mut count = 0;
        while let Some(operation) = iterator.next().ok()? {
            *operations.get_mut(count)? = Some(operation);
            count += 1;
        }
        use Operation::{And, Deref, Ge, Plus, RegisterOffset, Shl, UnsignedConstant};
        let flat = operations.map(|operation| operation.unwrap_or(Operation::Nop));
        match &flat[..count] {
            [RegisterOffset { register, offset, .. }, Deref { size: 8, space: false, .. }] => {
                let mut rule = Rule::frame(cfa_index(*register)?, i32::try_from(*offset).ok()?);
                rule.kind = kind::DEREFERENCE;
                Some(rule)
            }
            // rsp + offset + ((rip & 15) >= pushed) << 3
            [
                RegisterOffset { register: X86_64::RSP, offset, .. },
                RegisterOffset { register: X86_64::RA, offset: 0, .. },
                UnsignedConstant { value: 15 },
                And,
                UnsignedConstant { value: pushed @ 0..=15 },
                Ge,
                UnsignedConstant { value: 3 },
                Shl,
                Plus,
            ] => {
                let mut rule = Rule::frame(index::SP, i32::try_from(*offset).ok()?);
                rule.kind = kind::PLT;
                rule.param = *pushed as u8;
                Some(rule)
            }
            _ => None,
        }
    }

    /// Where a register lies; `cfa` is the CFA's register and offset, where it is so simple.
    fn place(&self, rule: Option<RegisterRule<usize>>, cfa: Option<(Register, i64)>) -> Place {
        match rule {
            None | Some(RegisterRule::SameValue) => Place::Same,
            Some(RegisterRule::Offset(offset)) => Place::FromCfa(offset),
            Some(RegisterRule::Expression(expression)) => {
                match (self.register_offset(&expression), cfa) {
                    (Some((register, offset)), Some((base, cfa))) if register == base => {
                        offset.checked_sub(cfa).map_or(Place::Lost, Place::FromCfa)
                    }
                    (Some((X86_64::RBP, offset)), _) => Place::FromRbp(offset),
                    _ => Place::Lost,
                }
            }
            Some(_) => Place::Lost,
        }
    }

    /// An expression that is a register and an offset, nothing else.
    fn register_offset(&self, expression: &UnwindExpression<usize>) -> Option<(Register, i64)> {
        let mut operations = expression.get(self.section).ok()?.operations(self.encoding);
        let first = operations.next().ok()??;
        match (first, operations.next().ok()?) {
            (Operation::RegisterOffset { register, offset, .. }, None) => Some((register, offset)),
            _ => None,
        }
    }
}

/// How a rule says that a register lies `offset` bytes from the base.
fn below(offset: i64) -> u8 {
    if offset > 0 || offset % 8 != 0 {
        return saved::LOST;
    }
    saved::below(offset.unsigned_abs() / 8).unwrap_or(saved::LOST)
}

/// The walk's index of a register that a CFA may be based on.
fn cfa_index(register: Register) -> Option<u8> {
    Some(match register {
        X86_64::RBX => index::RBX,
        X86_64::RBP => index::RBP,
        X86_64::R12 => index::R12,
        X86_64::R13 => index::R13,
        X86_64::R14 => index::R14,
        X86_64::R15 => index::R15,
        X86_64::RSP => index::SP,
        X86_64::R10 => index::R10,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
