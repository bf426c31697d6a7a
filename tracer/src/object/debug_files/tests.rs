use super::*;
use crate::object::{Compiled, Dwarf, Symbols, compile};

const SOURCE: &str = "static __attribute__((noipa)) int hidden(int x) { return x; }\n\
                      int main(void) { return hidden(0); }";

/// A stripped `program`, and what was stripped from it in `program.debug`.
fn stripped(arguments: &[&str]) -> Compiled {
    let mut all = vec!["-g", "-O1"];
    all.extend(arguments);
    let program = compile("a.c", SOURCE, &all);
    program.run("objcopy", &["--only-keep-debug", "program", "program.debug"]);
    program.run("strip", &["program"]);
    program
}

fn linked(arguments: &[&str]) -> Compiled {
    let program = stripped(arguments);
    program.run("objcopy", &["--add-gnu-debuglink=program.debug", "program"]);
    program
}

fn find(files: &DebugFiles, program: &Compiled) -> Result<PathBuf, Vec<String>> {
    let found = files.find(&program.open());
    let refused = found.refused.iter().map(ToString::to_string).collect();
    found.file.map(|file| file.path().to_owned()).ok_or(refused)
}

fn move_to(program: &Compiled, place: &Path) {
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::rename(program.directory().join("program.debug"), place).unwrap();
}

const NO_ID: &str = "-Wl,--build-id=none";

#[test]
fn a_debug_link_is_followed_beside_below_and_in_the_system() {
    let system = tempfile::tempdir().unwrap();
    let mut files = DebugFiles::default();
    files.add_directory(system.path());
    for arguments in [&[][..], &[NO_ID]] {
        let program = linked(arguments);
        let real = program.directory().canonicalize().unwrap();
        let mut at = real.join("program.debug");
        for place in [
            at.clone(),
            real.join(".debug/program.debug"),
            system.path().join(real.strip_prefix("/").unwrap()).join("program.debug"),
        ] {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::rename(&at, &place).unwrap();
            assert_eq!(find(&files, &program), Ok(place.clone()));
            at = place;
        }
    }
}

#[test]
fn a_build_id_leads_to_the_file_and_to_its_names() {
    let system = tempfile::tempdir().unwrap();
    let program = stripped(&["-Wl,--build-id=0xabcdef0123"]);
    move_to(&program, &system.path().join(".build-id/ab/cdef0123.debug"));
    let mut files = DebugFiles::default();
    assert_eq!(find(&files, &program), Err(Vec::new()));
    files.add_directory(system.path());
    let object = program.open();
    let file = files.find(&object).file.unwrap();
    let symbols = Symbols::read(&object, Some(&file));
    let hidden = symbols.functions().iter().find(|f| f.name() == "hidden").unwrap();
    assert!(Symbols::of(&object).at(hidden.address).is_none());
    let frames = Dwarf::of(&object, Some(&file)).unwrap().frames_at(hidden.address);
    assert_eq!(frames[0].name.as_ref().unwrap().plain, "hidden");
    assert_eq!(frames[0].line, Some(1));
}

#[test]
fn a_file_of_another_build_is_refused_with_the_reason() {
    let files = DebugFiles::default();
    let program = linked(&["-Wl,--build-id=0xabcdef01"]);
    let other = stripped(&["-Wl,--build-id=0xabcdef02"]);
    move_to(&other, &program.directory().join("program.debug"));
    let refused = find(&files, &program).unwrap_err();
    assert!(refused[0].contains("its build id is abcdef02, not abcdef01"), "{refused:?}");

    let program = linked(&[NO_ID]);
    let path = program.directory().join("program.debug");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = find(&files, &program).unwrap_err();
    assert!(refused[0].contains("its CRC32 is"), "{refused:?}");

    std::fs::write(&path, "text").unwrap();
    let refused = find(&files, &program).unwrap_err();
    assert!(refused[0].contains("not an ELF file"), "{refused:?}");
}

#[test]
fn a_given_file_is_used_if_it_belongs_to_the_program() {
    let program = stripped(&[]);
    let path = program.directory().join("program.debug");
    let (object, again) = (program.open(), program.open());
    let mut files = DebugFiles::default();
    files.give(&object, &path).unwrap();
    assert_eq!(files.find(&object).file.unwrap().path(), path);
    assert!(files.find(&again).file.is_none());

    let other = compile("a.c", "int main(void) { return 7; }", &["-g"]);
    let why = files.give(&object, &other.program()).unwrap_err().to_string();
    assert!(why.contains("its build id is"), "{why}");
    let why = files.give(&object, &program.program()).unwrap_err().to_string();
    assert!(why.contains("neither symbols nor debug"), "{why}");
    // Without build ids, the places of code must be the same.
    let plain = stripped(&[NO_ID]);
    let object = plain.open();
    files.give(&object, &plain.directory().join("program.debug")).unwrap();
    let other = compile(
        "a.c",
        "int f(int x) { return x; } int main(void) { return f(7); }",
        &["-g", NO_ID],
    );
    let why = files.give(&object, &other.program()).unwrap_err().to_string();
    assert!(why.contains("other addresses"), "{why}");
}

#[test]
fn a_file_that_has_everything_needs_none() {
    let program = compile("a.c", SOURCE, &["-g"]);
    program.run("objcopy", &["--only-keep-debug", "program", "program.debug"]);
    program.run("objcopy", &["--add-gnu-debuglink=program.debug", "program"]);
    assert_eq!(find(&DebugFiles::default(), &program), Err(Vec::new()));
}

#[test]
fn directories_in_containers_are_those_of_the_process() {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let directories = |path: &str, root: &str| {
        let file = ObjectFile::from_bytes(bytes.clone(), Path::new(path)).unwrap();
        let (outside, inside) = directory_of(&file.below(root.into(), path.into()));
        (outside.display().to_string(), inside.display().to_string())
    };
    let expected = ("/proc/1/root/none/lib".to_owned(), "/none/lib".to_owned());
    assert_eq!(directories("/proc/1/root/none/lib/libz.so.1", "/"), expected);
    assert_eq!(directories("/none/lib/libz.so.1", "/proc/1/root"), expected);
    let own = std::env::current_exe().unwrap().canonicalize().unwrap();
    let own = own.parent().unwrap().display().to_string();
    assert_eq!(directories("/proc/self/exe", "/"), (own.clone(), own));
}

/// A program in a container finds its debug file there, also where links lead astray.
#[test]
fn a_debug_file_is_found_below_the_root_of_the_process() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    let program = linked(&["-Wl,--build-id=0xabcdef0456"]);
    let object = || {
        let bytes = std::fs::read(program.program()).unwrap();
        let object = ObjectFile::from_bytes(bytes, Path::new("/srv/app")).unwrap();
        Arc::new(object.below(root.path().to_owned(), "/srv/app".into()))
    };
    let find = || DebugFiles::default().find(&object()).file.map(|file| file.path().to_owned());
    assert_eq!(find(), None);
    std::fs::create_dir_all(at("real/debug/.build-id/ab")).unwrap();
    std::fs::create_dir_all(at("usr/lib")).unwrap();
    // An absolute link is one below the root.
    std::os::unix::fs::symlink("/real/debug", at("usr/lib/debug")).unwrap();
    let debug_file = program.directory().join("program.debug");
    let by_id = at("real/debug/.build-id/ab/cdef0456.debug");
    std::fs::copy(&debug_file, &by_id).unwrap();
    assert_eq!(find(), Some(by_id.clone()));
    std::fs::remove_file(&by_id).unwrap();
    std::fs::create_dir_all(at("opt/.debug")).unwrap();
    std::fs::create_dir_all(at("opt")).unwrap();
    std::fs::write(at("opt/app"), "").unwrap();
    std::os::unix::fs::symlink("/opt", at("srv")).unwrap();
    std::fs::copy(&debug_file, at("opt/.debug/program.debug")).unwrap();
    assert_eq!(find(), Some(at("opt/.debug/program.debug")));
}
