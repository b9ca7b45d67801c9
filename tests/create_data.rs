//! `create-data` as a user meets it: a process with arguments, files and an exit status.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const KEYS: &str = "name string\nage int\nheight float\nmarried bool\naddress set\n";
const FLAT_KEYS: &str = "name string\nage int\n";

/// A folder with a `keyFile.txt` in it.
fn folder(keys: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("keyFile.txt"), keys).unwrap();
    folder
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_create-data"));
    command.current_dir(folder).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &str) -> Output {
    command(folder, arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_seeds_command_line_writes_data_to_index() {
    let folder = folder(KEYS);
    let output = run(folder.path(), "-k keyFile.txt -n 1000 -d 2 -l 4 -m 5");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let text = fs::read_to_string(folder.path().join("dataToIndex.txt")).unwrap();
    assert_eq!(text.lines().count(), 1_000);
    for (index, line) in text.lines().enumerate() {
        assert!(line.starts_with(&format!("\"person{index}\": {{\"")) && line.ends_with('}'), "{line}");
    }
    assert_eq!(files(folder.path()), ["dataToIndex.txt", "keyFile.txt"], "nothing else stays behind");
}

#[test]
fn a_seed_repeats_the_bytes_and_without_one_they_differ() {
    let folder = folder(KEYS);
    let first = run(folder.path(), "--key-file keyFile.txt --records 50 --seed 9 --output -");
    let again = run(folder.path(), "--keys keyFile.txt -n 50 --depth 2 --length 4 --fields 5 --seed 9 -o -");
    assert_eq!(first.stdout, again.stdout);
    assert_eq!(first.stdout.iter().filter(|&&byte| byte == b'\n').count(), 50);
    let random = run(folder.path(), "-n 50 -o -");
    assert_ne!(first.stdout, random.stdout);
    let said = stderr(&random);
    let seed = said.rsplit_once("--seed ").unwrap().1.trim_end().trim_end_matches(')');
    let repeated = run(folder.path(), &format!("-n 50 -o - --seed {seed}"));
    assert_eq!(repeated.stdout, random.stdout, "the seed that is printed repeats the run");
}

#[test]
fn depth_0_is_flat_and_no_fields_are_empty_sets() {
    let folder = folder(KEYS);
    let flat = run(folder.path(), "-n 200 -d 0 -o -");
    assert!(String::from_utf8(flat.stdout).unwrap().lines().all(|line| line.matches('{').count() == 1));
    let nested = run(folder.path(), "-n 200 -d 3 -o -");
    let nested = String::from_utf8(nested.stdout).unwrap();
    assert!(nested.lines().any(|line| line.matches('{').count() > 1));
    assert!(nested.contains("{}"), "an empty set happens");
    let empty = run(folder.path(), "-n 2 -m 0 -o -");
    assert_eq!(empty.stdout, b"\"person0\": {}\n\"person1\": {}\n");
}

#[test]
fn mistakes_are_told_before_anything_is_written() {
    let folder = folder(KEYS);
    fs::write(folder.path().join("empty.txt"), "# nothing\n\n").unwrap();
    fs::write(folder.path().join("typo.txt"), "name string\nage integer\n").unwrap();
    fs::write(folder.path().join("sets.txt"), "a set\n").unwrap();
    fs::write(folder.path().join("twice.txt"), "a int\na float\n").unwrap();
    let before = files(folder.path());
    for (arguments, told) in [
        ("-n 0", "-n must be at least 1"),
        ("-n -5", "'-5'"),
        ("-n many", "'many'"),
        ("-l 0", "-l must be at least 1"),
        ("-m 21", "-m must be 0 to 20"),
        ("-d 128", "-d must be at most 127"),
        ("-k empty.txt", "empty.txt: no names in it"),
        ("-k typo.txt", "typo.txt: line 2: unknown type `integer`"),
        ("-k twice.txt", "twice.txt: line 2: `a` has another type than in line 1"),
        ("-k sets.txt -d 0", "every name of the keyFile is of type set"),
        ("-k nosuch.txt", "nosuch.txt: No such file"),
        ("-k .", "directory"),
        ("-o nosuch/data.txt", "nosuch/data.txt: No such file"),
        ("-o .", "directory"),
        ("stray", "stray"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{arguments}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments}");
        assert_eq!(files(folder.path()), before, "{arguments}");
    }
}

#[test]
fn more_fields_than_names_is_a_note() {
    let folder = folder(FLAT_KEYS);
    let output = run(folder.path(), "-n 100 -d 0 -m 5 -o -");
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("has 2 names"), "{}", stderr(&output));
    assert!(String::from_utf8(output.stdout).unwrap().lines().all(|line| line.matches(": ").count() <= 3));
    assert!(!stderr(&run(folder.path(), "-n 1 -m 2 -o -")).contains("note"));
}

#[test]
fn an_older_file_is_replaced_whole_and_its_link_and_mode_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = folder(KEYS);
    let (real, link) = (folder.path().join("real.txt"), folder.path().join("link.txt"));
    fs::write(&real, "old\n".repeat(100_000)).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&real, &link).unwrap();
    assert_eq!(run(folder.path(), "-n 3 -o link.txt").status.code(), Some(0));
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap().lines().count(), 3);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(folder.path(), "-n 3 -o /dev/null").status.code(), Some(0));
    assert!(!fs::metadata("/dev/null").unwrap().is_file(), "a device stays a device");
}

#[test]
fn a_signal_leaves_the_older_file_and_no_half() {
    let folder = folder(KEYS);
    let place = folder.path().join("dataToIndex.txt");
    fs::write(&place, "old").unwrap();
    let mut child = command(folder.path(), "-n 10000000000").stderr(Stdio::piped()).spawn().unwrap();
    // Its temporary file has grown: the run is in full course.
    let half = folder.path().join(format!(".dataToIndex.txt.{}.part", child.id()));
    while fs::metadata(&half).map_or(0, |metadata| metadata.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "ended by itself");
        std::thread::yield_now();
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("interrupted, dataToIndex.txt is as it was"), "{said}");
    assert_eq!(fs::read_to_string(&place).unwrap(), "old");
    assert_eq!(files(folder.path()), ["dataToIndex.txt", "keyFile.txt"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = folder(KEYS);
    let mut child = command(folder.path(), "-n 10000000000 -o -")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"\"person0\":");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn help_has_examples_and_version_is_told() {
    let folder = folder(KEYS);
    let help = run(folder.path(), "--help");
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Examples:") && help.contains("create-data -k samples/keyFile.txt"), "{help}");
    let version = run(folder.path(), "--version");
    let expected = format!("create-data {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(version.stdout).unwrap(), expected);
}

#[test]
fn the_samples_that_ship_with_the_project_are_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = run(root, "-k samples/keyFile.txt -n 1000 -d 2 -l 4 -m 5 -o -");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let servers = fs::read_to_string(root.join("samples/serverFile.txt")).unwrap();
    let servers = servers.lines().filter(|line| !line.starts_with('#'));
    assert!(servers.clone().count() >= 3);
    assert!(servers.map(|line| line.split_once(' ').unwrap()).all(|(_, port)| port.parse::<u16>().is_ok()));
}
