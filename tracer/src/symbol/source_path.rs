//! Source files that lie elsewhere than where they were compiled.

use std::fmt;
use std::str::FromStr;

/// A directory as debug information names it, and the one to show in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDirectory {
    old: String,
    new: String,
}

impl SourceDirectory {
    /// The path with this directory replaced; `None` where the path is not in it.
    #[must_use]
    pub fn replace(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.old)?;
        // A whole directory, not the first letters of one.
        if rest.is_empty() || !(rest.starts_with('/') || self.old.ends_with('/')) {
            return None;
        }
        let new = self.new.strip_suffix('/').unwrap_or(&self.new);
        let rest = rest.trim_start_matches('/');
        if self.new.is_empty() {
            return Some(rest.to_owned());
        }
        Some(format!("{new}/{rest}"))
    }
}

/// The path to show: by the first of `directories` that holds it, else as it is.
#[must_use]
pub fn shown_path(directories: &[SourceDirectory], path: String) -> String {
    directories.iter().find_map(|directory| directory.replace(&path)).unwrap_or(path)
}

impl FromStr for SourceDirectory {
    type Err = String;

    /// `OLD=NEW`. A `=` in OLD cannot be told from the one between.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((old, new)) if !old.is_empty() => {
                Ok(Self { old: old.to_owned(), new: new.to_owned() })
            }
            _ => {
                Err("write OLD=NEW: a directory as it is shown now, and the one instead".to_owned())
            }
        }
    }
}

impl fmt::Display for SourceDirectory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.old, self.new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_directories_are_replaced_and_nothing_else() {
        let path = |rule: &str, path: &str| rule.parse::<SourceDirectory>().unwrap().replace(path);
        for (rule, old, new) in [
            ("/build=/home/me", "/build/src/a.c", Some("/home/me/src/a.c")),
            ("/build/=/home/me/", "/build/a.c", Some("/home/me/a.c")),
            ("/build=/home/me", "/builder/a.c", None),
            ("/build=/home/me", "/build", None),
            ("/build=/home/me", "/x/build/a.c", None),
            // Of `go build -trimpath`, and of `-ffile-prefix-map`.
            ("example.com/app=/src/app", "example.com/app/main.go", Some("/src/app/main.go")),
            (".=/src", "./a.c", Some("/src/a.c")),
            ("/=/root", "/a.c", Some("/root/a.c")),
            ("/build=", "/build/src/a.c", Some("src/a.c")),
            ("/a=/b=c", "/a/x", Some("/b=c/x")),
        ] {
            assert_eq!(path(rule, old).as_deref(), new, "{rule} {old}");
        }
        for text in ["", "=", "=/a", "/a"] {
            assert!(text.parse::<SourceDirectory>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_that_fits_is_used_once() {
        let rules: Vec<_> =
            ["/a/b=/c", "/a=/d", "/c=/e"].iter().map(|rule| rule.parse().unwrap()).collect();
        let shown = |path: &str| shown_path(&rules, path.to_owned());
        assert_eq!(shown("/a/b/x.c"), "/c/x.c");
        assert_eq!(shown("/a/y/x.c"), "/d/y/x.c");
        assert_eq!(shown("/f/x.c"), "/f/x.c");
    }
}
