//! Paths below another root, as a process in a container sees them.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The most symbolic links on the way to one file; Linux's own limit.
const MAX_LINKS: usize = 40;

/// Where an absolute path that the target sees lies without symbolic links, as the target sees it.
/// Links never lead out of the root. `None` where there is no such file.
pub(in crate::object) fn resolve(root: &Path, path: &Path) -> Option<PathBuf> {
    if root == Path::new("/") {
        return std::fs::canonicalize(path).ok();
    }
    let mut resolved = PathBuf::from("/");
    let mut rest: Vec<OsString> = names(path);
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&name);
        let outside = below(root, &next);
        if !std::fs::symlink_metadata(&outside).ok()?.is_symlink() {
            resolved = next;
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return None;
        }
        let aim = std::fs::read_link(&outside).ok()?;
        if aim.is_absolute() {
            resolved = PathBuf::from("/");
        }
        rest.extend(names(&aim));
    }
    Some(resolved)
}

/// How we reach a path that the target sees.
pub(in crate::object) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The names of a path, the last first.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_within_the_root() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("usr/lib")).unwrap();
        std::fs::write(at("usr/lib/libz.so.1.2"), "").unwrap();
        symlink("usr/lib", at("lib")).unwrap();
        symlink("libz.so.1.2", at("usr/lib/libz.so.1")).unwrap();
        symlink("/lib/libz.so.1", at("usr/lib/libz.so")).unwrap();
        symlink("../../../../../lib/libz.so", at("usr/lib/up")).unwrap();
        symlink("round", at("round")).unwrap();
        let found = |path: &str| resolve(root.path(), Path::new(path));
        for path in ["/lib/libz.so.1.2", "/lib/libz.so", "/usr/lib/up", "/lib/../lib/libz.so.1"] {
            assert_eq!(found(path), Some("/usr/lib/libz.so.1.2".into()), "{path}");
        }
        assert_eq!(found("/round"), None);
        assert_eq!(found("/lib/absent"), None);
        assert_eq!(below(root.path(), Path::new("/lib")), at("lib"));
    }
}
