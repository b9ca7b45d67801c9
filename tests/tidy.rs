//! The rules of ARCHITECTURE.md that the compiler cannot enforce: which module may import which, and how long a file
//! and a function may be.

use std::fs;
use std::path::{Path, PathBuf};

/// Module, and the modules of the crate that it may name. Leaves first.
const LAYERS: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("time", &[]),
    ("rng", &[]),
    ("password", &[]),
    ("record", &[]),
    ("value", &["limits"]),
    ("trie", &["limits", "record", "value", "rng"]),
    ("proto", &["limits", "record", "value", "rng", "time"]),
    ("conn", &["limits", "rng", "time"]),
    ("datagen", &["limits", "rng", "value", "record", "proto"]),
    ("console", &["limits", "record", "value", "time", "proto"]),
    ("server", &["limits", "password", "record", "value", "rng", "time", "trie", "proto", "conn"]),
    (
        "broker",
        &["limits", "password", "record", "value", "rng", "time", "proto", "conn", "console", "datagen"],
    ),
    ("reactor", &["limits", "rng", "time", "conn", "console", "proto"]),
];

/// Lines of a source file.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function, its signature and braces included.
const FUNCTION_LINES_MAX: usize = 70;

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of the project")
        .map(|entry| entry.expect("readable").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                rust_files(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    folders.iter().map(|folder| root.join(folder)).filter(|folder| folder.exists()).for_each(|folder| {
        rust_files(&folder, &mut files);
    });
    assert!(files.len() > 10, "the sources were not found");
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file");
            (path.strip_prefix(root).expect("inside").to_owned(), text)
        })
        .collect()
}

/// The module of `src/` that a file belongs to; `None` for the wiring (`lib.rs`, `bin/`).
fn module_of(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (module != "lib" && module != "bin").then(|| module.to_owned())
}

/// The crate's modules named behind `crate::` in a text; comments left out, as documentation may point anywhere.
fn named_modules(text: &str) -> Vec<(usize, String)> {
    let mut named = vec![];
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            let names = match rest.strip_prefix('{') {
                Some(list) => list.split(',').map(|item| item.trim()).collect(),
                None => vec![rest],
            };
            for name in names {
                let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
                if end > 0 {
                    named.push((number + 1, name[..end].to_owned()));
                }
            }
        }
    }
    named
}

#[test]
fn imports_only_go_down() {
    let mut wrong = vec![];
    for (path, text) in sources(&["src"]) {
        let Some(module) = module_of(&path) else { continue };
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module {module} has no place in the table of layers", path.display()));
            continue;
        };
        for (line, named) in named_modules(&text) {
            if named != module && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{}:{line}: {module} may not import {named}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = vec![];
    for (path, text) in sources(&["src", "tests", "loadtest", "benches", "fuzz/fuzz_targets"]) {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            wrong.push(format!("{}: {} lines, at most {FILE_LINES_MAX}", path.display(), lines.len()));
        }
        for (start, len) in functions(&lines) {
            if len > FUNCTION_LINES_MAX {
                let name = lines[start].trim();
                wrong.push(format!("{}:{}: {len} lines: {name}", path.display(), start + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Where functions begin, and their lines: rustfmt closes a function with a brace under its first letter.
fn functions<'t>(lines: &'t [&'t str]) -> impl Iterator<Item = (usize, usize)> + 't {
    let is_function = |line: &str| {
        let words = line.trim_start();
        ["fn ", "pub fn ", "const fn ", "pub const fn ", "unsafe fn ", "pub unsafe fn "]
            .iter()
            .any(|start| words.starts_with(start))
            || (words.starts_with("pub(") && words.contains(") fn "))
    };
    lines.iter().enumerate().filter(move |(_, line)| is_function(line)).filter_map(|(start, line)| {
        let indent = line.len() - line.trim_start().len();
        let closes = |other: &str| other.len() == indent + 1 && other.ends_with('}') && other.trim() == "}";
        let one_line = line.trim_end().ends_with('}') || line.trim_end().ends_with(';');
        if one_line {
            return None;
        }
        lines[start..].iter().position(|other| closes(other)).map(|len| (start, len + 1))
    })
}

#[test]
fn the_checks_see_what_they_look_for() {
    let long = format!("    pub fn f() {{\n{}    }}\n", "        x();\n".repeat(80));
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(functions(&lines).collect::<Vec<_>>(), [(0, 82)]);
    let named =
        named_modules("use crate::{trie, proto::resp};\nlet x = crate::server::X; // crate::reactor\n");
    let names: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["trie", "proto", "server"]);
    assert_eq!(module_of(Path::new("src/conn/net.rs")).as_deref(), Some("conn"));
    assert_eq!(module_of(Path::new("src/lib.rs")), None);
}
