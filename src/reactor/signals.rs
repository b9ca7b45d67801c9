//! Who may ask a reactor to end: the system by a signal, another thread by a handle. And by another signal, to tell its
//! machine that settings are to be read again.

use mio::{Interest, Registry, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a reactor on another thread to shut down, as SIGTERM would.
#[derive(Clone)]
pub struct StopHandle {
    asked: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl StopHandle {
    /// Asks. The reactor's machine says goodbye, what is queued is sent, and `run` returns.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Release);
        // Fails only when the reactor is gone.
        let _ = self.waker.wake();
    }
}

/// Requests to end, from wherever they come.
pub(super) struct Stops {
    asked: Arc<AtomicBool>,
    signals: Option<Signals>,
    /// How often signals came; those that came together count once.
    count: u32,
    /// SIGHUP came.
    reload: bool,
}

impl Stops {
    pub(super) fn new() -> Stops {
        Stops { asked: Arc::default(), signals: None, count: 0, reload: false }
    }

    pub(super) fn handle(&self, waker: &Arc<Waker>) -> StopHandle {
        StopHandle { asked: Arc::clone(&self.asked), waker: Arc::clone(waker) }
    }

    /// From now on SIGTERM and SIGINT do not end the process but ask this reactor to shut down.
    pub(super) fn catch_signals(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// SIGHUP does not end the process either, but is told by [`Stops::take_reload`].
    pub(super) fn catch_reload(&mut self) -> io::Result<()> {
        let signals = self.signals.as_ref().expect("signals are caught before this one is added");
        signals.add_signal(SIGHUP)
    }

    /// Signals came in.
    pub(super) fn note_signals(&mut self) {
        let Some(signals) = &mut self.signals else { return };
        let mut ends = false;
        for signal in signals.pending() {
            match signal {
                SIGHUP => self.reload = true,
                _ => ends = true,
            }
        }
        self.count = self.count.saturating_add(ends.into());
    }

    /// Somebody asked that settings are read again, since this was last asked.
    pub(super) fn take_reload(&mut self) -> bool {
        std::mem::take(&mut self.reload)
    }

    /// Somebody asked for the end.
    pub(super) fn is_asked(&self) -> bool {
        self.count > 0 || self.asked.load(Ordering::Acquire)
    }

    /// Another signal after the first: the person at the terminal does not want to wait.
    pub(super) fn is_pressed(&self) -> bool {
        self.count > 1
    }
}
