use super::*;

fn parsed(text: &str) -> String {
    let mut path = Path::new();
    match path.parse(text.as_bytes()) {
        Ok(()) => format!("{:?} {:?}", String::from_utf8_lossy(path.key()), path.segments().to_vec()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn keys_and_segments_are_told_apart() {
    assert_eq!(parsed("person5"), r#""person5" []"#);
    assert_eq!(parsed(" person15.iban.country "), r#""person15" [Field("iban"), Field("country")]"#);
    assert_eq!(parsed(r#""a.b".c"#), r#""a.b" [Field("c")]"#);
    assert_eq!(parsed("a[0].b"), r#""a" [Index(0), Field("b")]"#);
    assert_eq!(parsed(r#"a["x y"][12]"#), r#""a" [Field("x y"), Index(12)]"#);
}
