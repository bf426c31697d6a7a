//! Offsets of fields of kernel structures, from the running kernel's BTF.
//!
//! rustc emits no CO-RE relocations, and aya keeps its BTF to itself, so this reads what is needed
//! and no more: structures by name, members by name, through anonymous members too. Layout:
//! Documentation/bpf/btf.rst of Linux.

use std::path::Path;

use tracer_common::map::Config;

use super::BpfError;

const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
const MAGIC: u16 = 0xeb9f;
/// Anonymous members nest less deeply than this.
const MAX_NESTING: u32 = 8;

/// The kinds of types whose length after the header differs.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const ENUM64: u32 = 19;
}

/// Parsed type information.
pub(super) struct Btf {
    data: Vec<u8>,
    /// Where each type starts, by its number less one.
    types: Vec<usize>,
    strings: usize,
}

/// Fills the offsets that the programs need, from the running kernel.
pub(super) fn kernel_config() -> Result<Config, BpfError> {
    let damaged = |what: String| BpfError::Btf { path: KERNEL_BTF.into(), what };
    let data = std::fs::read(Path::new(KERNEL_BTF)).map_err(|error| damaged(error.to_string()))?;
    let btf = Btf::parse(data).ok_or_else(|| damaged("its header is damaged".to_owned()))?;
    let offset = |structure: &'static str, member: &'static str| {
        btf.offset(structure, member)
            .ok_or_else(|| damaged(format!("it has no {structure}.{member}")))
    };
    Ok(Config {
        vma_start: offset("vm_area_struct", "vm_start")?,
        vma_end: offset("vm_area_struct", "vm_end")?,
        vma_page_offset: offset("vm_area_struct", "vm_pgoff")?,
        vma_file: offset("vm_area_struct", "vm_file")?,
        file_inode: offset("file", "f_inode")?,
        inode_number: offset("inode", "i_ino")?,
        inode_super_block: offset("inode", "i_sb")?,
        inode_generation: offset("inode", "i_generation")?,
        super_block_device: offset("super_block", "s_dev")?,
        task_mm: offset("task_struct", "mm")?,
        task_pid: offset("task_struct", "thread_pid")?,
        task_group_leader: offset("task_struct", "group_leader")?,
        task_real_parent: offset("task_struct", "real_parent")?,
        task_tgid: offset("task_struct", "tgid")?,
        task_exec: offset("task_struct", "self_exec_id")?,
        task_thread_pointer: offset("task_struct", "thread")? + offset("thread_struct", "fsbase")?,
        mm_vdso: btf.nested_offset("mm_struct", "context", "vdso").unwrap_or(0),
        pid_numbers: offset("pid", "numbers")?,
        pid_level: offset("pid", "level")?,
        upid_size: btf
            .find_structure("upid")
            .and_then(|at| btf.word(at + 8))
            .ok_or_else(|| damaged("it has no upid".to_owned()))?
            .into(),
        upid_number: offset("upid", "nr")?,
        upid_namespace: offset("upid", "ns")?,
        only_targets: 0,
    })
}

impl Btf {
    /// Indexes the types; `None` where the bytes are no BTF.
    fn parse(data: Vec<u8>) -> Option<Self> {
        let half = |at: usize| Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?));
        let word = |at: usize| Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?));
        if half(0)? != MAGIC {
            return None;
        }
        let header = word(4)? as usize;
        let types_start = header.checked_add(word(8)? as usize)?;
        let types_end = types_start.checked_add(word(12)? as usize)?;
        let strings = header.checked_add(word(16)? as usize)?;
        if types_end > data.len() || strings > data.len() {
            return None;
        }
        let mut types = Vec::new();
        let mut at = types_start;
        while at < types_end {
            types.push(at);
            let info = word(at + 4)?;
            let members = (info & 0xffff) as usize;
            at += 12
                + match info >> 24 & 0x1f {
                    kind::INT | kind::VAR | kind::DECL_TAG => 4,
                    kind::ARRAY => 12,
                    kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * members,
                    kind::ENUM | kind::FUNC_PROTO => 8 * members,
                    _ => 0,
                };
        }
        Some(Self { data, types, strings })
    }

    fn word(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.data.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    fn has_name(&self, at: usize, name: &str) -> bool {
        let found = self.word(at).and_then(|offset| {
            let start = self.strings.checked_add(offset as usize)?;
            let bytes = self.data.get(start..start.checked_add(name.len() + 1)?)?;
            Some(bytes.split_last() == Some((&0, name.as_bytes())))
        });
        found == Some(true)
    }

    /// Where the structure `name` starts. A structure that is only declared has no members.
    fn find_structure(&self, name: &str) -> Option<usize> {
        self.types.iter().copied().find(|&at| {
            let is_structure = self
                .word(at + 4)
                .is_some_and(|info| info >> 24 & 0x1f == kind::STRUCT && info & 0xffff != 0);
            is_structure && self.has_name(at, name)
        })
    }

    /// The offset of a member in bytes, through anonymous members too.
    fn offset(&self, structure: &str, member: &str) -> Option<u64> {
        let (bits, _) = self.member(self.find_structure(structure)?, member, MAX_NESTING)?;
        (bits % 8 == 0).then_some(u64::from(bits / 8))
    }

    /// As [`Btf::offset`], of a member of a member, whose type may have no name but a typedef's.
    fn nested_offset(&self, structure: &str, outer: &str, inner: &str) -> Option<u64> {
        let (before, number) = self.member(self.find_structure(structure)?, outer, MAX_NESTING)?;
        let mut at = self.start_of(number)?;
        for _ in 0..MAX_NESTING {
            if self.word(at + 4)? >> 24 & 0x1f == kind::TYPEDEF {
                at = self.start_of(self.word(at + 8)?)?;
            }
        }
        let (within, _) = self.member(at, inner, MAX_NESTING)?;
        let bits = before.checked_add(within)?;
        (bits % 8 == 0).then_some(u64::from(bits / 8))
    }

    /// Where the type with a number starts.
    fn start_of(&self, number: u32) -> Option<usize> {
        self.types.get((number as usize).checked_sub(1)?).copied()
    }

    /// The offset of a member in bits, and the number of its type.
    fn member(&self, at: usize, name: &str, nesting: u32) -> Option<(u32, u32)> {
        let info = self.word(at + 4)?;
        let is_composite = matches!(info >> 24 & 0x1f, kind::STRUCT | kind::UNION);
        if !is_composite || nesting == 0 {
            return None;
        }
        // With the kind flag the upper byte of an offset is the size of a bit field.
        let mask = if info >> 31 != 0 { 0xff_ffff } else { u32::MAX };
        for index in 0..(info & 0xffff) as usize {
            let member = at + 12 + 12 * index;
            let offset = self.word(member + 8)? & mask;
            let number = self.word(member + 4)?;
            if self.has_name(member, name) {
                return Some((offset, number));
            }
            if self.word(member)? == 0 {
                let inner = self.start_of(number)?;
                if let Some((within, number)) = self.member(inner, name, nesting - 1) {
                    return Some((offset.checked_add(within)?, number));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BTF of `struct outer { int a; union { int b; struct { int c; int d; }; }; };` and of
    /// `typedef struct { int p; int q; } pair; struct holder { int a; struct { pair x; }; };`, by hand.
    fn sample() -> Vec<u8> {
        let strings = b"\0outer\0a\0b\0c\0d\0int\0pair\0p\0q\0holder\0x\0";
        let name = |text: &str| {
            let wanted = [text.as_bytes(), b"\0"].concat();
            let found = strings.windows(wanted.len()).enumerate().skip(1);
            let mut found = found.filter(|(at, bytes)| *bytes == wanted && strings[at - 1] == 0);
            found.next().unwrap().0 as u32
        };
        let composite = |kind: u32, members: u32| kind << 24 | members;
        let types: Vec<u32> = [
            vec![name("int"), composite(kind::INT, 0), 4, 32],
            vec![name("outer"), composite(kind::STRUCT, 2), 12, name("a"), 1, 0, 0, 3, 32],
            vec![0, composite(kind::UNION, 2), 8, name("b"), 1, 0, 0, 4, 0],
            vec![0, composite(kind::STRUCT, 2), 8, name("c"), 1, 0, name("d"), 1, 32],
            vec![0, composite(kind::STRUCT, 2), 8, name("p"), 1, 0, name("q"), 1, 32],
            vec![name("pair"), composite(kind::TYPEDEF, 0), 5],
            vec![name("holder"), composite(kind::STRUCT, 2), 12, name("a"), 1, 0, 0, 8, 32],
            vec![0, composite(kind::STRUCT, 1), 8, name("x"), 6, 0],
        ]
        .concat();
        let mut data = Vec::new();
        data.extend(MAGIC.to_le_bytes());
        data.extend([1, 0]);
        let types_size = types.len() as u32 * 4;
        for word in [24, 0, types_size, types_size, strings.len() as u32] {
            data.extend(word.to_le_bytes());
        }
        types.iter().for_each(|word| data.extend(word.to_le_bytes()));
        data.extend(strings);
        data
    }

    #[test]
    fn members_are_found_through_anonymous_ones() {
        let btf = Btf::parse(sample()).unwrap();
        assert_eq!(btf.offset("outer", "a"), Some(0));
        assert_eq!(btf.offset("outer", "b"), Some(4));
        assert_eq!(btf.offset("outer", "c"), Some(4));
        assert_eq!(btf.offset("outer", "d"), Some(8));
        assert_eq!(btf.offset("outer", "e"), None);
        assert_eq!(btf.offset("inner", "a"), None);
    }

    #[test]
    fn members_of_members_are_found_through_typedefs() {
        let btf = Btf::parse(sample()).unwrap();
        assert_eq!(btf.offset("holder", "x"), Some(4));
        assert_eq!(btf.nested_offset("holder", "x", "p"), Some(4));
        assert_eq!(btf.nested_offset("holder", "x", "q"), Some(8));
        assert_eq!(btf.nested_offset("holder", "x", "c"), None);
        assert_eq!(btf.nested_offset("holder", "a", "q"), None);
    }

    #[test]
    fn cut_bytes_are_refused_or_harmless() {
        let whole = sample();
        for end in 0..whole.len() {
            if let Some(btf) = Btf::parse(whole[..end].to_vec()) {
                let _ = btf.offset("outer", "d");
                let _ = btf.nested_offset("holder", "x", "q");
            }
        }
        assert!(Btf::parse(vec![0; 64]).is_none());
    }
}
