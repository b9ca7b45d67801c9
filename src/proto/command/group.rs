//! Where commands stand in the documentation.

/// Where a command stands in the documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// Any kind of value.
    Generic,
    /// Plain strings.
    String,
    /// Bits of plain strings.
    Bitmap,
    /// Documents.
    Json,
    /// What needs the order of keys.
    Ordered,
    /// Several commands as one.
    Transactions,
    /// About the connection.
    Connection,
    /// About the server.
    Server,
    /// About functions, of which there are none.
    Scripting,
    /// About Redis' own cluster, in which no server is.
    Cluster,
}

impl Group {
    /// All of them, in the order of the documentation.
    pub const ALL: [Group; 10] = [
        Group::String,
        Group::Bitmap,
        Group::Json,
        Group::Generic,
        Group::Ordered,
        Group::Transactions,
        Group::Connection,
        Group::Server,
        Group::Scripting,
        Group::Cluster,
    ];

    /// As COMMAND DOCS says it.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Bitmap => "bitmap",
            Group::Json => "json",
            Group::Ordered => "ordered",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Scripting => "scripting",
            Group::Cluster => "cluster",
        }
    }
}
