//! What cgotrace's chores and its privileged tests share: toolchains, examples, expected stacks.

pub mod tool;
