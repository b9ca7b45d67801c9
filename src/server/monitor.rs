//! MONITOR: every request, shown to whoever asked for it.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::sessions::Mode;
use super::slowlog::is_secret;
use crate::conn::Net;
use crate::proto::command::{CommandId, Flags};
use crate::proto::resp::Writer;
use std::io::Write as _;

impl Server {
    pub(super) fn monitor(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let session = self.sessions.get_mut(call.id).expect("a request has a session");
        if !session.mode.has(Mode::MONITOR) {
            session.mode.set(Mode::MONITOR, true);
            self.monitors.push(call.id);
        }
        out.ok();
        Ok(())
    }

    /// Shows a request that was done. Operators' commands and the cluster's messages are nobody's business, as in
    /// Redis; who reads too slowly misses some.
    #[cold]
    pub(super) fn show_monitors(&self, call: &Call<'_>, net: &mut Net) {
        let flags = call.command.flags;
        if flags.contains(Flags::ADMIN)
            || flags.contains(Flags::CLUSTER)
            || call.command.id == CommandId::Exec
        {
            return;
        }
        let line = self.line(call);
        for &monitor in &self.monitors {
            if net.queued(monitor) + line.len() <= self.config.settings.limits.queued_bytes {
                net.out(monitor).extend_from_slice(&line);
            }
        }
    }

    /// `+1339518083.107000 [0 127.0.0.1:60866] "set" "k" "v"`
    fn line(&self, call: &Call<'_>) -> Vec<u8> {
        let (secs, millis) = (call.now.unix_ms / 1_000, call.now.unix_ms % 1_000);
        let mut line = Vec::new();
        const WHY: &str = "a vector takes every byte";
        match self.sessions.get(call.id) {
            Some(session) => write!(line, "+{secs}.{millis:03}000 [0 {}]", session.peer()).expect(WHY),
            None => write!(line, "+{secs}.{millis:03}000 [0 ?]").expect(WHY),
        }
        for (index, argument) in call.args_from(0).enumerate() {
            line.push(b' ');
            quote(&mut line, if is_secret(call, index) { b"(redacted)" } else { argument });
        }
        line.extend_from_slice(b"\r\n");
        line
    }
}

/// As Redis' `sdscatrepr`.
fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            other => write!(out, "\\x{other:02x}").expect("a vector takes every byte"),
        }
    }
    out.push(b'"');
}
