//! Tells systemd how far we are, where it started us (`Type=notify`). The protocol is a datagram: see sd_notify(3).

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;

/// Sends `state` to whoever waits for it; if nobody does, nothing happens, and if he does not hear it, nobody else cares.
pub(crate) fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| match path.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state.as_bytes(), &address)
        }
        _ => socket.send_to(state.as_bytes(), &path),
    });
    if let Err(error) = sent {
        log::warn!("systemd cannot be told {state:?} at {}: {error}", path.display());
    }
}
