//! What must hold for any bytes that are read as a path. Shared by the fuzzer and by the tests.

use hedgerow::limits::{DOCUMENT_DEPTH_MAX, KEY_BYTES_MAX};
use hedgerow::proto::path::{Dialect, Path};

/// Everything that is promised of any bytes.
pub(crate) fn check(text: &[u8]) {
    let mut path = Path::new();
    match path.parse(text) {
        Err(error) => check_error(text, error.offset, &path),
        Ok(()) => {
            assert!((1..=KEY_BYTES_MAX).contains(&path.key().len()));
            check_steps(&path, path.key());
            let mut back = Path::new();
            assert_eq!(back.parse(path.to_string().as_bytes()), Ok(()), "{path}");
            assert_eq!(back, path);
        }
    }
    match path.parse_json(text) {
        Err(error) => check_error(text, error.offset, &path),
        Ok(dialect) => {
            assert_eq!(path.key(), b"");
            assert_eq!(dialect == Dialect::Dollar, text.trim_ascii_start().starts_with(b"$"));
            check_steps(&path, b"");
            let mut back = Path::new();
            let text = format!("${path}");
            assert_eq!(back.parse_json(text.as_bytes()), Ok(Dialect::Dollar), "{text}");
            assert_eq!(back, path);
        }
    }
}

fn check_error(text: &[u8], offset: usize, path: &Path) {
    assert!(offset <= text.len());
    assert_eq!(path, &Path::new(), "an error leaves nothing");
}

/// Built anew from its parts, the path is the same.
fn check_steps(path: &Path, key: &[u8]) {
    let segments = path.segments();
    assert!(segments.len() == path.len() && path.len() <= DOCUMENT_DEPTH_MAX);
    let mut built = Path::new();
    built.set_key(key);
    for &segment in segments.iter() {
        assert!(built.push(segment));
    }
    assert_eq!(&built, path);
}
