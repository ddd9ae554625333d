//! Registers every file under `src/diagnostics`, so that adding a diagnostic is one new file:
//! `pub const COMMAND: Command` in it is all that the rest of the project needs. A folder with a
//! `mod.rs` is one diagnostic, a folder without one a group of them.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("src/diagnostics");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut modules = Vec::new();
    for path in inside(&folder) {
        let main = path.join("mod.rs");
        if path.ends_with("mod.rs") {
            continue;
        } else if !path.is_dir() {
            modules.push((word(&path), path));
        } else if main.exists() {
            modules.push((word(&path), main));
        } else {
            let group = word(&path);
            modules.extend(inside(&path).map(|path| (format!("{group}_{}", word(&path)), path)));
        }
    }
    modules.sort();
    let mut code = String::new();
    for (name, file) in &modules {
        code += &format!("#[path = {:?}]\nmod {name};\n", file.display().to_string());
    }
    let all: Vec<String> = modules.iter().map(|(name, _)| format!("&{name}::COMMAND")).collect();
    code += &format!("pub(crate) static ALL: &[&Command] = &[{}];\n", all.join(", "));
    let out = env::var("OUT_DIR").expect("cargo sets it");
    // A file of its own each time: a copy of the folder may share the old one.
    let (new, file) = (Path::new(&out).join("new.rs"), Path::new(&out).join("diagnostics.rs"));
    fs::write(&new, code).expect("OUT_DIR is writable");
    fs::rename(new, file).expect("OUT_DIR is writable");
}

fn inside(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is part of the source");
    entries.map(|entry| entry.expect("a readable folder").path())
}

fn word(path: &Path) -> String {
    let stem = path.file_stem().expect("a file of the source has a name");
    stem.to_str().expect("it is ASCII").to_owned()
}
