//! EXPIRE, TTL and their like, and times to live in options of other commands.

use super::Server;
use super::dispatch::{Call, Outcome};
use super::edits::integer;
use super::error::CommandError;
use super::handlers::{Handler, Handlers};
use crate::proto::command::CommandId;
use crate::proto::resp::Writer;

pub(super) const HANDLERS: Handlers = &[
    (CommandId::Expire, Handler::Reply(Server::expire_at)),
    (CommandId::Pexpire, Handler::Reply(Server::expire_at)),
    (CommandId::Expireat, Handler::Reply(Server::expire_at)),
    (CommandId::Pexpireat, Handler::Reply(Server::expire_at)),
    (CommandId::Ttl, Handler::Reply(Server::ttl)),
    (CommandId::Pttl, Handler::Reply(Server::ttl)),
    (CommandId::Expiretime, Handler::Reply(Server::ttl)),
    (CommandId::Pexpiretime, Handler::Reply(Server::ttl)),
    (CommandId::Persist, Handler::Reply(Server::persist)),
];

/// A time to live, as EX, PX, EXAT or PXAT says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Expire<'b> {
    pub(super) value: &'b [u8],
    /// Not milliseconds.
    pub(super) seconds: bool,
    /// Counted from 1970 and not from now.
    pub(super) absolute: bool,
}

impl<'b> Expire<'b> {
    /// By the option's name; `None` if there is no such option.
    pub(super) fn named(name: &[u8], value: &'b [u8]) -> Option<Expire<'b>> {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        let (seconds, absolute) = match () {
            () if is("EX") => (true, false),
            () if is("PX") => (false, false),
            () if is("EXAT") => (true, true),
            () if is("PXAT") => (false, true),
            () => return None,
        };
        Some(Expire { value, seconds, absolute })
    }

    /// When that is, in milliseconds since 1970. Redis' `getExpireMillisecondsOrReply`.
    pub(super) fn at_ms(self, command: &'static str, now_ms: u64) -> Result<u64, CommandError> {
        let invalid = CommandError::InvalidExpire(command);
        let value = integer(self.value)?;
        if value <= 0 || (self.seconds && value > i64::MAX / 1_000) {
            return Err(invalid);
        }
        let millis = if self.seconds { value * 1_000 } else { value };
        let base = if self.absolute { 0 } else { now_ms as i64 };
        millis.checked_add(base).map(|at_ms| at_ms as u64).ok_or(invalid)
    }
}

/// When EXPIRE does what it is asked for.
#[derive(Clone, Copy, Default)]
struct Conditions {
    no_expiry: bool,
    has_expiry: bool,
    later: bool,
    earlier: bool,
}

impl Conditions {
    /// Redis' `parseExtendedExpireArgumentsOrReply`.
    fn parse(call: Call<'_>) -> Result<Conditions, CommandError> {
        let mut conditions = Conditions::default();
        for index in 3..call.len() {
            match () {
                () if call.is(index, "NX") => conditions.no_expiry = true,
                () if call.is(index, "XX") => conditions.has_expiry = true,
                () if call.is(index, "GT") => conditions.later = true,
                () if call.is(index, "LT") => conditions.earlier = true,
                () => return Err(CommandError::UnsupportedOption(call.arg(index).into())),
            }
        }
        let Conditions { no_expiry, has_expiry, later, earlier } = conditions;
        match () {
            () if no_expiry && (has_expiry || later || earlier) => Err(CommandError::ExpireConditions),
            () if later && earlier => Err(CommandError::ExpireLaterEarlier),
            () => Ok(conditions),
        }
    }

    /// Whether an expiry at `at_ms` is to take the place of `before`; none is later than any.
    fn allow(self, at_ms: i64, before: Option<u64>) -> bool {
        let before = before.map(|before| before as i64);
        !((self.no_expiry && before.is_some())
            || (self.has_expiry && before.is_none())
            || (self.later && before.is_none_or(|before| at_ms <= before))
            || (self.earlier && before.is_some_and(|before| at_ms >= before)))
    }
}

impl Server {
    /// EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT.
    fn expire_at(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let conditions = Conditions::parse(call)?;
        let seconds = matches!(call.command.id, CommandId::Expire | CommandId::Expireat);
        let relative = matches!(call.command.id, CommandId::Expire | CommandId::Pexpire);
        let invalid = || CommandError::InvalidExpire(call.command.full_name);
        let value = integer(call.arg(2))?;
        let millis = if seconds { value.checked_mul(1_000).ok_or_else(invalid)? } else { value };
        let base = if relative { call.now.unix_ms as i64 } else { 0 };
        let at_ms = millis.checked_add(base).ok_or_else(invalid)?;
        let key = call.arg(1);
        let before = self.live(key).map(|record| record.expires_at_ms());
        let done = before.is_some_and(|before| conditions.allow(at_ms, before));
        if done && at_ms <= call.now.unix_ms as i64 {
            self.delete_record(key);
        } else if done {
            self.set_expiry(key, Some(at_ms as u64))?;
        }
        out.int(done.into());
        Ok(())
    }

    /// TTL, PTTL, EXPIRETIME, PEXPIRETIME: -2 for no record, -1 for no expiry.
    fn ttl(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let found = self.live(call.arg(1)).map(|record| record.expires_at_ms());
        let value = match found {
            None => -2,
            Some(None) => -1,
            Some(Some(at_ms)) => {
                let relative = matches!(call.command.id, CommandId::Ttl | CommandId::Pttl);
                let seconds = matches!(call.command.id, CommandId::Ttl | CommandId::Expiretime);
                let millis = if relative { at_ms.saturating_sub(call.now.unix_ms) } else { at_ms };
                (if seconds { millis.saturating_add(500) / 1_000 } else { millis }) as i64
            }
        };
        self.stats.looked_up(found.is_some());
        out.int(value);
        Ok(())
    }

    fn persist(&mut self, call: Call<'_>, out: &mut Writer<'_>) -> Outcome {
        let expires = self.live(call.arg(1)).is_some_and(|record| record.expires_at_ms().is_some());
        if expires {
            self.set_expiry(call.arg(1), None)?;
        }
        out.int(expires.into());
        Ok(())
    }
}
