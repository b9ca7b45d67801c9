//! The console of a person at a terminal: a line editor on a thread of its own, between a screen and two feeds.
//!
//! ```text
//!   keys ──► editor ──► lines ──► feed "lines" ──► machine
//!              │ ▲ Tab                               │
//!              │ └── feed "words" ◄── candidates ────┤
//!   screen ◄───┴──────── answer, up to its mark ─────┤     then the next prompt
//!   screen ◄──────────── feed "notes" ───────────────┘     above the prompt, whenever they come
//! ```

mod helper;
mod text;

use super::feed::{FeedHandle, FeedReceiver};
use helper::Helper;
use indicatif::ProgressBar;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor, ExternalPrinter};
use std::env;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PROMPT: &str = "hedgerow> ";
const HISTORY_LINES_MAX: usize = 10_000;

/// What the terminal speaks to.
pub struct Terminal {
    /// Takes lines and gives answers, each with `end_mark` behind it.
    pub lines: FeedHandle,
    /// Takes questions about words (`k` and the beginning of a key, `p` and that of a path) and gives candidates,
    /// one a line, and an empty line.
    pub words: FeedHandle,
    /// Gives what a person should know at any time.
    pub notes: FeedHandle,
    /// Stands behind every answer, and in none.
    pub end_mark: u8,
    /// On the screen while data is loaded; notes must not be written into it.
    pub bar: Option<Bar>,
}

/// A bar that another thread draws.
pub struct Bar {
    /// For those who write beside it.
    pub bar: ProgressBar,
    /// Takes it from the screen; after that nothing is drawn any more.
    pub close: Box<dyn FnOnce() + Send>,
}

/// The terminal as it was before the editor came: restored when this is dropped.
pub struct Restore {
    before: Option<Termios>,
    /// Something stands on the line of the cursor: the prompt, and what was typed.
    prompting: Arc<AtomicBool>,
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // There is nobody to tell that the terminal cannot be restored.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
        if self.prompting.load(Ordering::Acquire) {
            let _ = writeln!(io::stdout());
        }
    }
}

/// Whether somebody sits at both ends: keys come in, and answers go to a screen.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether what goes to standard output may be coloured: a terminal that can, and nobody who objects (NO_COLOR).
pub fn has_colour() -> bool {
    let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|value| value == "dumb");
    io::stdout().is_terminal() && !is_plain && !is_dumb
}

/// Starts the editor. It asks for the first line once an empty line is answered.
pub fn start(terminal: Terminal) -> io::Result<Restore> {
    let before = tcgetattr(io::stdin()).ok();
    let prompting = Arc::new(AtomicBool::new(false));
    let prompts = Arc::clone(&prompting);
    thread::Builder::new().name("terminal".to_owned()).spawn(move || {
        if let Err(error) = run(terminal, &prompts) {
            eprintln!("the line editor failed: {error}");
        }
    })?;
    Ok(Restore { before, prompting })
}

fn run(terminal: Terminal, prompting: &AtomicBool) -> rustyline::Result<()> {
    let Terminal { lines, words, notes, end_mark, bar } = terminal;
    let colour = has_colour();
    let config = Config::builder()
        .max_history_size(HISTORY_LINES_MAX)?
        .history_ignore_dups(true)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .color_mode(if colour { ColorMode::Enabled } else { ColorMode::Disabled })
        .build();
    let mut editor = Editor::<Helper, FileHistory>::with_config(config)?;
    editor.set_helper(Some(Helper::new(words, colour)));
    let (printer, beside) = (editor.create_external_printer()?, bar.as_ref().map(|bar| bar.bar.clone()));
    thread::Builder::new()
        .name("notes".to_owned())
        .spawn(move || show_notes(&notes, printer, beside.as_ref()))?;
    let history = history_path();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    if !answered(&lines, "", end_mark, false) {
        return Ok(());
    }
    if let Some(bar) = bar {
        (bar.close)();
    }
    loop {
        prompting.store(true, Ordering::Release);
        let entered = editor.readline(PROMPT);
        prompting.store(false, Ordering::Release);
        let entered = match entered {
            Ok(entered) => entered,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error),
        };
        if editor.add_history_entry(entered.as_str())?
            && let Some(path) = &history
        {
            // A history that cannot be written is no reason to lose the line.
            let _ = editor.append_history(path);
        }
        for line in text::statements(&entered) {
            if !answered(&lines, &line, end_mark, colour) {
                return Ok(());
            }
        }
    }
    // No more lines; whoever stops listening before the machine is done would be lost to it.
    let FeedHandle { sender, receiver } = lines;
    drop(sender);
    while receiver.recv().is_some() {}
    Ok(())
}

/// Sends one line and shows its answer and the time that it took. False: there is nobody to answer any more.
fn answered(lines: &FeedHandle, line: &str, end_mark: u8, colour: bool) -> bool {
    let begun = now();
    let mut bytes = line.as_bytes().to_vec();
    bytes.push(b'\n');
    if lines.sender.send(bytes).is_err() {
        return false;
    }
    let mut shown = false;
    loop {
        let Some(piece) = lines.receiver.recv() else { return false };
        let end = memchr::memchr(end_mark, &piece);
        let text = &piece[..end.unwrap_or(piece.len())];
        shown |= !text.is_empty();
        show(text);
        if end.is_some() {
            break;
        }
    }
    if shown {
        let time = text::duration(begun.elapsed());
        show(if colour { format!("\x1b[2m({time})\x1b[0m\n") } else { format!("({time})\n") }.as_bytes());
    }
    true
}

/// To the screen; one that is gone ends the process by its signal, not by us.
fn show(text: &[u8]) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text).and_then(|()| stdout.flush());
}

fn show_notes(notes: &FeedHandle, mut printer: impl ExternalPrinter, bar: Option<&ProgressBar>) {
    while let Some(line) = next_line(&notes.receiver) {
        let mut print = || printer.print(line.clone());
        let printed = match bar {
            Some(bar) if !bar.is_finished() => bar.suspend(print),
            _ => print(),
        };
        if printed.is_err() {
            return;
        }
    }
}

/// The next bytes of the notes: the machine writes whole lines.
fn next_line(notes: &FeedReceiver) -> Option<String> {
    notes.recv().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The user's history file; its folder is made. `None`: there is no place for it.
fn history_path() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".local/state")))?;
    let folder = state.join("hedgerow");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

#[expect(clippy::disallowed_methods, reason = "how long an answer took is what is shown")]
fn now() -> Instant {
    Instant::now()
}

/// How long candidates for a word are waited for: longer, and Tab would feel stuck.
const WORDS_PATIENCE: Duration = Duration::from_millis(100);
