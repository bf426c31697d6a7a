//! One link for many uprobes (`uprobe_multi`, Linux 6.6), which aya 0.14 does not have.
//!
//! Such a link takes only a program that was loaded for it, and aya loads none. So this builds the
//! same programs from the same object, on the maps that aya has created. It needs CAP_BPF and
//! CAP_PERFMON only, while Linux 6.16 asks for CAP_SYS_ADMIN to attach uprobes one by one.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use aya::maps::{Map, MapData};
use aya_obj::{Object, copy_instructions};

use super::sys::{ProgramParts, link_multi, load_btf, load_for_multi};

/// Bytes for what the verifier says of a refusal.
const LOG_BYTES: usize = 64 << 10;

/// Why the program could not be built; in words.
pub(super) type Refusal = String;

/// The maps of an object, by name.
pub(super) struct Maps(Vec<(String, OwnedFd)>);

impl Maps {
    /// All maps that `ebpf` still holds.
    pub(super) fn of(ebpf: &aya::Ebpf) -> io::Result<Self> {
        let maps = ebpf.maps().filter_map(|(name, map)| Some((name, data(map)?)));
        maps.map(|(name, data)| Ok((name.to_owned(), data.fd().as_fd().try_clone_to_owned()?)))
            .collect::<io::Result<_>>()
            .map(Self)
    }
}

/// The map itself, whatever its type; the types are those of the object.
fn data(map: &Map) -> Option<&MapData> {
    match map {
        Map::Array(data)
        | Map::ArrayOfMaps(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::PerCpuHashMap(data)
        | Map::RingBuf(data) => Some(data),
        _ => None,
    }
}

/// Whether this kernel has such links, and minds the process that one names.
///
/// At first the kernel compared the thread, not the process; with that mended it refuses a negative
/// number before it looks at the file (Linux 6.10, and stable kernels before it).
pub(super) fn is_supported() -> bool {
    // r0 = 0; exit
    let instructions = [0xb7_u64, 0x95].map(u64::to_ne_bytes).concat();
    let Ok(instructions) = copy_instructions(&instructions) else { return false };
    let parts = ProgramParts {
        name: "try_multi",
        license: c"GPL",
        instructions: &instructions,
        btf: None,
        functions: (&[], 0),
        lines: (&[], 0),
    };
    let Ok(program) = load_for_multi(&parts, &mut []) else { return false };
    // No probe can be in a folder.
    let try_link = |pid| link_multi(program.as_fd(), &c"/".to_owned(), &[0], &[0], pid);
    let refused_by =
        |pid, errno| try_link(pid).is_err_and(|error| error.raw_os_error() == Some(errno));
    refused_by(0, libc::EBADF) && refused_by(u32::MAX, libc::EINVAL)
}

/// An object whose programs are loaded for links to many places.
pub(super) struct Loader {
    object: Object,
    /// The object's type information in the kernel. aya's cannot be had without CAP_SYS_ADMIN.
    btf: Option<OwnedFd>,
}

impl Loader {
    /// Puts an object on these maps.
    pub(super) fn new(object: &[u8], maps: &Maps) -> Result<Self, Refusal> {
        let mut object = Object::parse(object).map_err(|error| error.to_string())?;
        let features = aya::features();
        let btf = match features.btf() {
            Some(btf) => object.fixup_and_sanitize_btf(btf).map_err(|error| error.to_string())?,
            None => None,
        };
        let btf = btf.map(|btf| load_btf(&btf.to_bytes())).transpose();
        let btf = btf.map_err(|error| format!("cannot load type information: {error}"))?;
        let sections = object.functions.keys().map(|(section, _)| *section).collect();
        let descriptions = std::mem::take(&mut object.maps);
        let fds = maps.0.iter().filter_map(|(name, fd)| {
            descriptions.get(name).map(|description| (name.as_str(), fd.as_raw_fd(), description))
        });
        object.relocate_maps(fds, &sections).map_err(|error| error.to_string())?;
        object.relocate_calls(&sections).map_err(|error| error.to_string())?;
        object.sanitize_functions(features);
        Ok(Self { object, btf })
    }

    /// Loads the program `name`.
    pub(super) fn load(&self, name: &str) -> Result<OwnedFd, Refusal> {
        let function = self
            .object
            .programs
            .get(name)
            .and_then(|program| self.object.functions.get(&program.function_key()))
            .ok_or("the object has no such program")?;
        let functions = function.func_info.func_info_bytes();
        let lines = function.line_info.line_info_bytes();
        let parts = ProgramParts {
            name,
            license: &self.object.license,
            instructions: &function.instructions,
            btf: self.btf.as_ref().map(AsFd::as_fd),
            functions: (&functions, function.func_info_rec_size),
            lines: (&lines, function.line_info_rec_size),
        };
        load_for_multi(&parts, &mut []).or_else(|_| {
            // Once more, for what the verifier says; to ask at once would make every load slow.
            let mut log = vec![0; LOG_BYTES];
            load_for_multi(&parts, &mut log).map_err(|error| {
                let log = CStr::from_bytes_until_nul(&log).unwrap_or_default().to_string_lossy();
                format!("{error}: {log}")
            })
        })
    }
}
