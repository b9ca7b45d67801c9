//! SETBIT and GETBIT: a string as a row of bits, the highest of each byte first.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use crate::proto::command::CommandId;
use crate::proto::resp::{Writer, parse_integer};

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Setbit, Handler::Reply(Server::setbit)),
    (CommandId::Getbit, Handler::Reply(Server::getbit)),
];

impl Server {
    fn setbit(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (byte, mask) = place(call.arg(2), self.config.settings.limits.bulk_bytes)?;
        let on = match call.arg(3) {
            b"0" => false,
            b"1" => true,
            _ => return Err(CommandError::BitValue),
        };
        let before = self.edit_text(call.arg(1), |text| {
            if text.len() <= byte {
                text.resize(byte + 1, 0);
            }
            let before = text[byte] & mask != 0;
            text[byte] = if on { text[byte] | mask } else { text[byte] & !mask };
            Ok(before)
        })?;
        out.int(before.into());
        Ok(())
    }

    fn getbit(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let (byte, mask) = place(call.arg(2), self.config.settings.limits.bulk_bytes)?;
        let text = self.text_of(call.arg(1))?;
        let found = text.is_some();
        let mut start = 0;
        let bit = text.is_some_and(|text| {
            text.chunks().any(|chunk| {
                let value = byte.checked_sub(start).and_then(|at| chunk.get(at));
                start += chunk.len();
                value.is_some_and(|value| value & mask != 0)
            })
        });
        self.stats.looked_up(found);
        out.int(bit.into());
        Ok(())
    }
}

/// The byte of a bit, of at most `most`, and its mask there.
fn place(text: &[u8], most: usize) -> Result<(usize, u8), CommandError> {
    let offset = parse_integer(text).and_then(|offset| usize::try_from(offset).ok());
    let offset = offset.filter(|offset| offset / 8 < most).ok_or(CommandError::BitOffset)?;
    Ok((offset / 8, 0x80 >> (offset % 8)))
}
