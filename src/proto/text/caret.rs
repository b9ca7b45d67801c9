//! Where a line is wrong, for the console.
//!
//! ```text
//!   … "address": {"street": "Main"; "number" 12}; "country": "GR"; "iban": …
//!                                            ^
//!   expected ':' after the field name
//! ```

/// Columns shown on each side of the place.
const COLUMNS_BEFORE: usize = 48;
const COLUMNS_AFTER: usize = 28;

/// Bytes looked at on each side of the place: enough for those columns, and little of a line of megabytes.
const BYTES_AROUND: usize = 512;

/// The line, a caret under the byte at `offset`, and the message, as three lines without a last newline.
///
/// Of a long line the part around the place is shown. Tabs become single blanks, other control characters and bytes
/// that are not UTF-8 `\xNN`; the caret allows for characters two columns wide and for those without width.
pub fn render_caret(line: &[u8], offset: usize, message: &str) -> String {
    let offset = character_start(line, offset.min(line.len()));
    let from = character_start(line, offset.saturating_sub(BYTES_AROUND));
    let to = character_start(line, (offset + BYTES_AROUND).min(line.len()));
    let (before, after) = (cells(&line[from..offset]), cells(&line[offset..to]));
    let start = before.len() - fitting(before.iter().rev(), COLUMNS_BEFORE);
    let end = fitting(after.iter(), COLUMNS_AFTER);
    let mut out = String::new();
    let mut column = 0;
    if from > 0 || start > 0 {
        out.push_str("… ");
        column = 2;
    }
    for cell in &before[start..] {
        out.push_str(&cell.shown);
        column += cell.columns;
    }
    out.extend(after[..end].iter().map(|cell| cell.shown.as_str()));
    if to < line.len() || end < after.len() {
        out.push_str(" …");
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', column));
    out.push_str("^\n");
    out.push_str(message);
    out
}

/// Where the character begins that the byte at `at` belongs to; `at` itself if that is no UTF-8.
fn character_start(line: &[u8], at: usize) -> usize {
    let start = (at.saturating_sub(3)..at).rfind(|&start| line[start] & 0xC0 != 0x80);
    match start {
        Some(start) if line.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) => {
            let character = &line[start..line.len().min(start + 4)];
            let valid = character.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            if valid.chars().next().is_some_and(|first| start + first.len_utf8() > at) { start } else { at }
        }
        _ => at,
    }
}

/// One character as it is shown.
struct Cell {
    shown: String,
    columns: usize,
}

/// How many of the cells, together, take at most `columns`.
fn fitting<'c>(cells: impl Iterator<Item = &'c Cell>, columns: usize) -> usize {
    let mut used = 0;
    let fits = |cell: &&Cell| {
        used += cell.columns;
        used <= columns
    };
    cells.take_while(fits).count()
}

fn cells(bytes: &[u8]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for chunk in bytes.utf8_chunks() {
        cells.extend(chunk.valid().chars().map(|character| match character {
            '\t' => Cell { shown: " ".into(), columns: 1 },
            control if control.is_ascii_control() => escaped(control as u8),
            shown => Cell { shown: shown.into(), columns: columns(shown) },
        }));
        cells.extend(chunk.invalid().iter().map(|&byte| escaped(byte)));
    }
    cells
}

fn escaped(byte: u8) -> Cell {
    Cell { shown: format!("\\x{byte:02x}"), columns: 4 }
}

/// How many columns of a terminal a character takes. The ranges are those of Unicode's EastAsianWidth.txt (W and F)
/// and of the combining marks in common use, rounded to whole blocks.
fn columns(character: char) -> usize {
    match character as u32 {
        0x0300..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05BD | 0x064B..=0x065F => 0,
        0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x200B..=0x200F | 0x20D0..=0x20FF => 0,
        0xFE00..=0xFE0F | 0xFE20..=0xFE2F | 0xFEFF | 0xE0100..=0xE01EF => 0,
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xA960..=0xA97F | 0xAC00..=0xD7A3 => 2,
        0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 => 2,
        0x1F300..=0x1F64F | 0x1F680..=0x1F6FF | 0x1F900..=0x1F9FF | 0x1FA70..=0x1FAFF => 2,
        0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}
