use std::process::Command;

use tempfile::TempDir;

use super::*;

/// A directory in which programs and libraries are built.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    fn link(&self, out: &str, source: &str, arguments: &[&str]) {
        std::fs::create_dir_all(self.at(out).parent().unwrap()).unwrap();
        std::fs::write(self.at("source.c"), source).unwrap();
        let mut command = Command::new("cc");
        command.current_dir(self.0.path()).args(["source.c", "-o", out]);
        command.args(["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A library that needs nothing but what `arguments` say.
    fn library(&self, out: &str, arguments: &[&str]) {
        let soname = format!("-Wl,-soname,{}", Path::new(out).file_name().unwrap().display());
        let mut all = vec!["-shared", "-fPIC", "-nostdlib", &soname];
        all.extend(arguments);
        self.link(out, "int f(void) { return 1; }", &all);
    }

    fn program(&self, out: &str, arguments: &[&str]) {
        self.link(out, "int main(void) { return 0; }", arguments);
    }

    fn libraries(&self, program: &str, environment: &Environment) -> (Vec<Library>, Vec<String>) {
        let path = self.at(program);
        libraries_of(&Arc::new(ObjectFile::open(&path).unwrap()), &path, environment)
    }

    /// Asserts that we find for a program what the dynamic linker itself finds, and no less than
    /// these, given as paths below this place.
    fn assert_as_linker(&self, program: &str, environment: &Environment, expected: &[&str]) {
        let (libraries, missing) = self.libraries(program, environment);
        let ours: Vec<_> = libraries.iter().map(|library| library.path.clone()).collect();
        assert_eq!(sorted(ours.clone()), sorted(traced(&self.at(program), environment)));
        for path in expected {
            assert!(ours.contains(&self.at(path)), "{path} in {ours:?}, {missing:?}");
        }
        assert_eq!(missing, [""; 0]);
    }
}

fn sorted(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    paths
}

/// What the dynamic linker says that it loads.
fn traced(program: &Path, environment: &Environment) -> Vec<PathBuf> {
    let mut command = Command::new(program);
    command.env("LD_TRACE_LOADED_OBJECTS", "1").env_remove("LD_LIBRARY_PATH");
    for (name, value) in
        [("LD_LIBRARY_PATH", &environment.library_path), ("LD_PRELOAD", &environment.preload)]
    {
        command.envs(value.as_ref().map(|value| (name, value)));
    }
    command.current_dir(environment.directory.as_deref().unwrap_or(Path::new("/")));
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    // `name => path (address)` or `path (address)`; the kernel's own has no path.
    let lines = text.lines().filter_map(|line| line.trim().rsplit_once(" (0x"));
    let paths = lines.map(|(name, _)| name.split_once(" => ").map_or(name, |(_, path)| path));
    paths.filter(|path| path.contains('/')).map(PathBuf::from).collect()
}

fn with_path(place: &Place, list: &str) -> Environment {
    let list = list.replace('@', place.at("").to_str().unwrap());
    Environment { library_path: Some(list.into()), ..Environment::default() }
}

const OLD: &str = "-Wl,--disable-new-dtags";
const NEW: &str = "-Wl,--enable-new-dtags";

#[test]
fn a_chain_by_runpath_and_origin() {
    let place = Place::new();
    place.library("lib/deep/libb.so", &[]);
    place.library("lib/liba.so", &["lib/deep/libb.so", NEW, "-Wl,-rpath,$ORIGIN/deep"]);
    place.program("bin/program", &["lib/liba.so", NEW, "-Wl,-rpath,/absent:${ORIGIN}/../lib"]);
    let expected = ["bin/../lib/liba.so", "bin/../lib/deep/libb.so"];
    place.assert_as_linker("bin/program", &Environment::default(), &expected);
    // Through a link, the origin is where the program itself lies.
    std::os::unix::fs::symlink("bin/program", place.at("link")).unwrap();
    place.assert_as_linker("link", &Environment::default(), &expected);
}

#[test]
fn an_rpath_is_inherited_and_a_runpath_is_not() {
    let place = Place::new();
    place.library("libb.so", &[]);
    place.library("liba.so", &["libb.so"]);
    place.program("old", &["liba.so", OLD, "-Wl,-rpath,$ORIGIN"]);
    place.assert_as_linker("old", &Environment::default(), &["liba.so", "libb.so"]);
    place.program("new", &["liba.so", NEW, "-Wl,-rpath,$ORIGIN"]);
    let (libraries, missing) = place.libraries("new", &Environment::default());
    assert!(libraries.iter().any(|library| library.name == "liba.so"));
    assert_eq!(missing, ["libb.so: it is in no directory that is searched"]);
    // A runpath of the library that asks turns the inherited rpath off.
    place.library("liba.so", &["libb.so", NEW, "-Wl,-rpath,/absent"]);
    let (_, missing) = place.libraries("old", &Environment::default());
    assert_eq!(missing.len(), 1);
}

#[test]
fn the_environment_comes_after_rpath_and_before_runpath() {
    let place = Place::new();
    for directory in ["own", "given"] {
        place.library(&format!("{directory}/liba.so"), &[]);
    }
    let environment = with_path(&place, "/absent;@given/$LIB:@given");
    place.program("old", &["own/liba.so", OLD, "-Wl,-rpath,$ORIGIN/own"]);
    place.assert_as_linker("old", &environment, &["own/liba.so"]);
    place.program("new", &["own/liba.so", NEW, "-Wl,-rpath,$ORIGIN/own"]);
    place.assert_as_linker("new", &environment, &["given/liba.so"]);
    place.assert_as_linker("new", &Environment::default(), &["own/liba.so"]);
}

#[test]
fn relative_directories_count_from_the_working_directory() {
    let place = Place::new();
    place.library("sub/liba.so", &[]);
    place.program("program", &["sub/liba.so"]);
    let mut environment = with_path(&place, "sub");
    let (_, missing) = place.libraries("program", &environment);
    assert_eq!(missing.len(), 1);
    environment.directory = Some(place.at(""));
    let (libraries, missing) = place.libraries("program", &environment);
    assert!(libraries.iter().any(|library| library.path == place.at("sub/liba.so")));
    assert_eq!(missing, [""; 0]);
}

#[test]
fn tokens_mean_what_this_systems_linker_says() {
    let place = Place::new();
    for name in ["$LIB", "$PLATFORM"] {
        let list = place.at("of").display().to_string();
        place.library("liba.so", &[]);
        place.program("program", &["liba.so", &format!("-Wl,-rpath,{list}/{name}")]);
        // The linker names the directories that it tries; the last is the plain one.
        let output = Command::new(place.at("program"))
            .env("LD_DEBUG", "libs")
            .env_remove("LD_LIBRARY_PATH")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut tried = text.lines().filter_map(|line| Some(line.split_once("trying file=")?.1));
        let own = tried.rfind(|path| path.starts_with(&list) && path.ends_with("/liba.so"));
        let own = own.unwrap();
        std::fs::create_dir_all(Path::new(own).parent().unwrap()).unwrap();
        std::fs::rename(place.at("liba.so"), own).unwrap();
        let own = Path::new(own).strip_prefix(place.at("")).unwrap().to_str().unwrap();
        place.assert_as_linker("program", &Environment::default(), &[own]);
    }
}

#[test]
fn a_build_for_this_processor_is_preferred() {
    let place = Place::new();
    place.library("liba.so", &[]);
    for level in ["x86-64-v2", "x86-64-v3", "x86-64-v4"] {
        place.library(&format!("glibc-hwcaps/{level}/liba.so"), &[]);
    }
    place.program("program", &["liba.so", "-Wl,-rpath,$ORIGIN"]);
    place.assert_as_linker("program", &Environment::default(), &[]);
}

#[test]
fn preloaded_libraries_come_before_needed_ones() {
    let place = Place::new();
    place.library("liba.so", &[]);
    place.library("libp.so", &[]);
    place.program("program", &["liba.so", "-Wl,-rpath,$ORIGIN"]);
    let preload = format!("{}  libp.so", place.at("libp.so").display());
    let environment = Environment { preload: Some(preload.into()), ..Environment::default() };
    place.assert_as_linker("program", &environment, &["libp.so", "liba.so"]);
    let (libraries, _) = place.libraries("program", &environment);
    let at = |name: &str| libraries.iter().position(|library| library.path.ends_with(name));
    assert!(at("libp.so") < at("liba.so"));
}

#[test]
fn a_file_of_another_class_is_passed_over() {
    let place = Place::new();
    place.library("right/liba.so", &[]);
    let mut bytes = std::fs::read(place.at("right/liba.so")).unwrap();
    bytes[4] = 1;
    std::fs::create_dir(place.at("wrong")).unwrap();
    std::fs::write(place.at("wrong/liba.so"), &bytes).unwrap();
    place.program("program", &["right/liba.so", "-Wl,-rpath,$ORIGIN/wrong:$ORIGIN/right"]);
    place.assert_as_linker("program", &Environment::default(), &["right/liba.so"]);
    std::fs::remove_file(place.at("right/liba.so")).unwrap();
    let (_, missing) = place.libraries("program", &Environment::default());
    assert!(missing[0].contains("32-bit"), "{missing:?}");
}

#[test]
fn another_root_is_searched_as_its_own_processes_see_it() {
    let place = Place::new();
    place.library("usr/lib/liba.so.1.2", &[]);
    std::os::unix::fs::symlink("/usr/lib/liba.so.1.2", place.at("usr/lib/liba.so")).unwrap();
    std::os::unix::fs::symlink("/usr/lib", place.at("lib")).unwrap();
    place.program("app/program", &["usr/lib/liba.so.1.2", "-nostdlib", "-Wl,-e,main"]);
    // It needs what the soname says.
    std::fs::copy(place.at("usr/lib/liba.so.1.2"), place.at("usr/lib/other")).unwrap();
    let environment = Environment { root: place.at(""), ..Environment::default() };
    let object = Arc::new(ObjectFile::open(&place.at("app/program")).unwrap());
    let (libraries, missing) = libraries_of(&object, Path::new("/app/program"), &environment);
    assert_eq!(libraries.len(), 1, "{libraries:?}, {missing:?}");
    assert_eq!(libraries[0].path, Path::new("/lib/liba.so.1.2"));
    assert_eq!(libraries[0].object.path(), place.at("usr/lib/liba.so.1.2"));
    // No interpreter there: it is missing, and said so.
    assert!(missing[0].contains("ld-linux"), "{missing:?}");
}

#[test]
fn a_static_program_loads_nothing() {
    let place = Place::new();
    place.link("program", "void _start(void) { for (;;) ; }", &["-nostdlib", "-static"]);
    let environment = Environment { preload: Some("libz.so".into()), ..Environment::default() };
    let (libraries, missing) = place.libraries("program", &environment);
    assert!(libraries.is_empty() && missing.is_empty(), "{libraries:?}, {missing:?}");
}

#[test]
fn this_systems_programs_load_what_the_linker_says() {
    let environment = Environment::default();
    let mut compared = 0;
    for name in ["ls", "bash", "python3", "gdb", "git", "curl", "cc", "objdump", "ssh", "perl"] {
        let Some(path) = ["/usr/bin", "/bin"]
            .map(|directory| Path::new(directory).join(name))
            .into_iter()
            .find(|path| path.exists())
        else {
            continue;
        };
        let path = path.canonicalize().unwrap();
        let Ok(object) = ObjectFile::open(&path) else { continue };
        let (libraries, missing) = libraries_of(&Arc::new(object), &path, &environment);
        let ours = libraries.into_iter().map(|library| library.path).collect();
        assert_eq!(sorted(ours), sorted(traced(&path, &environment)), "{name}, {missing:?}");
        compared += 1;
    }
    assert!(compared > 0);
}
