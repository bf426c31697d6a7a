//! Languages of functions.

/// The language of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// C.
    C,
    /// C++.
    Cpp,
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// Assembly, of any assembler.
    Asm,
    /// Not known.
    Unknown,
}

impl Language {
    /// The name that JSON shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Cpp => "c++",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::Asm => "asm",
            Self::Unknown => "unknown",
        }
    }
}
