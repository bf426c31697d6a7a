//! The wiring: discovery, tables, probes, control events, shutdown, summary.
