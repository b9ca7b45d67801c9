//! The table keeps its own rules.

use super::*;

/// Every command and subcommand with its parent.
fn all() -> impl Iterator<Item = (&'static Command, Option<&'static Command>)> {
    COMMANDS.iter().map(|command| (command, None)).chain(
        COMMANDS
            .iter()
            .flat_map(|parent| parent.subcommands.iter().map(move |command| (command, Some(parent)))),
    )
}

#[test]
fn ids_are_dense_and_in_order() {
    let ids: Vec<usize> = all().map(|(command, _)| command.id.index()).collect();
    assert_eq!(ids, (0..CommandId::COUNT).collect::<Vec<_>>());
}

#[test]
fn names_agree() {
    for (command, parent) in all() {
        let full_name = match parent {
            Some(parent) => format!("{}|{}", parent.full_name, command.name.to_ascii_lowercase()),
            None => command.name.to_ascii_lowercase(),
        };
        assert_eq!(command.full_name, full_name);
        assert_eq!(command.name, command.name.to_ascii_uppercase());
    }
}

#[test]
fn every_command_says_what_it_is() {
    for (command, parent) in all() {
        let name = command.full_name;
        assert!(!command.summary.is_empty() && !command.complexity.is_empty(), "{name}");
        assert!(
            command.flags.contains(Flags::SERVER) || command.flags.contains(Flags::CONSOLE),
            "{name}: nobody knows it"
        );
        assert!(!command.flags.contains(Flags::READONLY | Flags::WRITE), "{name}");
        assert!(
            !command.flags.contains(Flags::DENYOOM) || command.flags.contains(Flags::WRITE),
            "{name}: only writes take memory"
        );
        assert!(command.arity.unsigned_abs() > u32::from(parent.is_some()), "{name}");
        assert_eq!(command.keys.first == 0, command.keys.access.is_empty(), "{name}");
        if command.keys.first > 0 {
            assert!(command.arity.unsigned_abs() > command.keys.first.unsigned_abs(), "{name}");
        }
    }
}

/// The least count of arguments that the syntax allows, and whether it allows more.
fn counts(arguments: &[Argument]) -> (u32, bool) {
    arguments.iter().fold((0, false), |(least, open), argument| {
        let own = u32::from(argument.token.is_some() && argument.kind != ArgumentKind::PureToken);
        let (inner, inner_open) = match argument.kind {
            ArgumentKind::Block => counts(argument.items),
            ArgumentKind::OneOf => {
                let each = argument.items.iter().map(|item| counts(std::slice::from_ref(item)));
                let least = each.clone().map(|(least, _)| least).min().expect("a choice has items");
                (least, each.clone().any(|(other, open)| open || other != least))
            }
            _ => (1, false),
        };
        let open = open || inner_open || argument.multiple || argument.optional;
        (least + if argument.optional { 0 } else { own + inner }, open)
    })
}

#[test]
fn arity_and_syntax_agree() {
    for (command, parent) in all() {
        let name = command.full_name;
        let skipped = command.flags.contains(Flags::CLUSTER)
            || !command.subcommands.is_empty()
            // Their readers are stricter or laxer than a count can say.
            || matches!(
                command.id,
                CommandId::Quit
                    | CommandId::Exit
                    | CommandId::Status
                    | CommandId::Compute
                    | CommandId::CommandGetkeys
                    | CommandId::CommandGetkeysandflags
            );
        if skipped {
            continue;
        }
        let (least, open) = counts(command.arguments);
        let names = 1 + u32::from(parent.is_some());
        assert_eq!((command.arity.unsigned_abs(), command.arity < 0), (least + names, open), "{name}");
    }
}

#[test]
fn syntax_is_readable() {
    let syntax = |name: &str| lookup(name.as_bytes()).expect(name).syntax().to_string();
    assert_eq!(
        syntax("set"),
        "SET key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
         PXAT unix-time-milliseconds | KEEPTTL]"
    );
    assert_eq!(syntax("mset"), "MSET key value [key value ...]");
    assert_eq!(syntax("del"), "DEL key [key ...]");
    assert_eq!(syntax("query"), "QUERY <path | key segment [segment ...]>");
    assert_eq!(syntax("compute"), "COMPUTE expression [WHERE bindings]");
    assert_eq!(syntax("hello"), "HELLO [protover [AUTH username password] [SETNAME clientname]]");
    let client = lookup(b"CLIENT").expect("CLIENT");
    let sub = |name: &str| client.subcommand(name.as_bytes()).expect(name).syntax().to_string();
    assert_eq!(sub("warnings"), "CLIENT WARNINGS <OFF | ON | ERROR>");
    assert_eq!(sub("setinfo"), "CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>");
}

#[test]
fn counts_are_judged_as_in_redis() {
    let get = lookup(b"get").expect("GET");
    assert!(!get.accepts(1) && get.accepts(2) && !get.accepts(3));
    let mset = lookup(b"mset").expect("MSET");
    assert!(!mset.accepts(2) && mset.accepts(3) && mset.accepts(99));
    let kill = lookup(b"Client").expect("CLIENT").subcommand(b"Kill").expect("KILL");
    assert!(!kill.accepts(2) && kill.accepts(3));
    assert_eq!(kill.full_name, "client|kill");
}

#[test]
fn keys_are_found() {
    let keys =
        |name: &str, count| lookup(name.as_bytes()).expect(name).keys.indices(count).collect::<Vec<_>>();
    assert_eq!(keys("get", 2), [1]);
    assert_eq!(keys("get", 1), [] as [usize; 0]);
    assert_eq!(keys("del", 4), [1, 2, 3]);
    assert_eq!(keys("mset", 5), [1, 3]);
    assert_eq!(keys("h.store", 8), [5]);
    assert_eq!(keys("ping", 2), [] as [usize; 0]);
}

/// As Redis 7.0.15 answered `COMMAND INFO get`.
#[test]
fn get_is_described_as_in_redis() {
    let get = lookup(b"GET").expect("GET");
    assert_eq!(get.flags.names().collect::<Vec<_>>(), ["readonly", "fast"]);
    assert_eq!(get.categories().collect::<Vec<_>>(), ["@read", "@string", "@fast"]);
    assert_eq!((get.keys.first, get.keys.last, get.keys.step), (1, 1, 1));
    assert_eq!(get.keys.access, ["RO", "access"]);
    assert_eq!((get.summary, get.since, get.group.name()), ("Get the value of a key", "1.0.0", "string"));
}

/// As Redis 7.0.15 answered `COMMAND INFO` for each.
#[test]
fn flags_and_categories_are_those_of_redis() {
    for (name, flags, categories) in [
        ("set", "write denyoom", "@write @string @slow"),
        ("del", "write", "@keyspace @write @slow"),
        ("unlink", "write fast", "@keyspace @write @fast"),
        ("exists", "readonly fast", "@keyspace @read @fast"),
        ("mget", "readonly fast", "@read @string @fast"),
        ("mset", "write denyoom", "@write @string @slow"),
        ("dbsize", "readonly fast", "@keyspace @read @fast"),
        ("flushall", "write", "@keyspace @write @slow @dangerous"),
        ("scan", "readonly", "@keyspace @read @slow"),
        ("keys", "readonly", "@keyspace @read @slow @dangerous"),
        ("type", "readonly fast", "@keyspace @read @fast"),
        ("ping", "fast", "@fast @connection"),
        ("echo", "loading fast", "@fast @connection"),
        ("quit", "loading fast no_auth", "@fast @connection"),
        ("info", "loading", "@slow @dangerous"),
        ("config", "", "@slow"),
    ] {
        let command = lookup(name.as_bytes()).expect(name);
        assert_eq!(command.flags.names().collect::<Vec<_>>().join(" "), flags, "{name}");
        assert_eq!(command.categories().collect::<Vec<_>>().join(" "), categories, "{name}");
    }
}

#[test]
fn messages_of_the_cluster_are_not_listed() {
    assert!(lookup(b"H.STORE").expect("known").flags.contains(Flags::CLUSTER));
    assert!(listed().all(|command| !command.name.starts_with("H.")));
    assert!(listed().any(|command| command.id == CommandId::Put));
    assert!(listed().all(|command| command.id != CommandId::Help));
}
