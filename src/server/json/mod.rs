//! RedisJSON's commands on our documents.
//!
//! ```text
//!   key, path ──► find: the places that the path leads to ──► read them, or change them one by one ──► a reply
//! ```
//!
//! A path in the newer notation (`$..`) may lead to several places and is answered by an array, nulls where a place
//! has the wrong type; in the older notation the first place is answered, and a wrong type is an error. A document's
//! outermost value is always a set.
//!
//! | module | what |
//! |---|---|
//! | `find` | from a path to places |
//! | `get` | JSON.GET, MGET, TYPE, RESP and what else only reads |
//! | `set` | JSON.SET, MSET, MERGE, DEL, CLEAR |
//! | `scalars` | numbers, strings, booleans: JSON.NUMINCRBY, STRAPPEND, TOGGLE |
//! | `arrays` | JSON.ARRAPPEND and its like |
//! | `print`, `scalar` | JSON with a client's own blanks; one value apart from its document |

mod arrays;
mod find;
mod get;
mod print;
mod scalar;
mod scalars;
mod set;

pub(super) use arrays::HANDLERS as ARRAYS;
pub(super) use get::HANDLERS as GET;
pub(super) use scalars::HANDLERS as SCALARS;
pub(super) use set::HANDLERS as SET;

use super::Server;
use super::error::CommandError;
use crate::proto::jsonpath::JsonPath;
use crate::proto::path::{Dialect, Path};
use crate::proto::resp::Writer;
use crate::record::Kind;
use crate::trie::{Record, Value};
use std::fmt::Write as _;

/// The places that a path leads to in a document that is there.
struct Found {
    path: JsonPath,
    /// In the order of the document.
    places: Vec<Path>,
}

impl Found {
    fn is_legacy(&self) -> bool {
        self.path.dialect() == Dialect::Legacy
    }
}

impl Server {
    /// The document of this key.
    ///
    /// # Errors
    /// A plain string is none.
    fn document(&self, key: &[u8]) -> Result<Option<Record<'_>>, CommandError> {
        match self.live(key) {
            Some(record) if record.kind() != Kind::Document => Err(CommandError::WrongType),
            record => Ok(record),
        }
    }

    /// The places of a path; `None` if there is no such record.
    fn find(&self, key: &[u8], path: &[u8]) -> Result<Option<Found>, CommandError> {
        let path = JsonPath::parse(path)?;
        Ok(self.document(key)?.map(|record| {
            let places = find::places(record.document(), &path);
            Found { path, places }
        }))
    }

    /// The same where the record must be there.
    fn find_existing(&self, key: &[u8], path: &[u8]) -> Result<Found, CommandError> {
        self.find(key, path)?.ok_or(CommandError::NoDocument)
    }

    /// What stands at a place that was found.
    fn value_at(&self, key: &[u8], place: &Path) -> Value<'_> {
        let record = self.live(key).expect("its document was searched");
        record.at(&place.segments()).expect("the path led here")
    }
}

/// The error for a path in the older notation that leads nowhere, or not to what is needed.
fn no_place(path: &[u8], wanted: &str) -> CommandError {
    let shown = String::from_utf8_lossy(path);
    let mut text = String::from("ERR Path '$");
    if shown.starts_with('$') {
        text.truncate("ERR Path '".len());
    } else if !shown.starts_with(['.', '[']) {
        text.push('.');
    }
    text.push_str(if shown == "." { "" } else { &shown });
    text.push_str("' does not exist");
    if !wanted.is_empty() {
        write!(text, " or {wanted}").expect("a String takes everything");
    }
    CommandError::Unknown(text.into_bytes())
}

/// One reply for each place: an array in the newer notation, the last place's in the older. Places that are not what
/// is wanted have none.
fn write_each<T>(
    found: &Found,
    path: &[u8],
    wanted: &str,
    replies: Vec<Option<T>>,
    out: &mut Writer<'_>,
    mut write: impl FnMut(&T, &mut Writer<'_>),
) -> Result<(), CommandError> {
    if found.is_legacy() {
        let last = replies.iter().flatten().last().ok_or_else(|| no_place(path, wanted))?;
        write(last, out);
        return Ok(());
    }
    out.array(replies.len());
    for reply in &replies {
        match reply {
            Some(reply) => write(reply, out),
            None => out.null(),
        }
    }
    Ok(())
}
