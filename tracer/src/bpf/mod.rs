//! Loading the BPF object, its maps, and attaching probes.
