//! What a function is called.

use std::sync::OnceLock;

use super::entry::Names;
use crate::object::{Language, demangle};

/// The names of one function; at least one.
#[derive(Debug)]
pub struct FunctionName {
    /// The linkage name, where DWARF has one (C++, Rust).
    pub linkage: Option<String>,
    /// The plain name; empty where there is a linkage name only.
    pub plain: String,
    /// The namespaces and types around it, `shop::(anonymous namespace)`; only where there is no
    /// linkage name to tell them.
    pub scope: Option<String>,
    /// The language of the unit that it was written in.
    pub language: Language,
    shown: OnceLock<String>,
}

impl FunctionName {
    /// `None` where there is no name.
    pub(super) fn new(names: Names, scope: Option<String>) -> Option<Self> {
        let Names { linkage, plain, language, .. } = names;
        let plain = match (&linkage, plain) {
            (None, None) => return None,
            (_, plain) => plain.unwrap_or_default(),
        };
        Some(Self { linkage, plain, scope, language, shown: OnceLock::new() })
    }

    /// Bytes of its texts, about: the name for people is made later.
    pub(super) fn len(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        2 * (optional(&self.linkage) + self.plain.len() + optional(&self.scope))
    }

    /// The linkage name, or the plain one where there is none.
    #[must_use]
    pub fn symbol(&self) -> &str {
        self.linkage.as_deref().unwrap_or(&self.plain)
    }

    /// The name for people: the linkage name demangled, or the plain one with its scope.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.shown.get_or_init(|| match (&self.linkage, &self.scope) {
            (Some(linkage), _) => {
                demangle(linkage).map_or_else(|| linkage.clone(), |(name, _)| name)
            }
            (None, Some(scope)) => format!("{scope}::{}", self.plain),
            (None, None) => self.plain.clone(),
        })
    }
}
