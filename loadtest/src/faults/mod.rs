//! What is done to servers while the load goes on, and when.
//!
//! ```text
//!  --fault "10s kill -STOP 4711 for 2s"      10 s: SIGSTOP to process 4711, 12 s: SIGCONT
//!  --fault "20s kill -KILL server"           20 s: SIGKILL to the kv-server that --start-server started
//!  --fault "22s start server"                22 s: it is started again, at the same port
//! ```
//! No shell is asked: a line is one of these forms, or refused. Times count from the beginning of the measurement.

pub(crate) mod server;

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use server::OwnServer;

use crate::load::schedule::parse_seconds;
use crate::truth::tally::Nanos;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Victim {
    Process(u32),
    Server,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Action {
    Kill(Signal, Victim),
    Start,
}

/// One step of a script.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Fault {
    seconds: f64,
    action: Action,
    text: String,
}

/// A fault that was done, or could not be.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Struck {
    /// Nanoseconds from the beginning of the measurement.
    pub(crate) at: Nanos,
    pub(crate) text: String,
    pub(crate) error: Option<String>,
}

const SIGNALS: [(&str, Signal); 9] = [
    ("STOP", Signal::STOP),
    ("CONT", Signal::CONT),
    ("KILL", Signal::KILL),
    ("TERM", Signal::TERM),
    ("INT", Signal::INT),
    ("HUP", Signal::HUP),
    ("QUIT", Signal::QUIT),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

impl Fault {
    /// Reads a line of a script: one step, or two where it says for how long.
    pub(crate) fn parse(text: &str) -> Result<Vec<Fault>, String> {
        let form = "expected 'TIME kill [-SIGNAL] PID|server [for TIME]' or 'TIME start server'";
        let wrong = |what: &str| format!("--fault {text:?}: {what}");
        let words: Vec<&str> = text.split_whitespace().collect();
        let time = |word: &str| parse_seconds(word).map_err(|error| wrong(&error));
        let (&at, rest) = words.split_first().ok_or_else(|| wrong(form))?;
        let seconds = time(at)?;
        let said = |words: &[&str]| words.join(" ");
        if rest == ["start", "server"] {
            return Ok(vec![Fault { seconds, action: Action::Start, text: said(rest) }]);
        }
        let (&first, rest) = rest.split_first().ok_or_else(|| wrong(form))?;
        if first != "kill" {
            return Err(wrong(form));
        }
        let (signal, rest) = match rest.split_first() {
            Some((word, rest)) if word.starts_with('-') => {
                (signal_of(&word[1..]).map_err(|e| wrong(&e))?, rest)
            }
            _ => (Signal::TERM, rest),
        };
        let (&victim, rest) = rest.split_first().ok_or_else(|| wrong(form))?;
        let target = match victim {
            "server" => Victim::Server,
            _ => match victim.parse::<i32>() {
                // Other numbers than a process' own mean whole groups of them.
                Ok(pid) if pid > 1 => Victim::Process(pid as u32),
                _ => return Err(wrong(&format!("{victim} is no process: a number above 1, or server"))),
            },
        };
        let name = SIGNALS.iter().find(|(_, known)| *known == signal).map_or("TERM", |(name, _)| name);
        let fault = |seconds, signal, name: &str| Fault {
            seconds,
            action: Action::Kill(signal, target),
            text: format!("kill -{name} {victim}"),
        };
        match rest {
            [] => Ok(vec![fault(seconds, signal, name)]),
            ["for", long] if signal == Signal::STOP => {
                let end = seconds + time(long)?;
                Ok(vec![fault(seconds, signal, name), fault(end, Signal::CONT, "CONT")])
            }
            ["for", _] => Err(wrong("only -STOP has an end")),
            _ => Err(wrong(form)),
        }
    }

    pub(crate) fn needs_server(&self) -> bool {
        matches!(self.action, Action::Start | Action::Kill(_, Victim::Server))
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Whether its process is there, as far as that can be said before.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Action::Kill(_, Victim::Process(pid)) = self.action else { return Ok(()) };
        let target = process(pid)?;
        test_kill_process(target).map_err(|error| format!("--fault: process {pid}: {error}"))
    }
}

fn signal_of(name: &str) -> Result<Signal, String> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let numbered = name.parse::<i32>().ok();
    let known = SIGNALS
        .iter()
        .find(|(known, signal)| *known == name || numbered == Some(signal.as_raw()))
        .map(|(_, signal)| *signal);
    known.ok_or_else(|| {
        let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
        format!("-{name} is none of the signals {}", names.join(", "))
    })
}

fn process(pid: u32) -> Result<Pid, String> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| format!("{pid} is no process"))
}

/// The script of a run, and the server that was started for it.
#[derive(Debug)]
pub(crate) struct Faults {
    script: Vec<Fault>,
    next: usize,
    struck: Vec<Struck>,
    pub(crate) server: Option<OwnServer>,
    /// Processes that stand still because of us, to be set going again whatever happens.
    stopped: Vec<u32>,
}

impl Faults {
    pub(crate) fn new(mut script: Vec<Fault>, server: Option<OwnServer>) -> Faults {
        script.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        Faults { script, next: 0, struck: Vec::new(), server, stopped: Vec::new() }
    }

    /// A run begins, and the script with it.
    pub(crate) fn begin(&mut self) {
        (self.next, self.struck) = (0, Vec::new());
    }

    /// When the next one is due, in nanoseconds from the beginning of the measurement.
    pub(crate) fn next_at(&self) -> Option<Nanos> {
        // Rounded up: looked at then, it is due.
        self.script.get(self.next).map(|fault| (fault.seconds * 1e9).ceil() as Nanos)
    }

    /// Does what is due `since` nanoseconds after the beginning of the measurement.
    pub(crate) fn strike(&mut self, since: Nanos) {
        let begun = Instant::now();
        while let Some(fault) =
            self.script.get(self.next).filter(|fault| fault.seconds * 1e9 <= since as f64).cloned()
        {
            self.next += 1;
            let at = since + begun.elapsed().as_nanos() as Nanos;
            let error = self.act(fault.action).err();
            self.struck.push(Struck { at, text: fault.text, error });
        }
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        let (signal, pid) = match action {
            Action::Start => {
                return self.server.as_mut().ok_or("no server was started")?.start_again();
            }
            Action::Kill(signal, Victim::Process(pid)) => (signal, pid),
            Action::Kill(signal, Victim::Server) => {
                (signal, self.server.as_ref().ok_or("no server was started")?.pid())
            }
        };
        kill_process(process(pid)?, signal).map_err(|error| error.to_string())?;
        if signal == Signal::STOP {
            self.stopped.push(pid);
        } else {
            self.stopped.retain(|&other| other != pid);
        }
        Ok(())
    }

    /// What was done since the beginning of the run. What it left standing is set going again.
    pub(crate) fn struck(&mut self) -> Vec<Struck> {
        self.set_going();
        std::mem::take(&mut self.struck)
    }

    fn set_going(&mut self) {
        for pid in self.stopped.drain(..) {
            if let Ok(pid) = process(pid) {
                let _ = kill_process(pid, Signal::CONT);
            }
        }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.set_going();
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn scripts_are_read_and_nonsense_is_refused_with_a_reason() {
        let stop = Fault::parse("10s kill -STOP 4711 for 500ms").unwrap();
        let told: Vec<(f64, &str)> = stop.iter().map(|fault| (fault.seconds, fault.text.as_str())).collect();
        assert_eq!(told, [(10.0, "kill -STOP 4711"), (10.5, "kill -CONT 4711")]);
        let kill = &Fault::parse("1 kill -9 server").unwrap()[0];
        assert_eq!((kill.action, kill.needs_server()), (Action::Kill(Signal::KILL, Victim::Server), true));
        assert_eq!(Fault::parse("0 kill -sigterm 5").unwrap(), Fault::parse("0s kill 5").unwrap());
        assert!(Fault::parse("3s start server").unwrap()[0].needs_server());
        for (text, reason) in [
            ("", "expected"),
            ("10s", "expected"),
            ("10s reboot 5", "expected"),
            ("10s kill", "expected"),
            ("x kill 5", "not a number of seconds"),
            ("1s kill -FOO 5", "none of the signals"),
            ("1s kill -STOP 0", "no process"),
            ("1s kill -STOP 1", "no process"),
            ("1s kill -STOP -5", "no process"),
            ("1s kill -STOP 5 6", "expected"),
            ("1s kill -KILL 5 for 2s", "only -STOP"),
            ("1s kill -STOP 5; rm -r x", "no process"),
            ("1s kill -STOP 5 ; rm -r x", "expected"),
        ] {
            let error = Fault::parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn faults_strike_in_order_when_they_are_due() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let pid = child.id();
        let script = [format!("2s kill -KILL {pid}"), format!("1s kill -STOP {pid}")];
        let script: Vec<Fault> = script.iter().flat_map(|line| Fault::parse(line).unwrap()).collect();
        script.iter().for_each(|fault| fault.check().unwrap());
        let mut faults = Faults::new(script, None);
        faults.begin();
        faults.strike(999_999_999);
        assert!(faults.struck.is_empty());
        faults.strike(1_000_000_000);
        assert_eq!(faults.stopped, [pid]);
        faults.strike(9_000_000_000);
        let texts: Vec<String> = faults.struck().into_iter().map(|struck| struck.text).collect();
        assert_eq!(texts, [format!("kill -STOP {pid}"), format!("kill -KILL {pid}")]);
        assert!(!child.wait().unwrap().success());
        let gone = Fault::parse("0s kill server").unwrap();
        let mut faults = Faults::new(gone, None);
        faults.strike(0);
        assert_eq!(faults.struck()[0].error.as_deref(), Some("no server was started"));
    }
}
