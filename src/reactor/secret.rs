//! Passwords: from a file or the environment, never from the command line, where everybody on the machine reads them.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The environment's variable for the servers' password.
pub const VARIABLE: &str = "HEDGEROW_PASSWORD";

/// Longer ones are no passwords but wrong files.
const BYTES_MAX: u64 = 4_096;

/// Reads a password: of `file`, one line; or, where none is named, of the environment's `variable`. `None`: there is
/// none. Whoever can read the file knows it, so a file that others than its owner may read is a warning in the log.
///
/// # Errors
/// One line that names the file, and never what is in it.
pub fn read(file: Option<&Path>, variable: &str) -> Result<Option<Vec<u8>>, String> {
    let Some(path) = file else {
        let value = env::var_os(variable).filter(|value| !value.is_empty());
        return Ok(value.map(std::os::unix::ffi::OsStringExt::into_vec));
    };
    let failed = |error: std::io::Error| format!("the password file {}: {error}", path.display());
    let opened = File::open(path).map_err(failed)?;
    if is_open_to_others(&opened) {
        log::warn!("the password file {} can be read by others than its owner", path.display());
    }
    let mut password = Vec::new();
    opened.take(BYTES_MAX + 1).read_to_end(&mut password).map_err(failed)?;
    if password.last() == Some(&b'\n') {
        password.pop();
        if password.last() == Some(&b'\r') {
            password.pop();
        }
    }
    let what_is_wrong = match &password[..] {
        [] => "it is empty",
        password if password.len() as u64 > BYTES_MAX => "it is longer than 4096 bytes",
        password if password.contains(&b'\n') => "it has more than one line",
        _ => return Ok(Some(password)),
    };
    Err(format!("the password file {}: {what_is_wrong}; expected one line, the password", path.display()))
}

fn is_open_to_others(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_password_is_one_line_of_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        let from = |content: &[u8]| {
            std::fs::write(&path, content).expect("a file");
            read(Some(&path), "NO_SUCH_VARIABLE")
        };
        assert_eq!(from(b"open sesame\n"), Ok(Some(b"open sesame".to_vec())));
        assert_eq!(from(b" with blanks \r\n"), Ok(Some(b" with blanks ".to_vec())));
        assert_eq!(from(b"\xff\x00no line end"), Ok(Some(b"\xff\x00no line end".to_vec())));
        for (content, words) in [(&b""[..], "empty"), (b"\n", "empty"), (b"a\nb\n", "more than one line")] {
            let told = from(content).expect_err("not a password");
            assert!(told.contains(words) && told.contains("expected one line"), "{told}");
        }
        assert!(from(&[b'x'; 5_000]).is_err_and(|told| told.contains("longer") && !told.contains("xx")));
        assert!(read(Some(&folder.path().join("none")), "X").is_err_and(|told| told.contains("none")));
        assert_eq!(read(None, "NO_SUCH_VARIABLE"), Ok(None));
    }
}
