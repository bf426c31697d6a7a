//! MiniDebugInfo: the symbols that some distributions leave in a stripped file, as a whole ELF file
//! under xz in the section `.gnu_debugdata`.

use std::io::Read;

use lzma_rust2::XzReader;

use crate::object::{ObjectError, ObjectFile};

const SECTION: &str = ".gnu_debugdata";

/// The most bytes that it may decompress to.
const MAX_SIZE: u64 = if cfg!(test) { 32 << 20 } else { 256 << 20 };

/// The most memory that decompression may take, in KiB; `xz -9` asks for 64 MiB.
const MAX_MEMORY: u32 = 128 << 10;

/// The file within `object`. `None` where there is none.
///
/// # Errors
/// What it was is no longer an ELF file, is too large, or is damaged.
pub(super) fn read(object: &ObjectFile) -> Option<Result<ObjectFile, ObjectError>> {
    let (_, packed) = object.section(SECTION)?;
    let mut path = object.path().as_os_str().to_owned();
    path.push(format!("[{SECTION}]"));
    let unpacked = unpack(&packed).map_err(|what| ObjectError::Damaged {
        path: path.clone().into(),
        what: format!("cannot decompress it: {what}"),
    });
    Some(unpacked.and_then(|bytes| ObjectFile::debug_from_bytes(bytes, path.as_ref())))
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    XzReader::new_mem_limit(packed, true, MAX_MEMORY)
        .take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(format!("it has more than {MAX_SIZE} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::address::ElfAddress;
    use crate::object::{Compiled, DebugFiles, ObjectFile, Symbols, compile};

    const SOURCE: &str = "static __attribute__((noipa)) int hidden(int x) { return x; }\n\
                          int main(void) { return hidden(0); }";

    /// A stripped program, and the files `mini` with the symbols of its functions, as Fedora packs
    /// it, and `whole.debug` with all that was stripped.
    fn program() -> (Compiled, ElfAddress) {
        let program = compile("a.c", SOURCE, &["-O1", "-g"]);
        let hidden = ElfAddress(program.address("hidden"));
        program.run("objcopy", &["-S", "--keep-symbol=hidden", "program", "mini"]);
        program.run("objcopy", &["--only-keep-debug", "program", "whole.debug"]);
        program.run("strip", &["program"]);
        (program, hidden)
    }

    /// Puts what this Python expression makes of the bytes `mini` into the section of `to`.
    fn pack(program: &Compiled, expression: &str, to: &str) {
        let script = format!(
            "import lzma\nmini = open('mini', 'rb').read()\nopen('data', 'wb').write({expression})"
        );
        program.run("python3", &["-c", &script]);
        program.run("objcopy", &["--add-section", ".gnu_debugdata=data", "program", to]);
    }

    #[test]
    fn symbols_inside_the_file_are_found() {
        let (program, hidden) = program();
        pack(&program, "lzma.compress(mini, preset=9)", "program");
        let object = program.open();
        assert!(Symbols::of(&object).at(hidden).is_none());
        let found = DebugFiles::default().find(&object);
        assert!(found.refused.is_empty());
        let symbols = Symbols::read(&object, found.file.as_ref());
        assert_eq!(symbols.at(hidden).map(|symbol| symbol.name()), Some("hidden"));
    }

    #[test]
    fn a_whole_debug_file_is_preferred() {
        let (program, _) = program();
        pack(&program, "lzma.compress(mini)", "program");
        program.run("objcopy", &["--add-gnu-debuglink=whole.debug", "program"]);
        let found = DebugFiles::default().find(&program.open()).file.unwrap();
        assert_eq!(found.path().file_name(), Some("whole.debug".as_ref()));
    }

    #[test]
    fn what_is_damaged_or_too_large_is_refused_with_the_reason() {
        let (program, _) = program();
        let cases = [
            ("b'garbage'", "cannot decompress it"),
            ("lzma.compress(bytes(40000000), preset=0)", "has more than"),
            ("lzma.compress(mini)[:300]", "cannot decompress it"),
            ("lzma.compress(b'text')", "not an ELF file"),
            (
                "lzma.compress(mini, filters=[{'id': lzma.FILTER_LZMA2, 'dict_size': 1 << 30}])",
                "needed memory too big",
            ),
        ];
        for (expression, why) in cases {
            pack(&program, expression, "one");
            let object = ObjectFile::open(&program.directory().join("one")).unwrap();
            let found = DebugFiles::default().find(&Arc::new(object));
            assert!(found.file.is_none());
            let said = found.refused[0].to_string();
            assert!(said.contains(why), "{expression}: {said}");
        }
    }
}
