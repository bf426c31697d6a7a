//! Go's own tables in an ELF file: buildinfo, pclntab, moduledata.
