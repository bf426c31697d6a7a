use std::os::unix::fs::PermissionsExt;

use super::*;

fn file(folder: &Path, name: &str, mode: u32) {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_that_may_be_executed_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b, c) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
    file(&a, "tool", 0o644);
    file(&b, "tool", 0o755);
    file(&c, "tool", 0o755);
    let path = std::env::join_paths([&folder.path().join("none"), &a, &b, &c]).unwrap();
    assert_eq!(resolve_in("tool".as_ref(), &path).unwrap(), b.join("tool"));
}

#[test]
fn what_may_not_be_executed_is_126() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "tool", 0o644);
    std::fs::create_dir(folder.path().join("dir")).unwrap();
    let path = folder.path().as_os_str();
    let direct = folder.path().join("tool");
    for program in ["tool".as_ref(), "dir".as_ref(), direct.as_os_str(), "/".as_ref()] {
        let error = resolve_in(program, path).unwrap_err();
        assert_eq!(error.exit_status(), 126, "{program:?}");
        assert!(error.to_string().contains("ermission denied"), "{error}");
    }
}

#[test]
fn what_is_not_there_is_127() {
    let folder = tempfile::tempdir().unwrap();
    for program in ["", "tool", "/none/tool", "/dev/null/tool"] {
        let error = resolve_in(program.as_ref(), folder.path().as_os_str()).unwrap_err();
        assert_eq!(error.exit_status(), 127, "{program:?}");
    }
    // Here is a file of that name, but here is not in PATH.
    let error = resolve_in("Cargo.toml".as_ref(), folder.path().as_os_str()).unwrap_err();
    assert!(error.to_string().contains("./"), "{error}");
}

#[test]
fn an_empty_entry_of_path_is_the_working_directory() {
    let error = resolve_in("Cargo.toml".as_ref(), "".as_ref()).unwrap_err();
    // Found, and not executable.
    assert_eq!(error.exit_status(), 126, "{error}");
}
