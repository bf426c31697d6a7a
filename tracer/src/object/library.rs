use super::ObjectFile;
use std::{path::*, sync::Arc};
pub struct Environment;
impl Environment {
    pub fn own() -> Self {
        Self
    }
}
pub struct Library {
    pub path: PathBuf,
    pub object: Arc<ObjectFile>,
}
pub fn libraries_of(_: &Arc<ObjectFile>, _: &Path, _: &Environment) -> (Vec<Library>, Vec<String>) {
    (vec![], vec![])
}
