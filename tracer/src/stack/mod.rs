//! The model of one stack: Go and native frames joined, with the reasons of gaps and ends.
