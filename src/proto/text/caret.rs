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

/// The line, a caret under the byte at `offset`, and the message, as three lines without a last newline.
///
/// Of a long line the part around the place is shown. Tabs become single blanks, other control characters and bytes
/// that are not UTF-8 `\xNN`; the caret allows for characters two columns wide and for those without width.
pub fn render_caret(line: &[u8], offset: usize, message: &str) -> String {
    let cells = cells(line);
    let place = cells.iter().rposition(|cell| cell.offset <= offset).unwrap_or(0);
    let place = if offset >= line.len() { cells.len() } else { place };
    let start = place - fitting(cells[..place].iter().rev(), COLUMNS_BEFORE);
    let end = place + fitting(cells[place..].iter(), COLUMNS_AFTER);
    let mut out = String::new();
    let mut column = 0;
    if start > 0 {
        out.push_str("… ");
        column = 2;
    }
    for cell in &cells[start..end] {
        out.push_str(&cell.shown);
    }
    if end < cells.len() {
        out.push_str(" …");
    }
    column += cells[start..place].iter().map(|cell| cell.columns).sum::<usize>();
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', column));
    out.push_str("^\n");
    out.push_str(message);
    out
}

/// One character as it is shown.
struct Cell {
    /// Its first byte in the line.
    offset: usize,
    shown: String,
    columns: usize,
}

/// How many of the cells, together, take at most `columns`.
fn fitting<'c>(cells: impl Iterator<Item = &'c Cell>, columns: usize) -> usize {
    let mut used = 0;
    cells
        .take_while(|cell| {
            used += cell.columns;
            used <= columns
        })
        .count()
}

fn cells(line: &[u8]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut offset = 0;
    let mut push = |len: usize, shown: String, columns: usize| {
        cells.push(Cell { offset, shown, columns });
        offset += len;
    };
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' => push(1, " ".into(), 1),
                control if control.is_ascii_control() => push(1, format!("\\x{:02x}", control as u32), 4),
                shown => push(shown.len_utf8(), shown.into(), columns(shown)),
            }
        }
        for &byte in chunk.invalid() {
            push(1, format!("\\x{byte:02x}"), 4);
        }
    }
    cells
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
