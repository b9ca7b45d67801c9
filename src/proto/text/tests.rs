use super::*;

fn styled(text: &str, style: Style) -> String {
    let mut out = Vec::new();
    restyle(text.as_bytes(), style, &mut out).unwrap_or_else(|error| panic!("{text}: {error}"));
    String::from_utf8(out).unwrap()
}

#[test]
fn the_seeds_documents_are_read() {
    let text = r#"{"name":"John"; "age":22; "address":{"street":"Main"; "number":12}}"#;
    assert_eq!(
        styled(text, Style::Json),
        r#"{"name":"John","age":22,"address":{"street":"Main","number":12}}"#
    );
    assert_eq!(
        styled(text, Style::Seed),
        r#"{"name": "John"; "age": 22; "address": {"street": "Main"; "number": 12}}"#
    );
}
