//! Unwind rows from CFI and from pclntab, compaction, pages, and a host walker.
