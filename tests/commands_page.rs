//! `docs/commands.md` is the table of commands.

use hedgerow::proto::command::page;

/// `UPDATE_DOCS=1 cargo test --test commands_page` writes the page anew.
#[test]
fn the_page_is_that_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page()).expect("docs can be written");
    }
    let written = std::fs::read_to_string(path).expect("docs/commands.md");
    let differs = written.lines().zip(page().lines().map(str::to_owned)).find(|(there, here)| there != here);
    assert!(differs.is_none(), "UPDATE_DOCS=1 cargo test --test commands_page writes it anew: {differs:?}");
    assert_eq!(written, page());
}
