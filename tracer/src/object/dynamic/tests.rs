use super::*;
use crate::object::{Compiled, compile};

const MAIN: &str = "int main(void) { return 0; }";

/// What `readelf -d` shows in brackets for one kind of entry.
fn readelf(program: &Compiled, kind: &str) -> Vec<OsString> {
    let text = program.run("readelf", &["-dW", "program"]);
    let lines = text.lines().filter(|line| line.contains(&format!("({kind})")));
    lines.map(|l| l.split(['[', ']']).nth(1).unwrap().into()).collect()
}

fn assert_same(program: &Compiled) {
    let dynamic = program.open().dynamic();
    assert_eq!(dynamic.needed, readelf(program, "NEEDED"));
    assert_eq!(dynamic.soname, readelf(program, "SONAME").pop());
    assert_eq!(dynamic.rpath, readelf(program, "RPATH").pop());
    assert_eq!(dynamic.runpath, readelf(program, "RUNPATH").pop());
}

#[test]
fn says_what_readelf_says() {
    let arguments = ["-Wl,--no-as-needed", "-lm", "-Wl,-rpath,$ORIGIN/lib:/opt/lib"];
    let program = compile("a.c", MAIN, &arguments);
    assert_same(&program);
    let dynamic = program.open().dynamic();
    assert!(dynamic.needed.len() >= 2, "{dynamic:?}");
    let paths = dynamic.runpath.or(dynamic.rpath).unwrap();
    assert_eq!(paths, "$ORIGIN/lib:/opt/lib");
    let old = compile("a.c", MAIN, &["-Wl,-rpath,/opt/lib", "-Wl,--disable-new-dtags"]);
    assert_same(&old);
    assert!(old.open().dynamic().rpath.is_some());
    let library =
        compile("a.c", "int f(void) { return 1; }", &["-shared", "-Wl,-soname,libf.so.1"]);
    assert_same(&library);
    assert_eq!(library.open().dynamic().soname.unwrap(), "libf.so.1");
    assert_eq!(library.open().interpreter(), None);
}

#[test]
fn the_interpreter_is_the_one_asked_for() {
    let program = compile("a.c", MAIN, &["-Wl,--dynamic-linker,/opt/ld.so"]);
    assert_eq!(program.open().interpreter().unwrap(), PathBuf::from("/opt/ld.so"));
}

#[test]
fn a_static_file_asks_for_nothing() {
    let source = "void _start(void) { for (;;) ; }";
    let program = compile("a.c", source, &["-nostdlib", "-static"]);
    assert_eq!(program.open().dynamic(), Dynamic::default());
    assert_eq!(program.open().interpreter(), None);
}
