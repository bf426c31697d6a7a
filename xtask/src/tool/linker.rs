//! bpf-linker.
use anyhow::Result;
pub(crate) fn ensure_toolchain() -> Result<()> {
    Ok(())
}
