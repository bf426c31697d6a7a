//! Processes: who runs the target, what is mapped, start and exit. Needs nothing.
