//! Frames, whole and cut.

use super::*;

fn whole(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut args = Args::new();
    match RequestParser::default().parse(bytes, &mut args) {
        Ok(Progress::Done { value, consumed }) => (value.args().map(<[u8]>::to_vec).collect(), consumed),
        other => panic!("{:?}: {other:?}", bytes.escape_ascii().to_string()),
    }
}

#[test]
fn an_array() {
    let bytes = b"*2\r\n$3\r\nGET\r\n$7\r\nperson5\r\n*1\r\n";
    assert_eq!(whole(bytes), (vec![b"GET".to_vec(), b"person5".to_vec()], bytes.len() - 4));
}
