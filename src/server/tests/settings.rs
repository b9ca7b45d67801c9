//! Settings that change while a server serves.

use super::Harness;
use crate::conn::Machine;
use crate::limits::Limits;
use crate::server::{Reloaded, Rewrite, ServerConfig, Settings};

/// What a test's driver says the files hold now.
fn other_settings() -> Result<Reloaded, String> {
    let limits = Limits { pause_bytes: 1_000, ..Limits::FULL };
    let settings = Settings { clients_max: 7, limits, slower_than_micros: 0, ..Settings::default() };
    Ok(Reloaded { settings, at_restart: vec!["port"] })
}

#[test]
fn settings_that_are_read_again_hold_at_once() {
    let config = ServerConfig { reload: Some(other_settings), ..ServerConfig::new(1) };
    let mut harness = Harness::with(config);
    let id = harness.connect();
    harness.server.handle_reload(harness.now, &mut harness.net);
    assert_eq!(harness.net.entrance().clients_max, 7);
    assert_eq!(harness.net.limits().pause_bytes, 1_000);
    assert!(harness.line(id, "CONFIG GET maxclients").ends_with("\r\n7\r\n"));
    assert!(harness.line(id, "CONFIG GET pause-queued").ends_with("\r\n1000\r\n"));
    assert!(harness.line(id, "SLOWLOG LEN").starts_with(':'));
}

#[test]
fn a_file_that_cannot_be_read_changes_nothing() {
    let config = ServerConfig { reload: Some(|| Err("no".to_owned())), ..ServerConfig::new(1) };
    let mut harness = Harness::with(config);
    let id = harness.connect();
    assert_eq!(harness.line(id, "CONFIG SET maxclients 9"), "+OK\r\n");
    harness.server.handle_reload(harness.now, &mut harness.net);
    assert!(harness.line(id, "CONFIG GET maxclients").ends_with("\r\n9\r\n"));
    assert_eq!(harness.net.entrance().clients_max, 9);
}

#[test]
fn settings_are_written_back_or_it_is_told_why_not() {
    let rewritten = |rewrite: Option<Rewrite>| {
        let mut harness = Harness::with(ServerConfig { rewrite, ..ServerConfig::new(1) });
        let id = harness.connect();
        harness.line(id, "CONFIG SET maxclients 9");
        harness.line(id, "CONFIG REWRITE")
    };
    assert_eq!(rewritten(None), "-ERR The server is running without a config file\r\n");
    assert_eq!(rewritten(Some(|_| Err("no place".into()))), "-ERR Rewriting config file: no place\r\n");
    assert_eq!(
        rewritten(Some(|settings| match settings.clients_max {
            9 => Ok(()),
            other => Err(other.to_string()),
        })),
        "+OK\r\n"
    );
}
