//! Registers every file or folder under `src/diagnostics`, so that adding a diagnostic is one new
//! file: `pub const COMMAND: Command` in it is all that the rest of the project needs.

use std::path::Path;
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("src/diagnostics");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut modules: Vec<(String, String)> = fs::read_dir(&folder)
        .expect("the folder is part of the source")
        .filter_map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_stem()?.to_str()?.to_owned();
            let file = if path.is_dir() { path.join("mod.rs") } else { path };
            (name != "mod").then(|| (name, file.display().to_string()))
        })
        .collect();
    modules.sort();
    let mut code = String::new();
    for (name, file) in &modules {
        code += &format!("#[path = {file:?}]\nmod {name};\n");
    }
    let all: Vec<String> = modules.iter().map(|(name, _)| format!("&{name}::COMMAND")).collect();
    code += &format!("pub(crate) static ALL: &[&Command] = &[{}];\n", all.join(", "));
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("diagnostics.rs"), code).expect("OUT_DIR is writable");
}
