//! That the judges find mistakes in names.

use crate::truth::mutate::Mutant;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "each line of DWARF is that of the row before",
        file: "tracer/src/object/dwarf/lines.rs",
        right: "rows.get(after.checked_sub(1)?)?",
        wrong: "rows.get(after.saturating_sub(2))?",
    },
    Mutant {
        name: "the innermost inlined call of DWARF is left out",
        file: "tracer/src/object/dwarf/functions.rs",
        right: "    chain.reverse();\n",
        wrong: "    chain.pop();\n    chain.reverse();\n",
    },
    Mutant {
        name: "each line of Go is that of the byte before",
        file: "tracer/src/object/go/function.rs",
        right: "self.values(LINE)?.at(offset)?",
        wrong: "self.values(LINE)?.at(offset.saturating_sub(1))?",
    },
    Mutant {
        name: "of the inlined calls of Go only the innermost is told",
        file: "tracer/src/object/go/inline.rs",
        right: "frames.len() == MAX_DEPTH",
        wrong: "!frames.is_empty()",
    },
];
