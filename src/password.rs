//! The password of the default user: what a server asks for, and a broker gives.

use std::fmt;
use std::hint::black_box;

/// A password, which nobody sees.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<[u8]>);

impl Password {
    /// `None` if it is empty: as in Redis, that is no password.
    pub fn new(bytes: &[u8]) -> Option<Password> {
        (!bytes.is_empty()).then(|| Password(bytes.into()))
    }

    /// Whether `given` is it. How long this takes tells only how long `given` is.
    pub fn is(&self, given: &[u8]) -> bool {
        let mut differences = u8::from(given.len() != self.0.len());
        let mut place = 0;
        for &byte in given {
            differences |= black_box(byte ^ self.0[place]);
            place = if place + 1 == self.0.len() { 0 } else { place + 1 };
        }
        black_box(differences) == 0
    }
}

impl Password {
    /// Its bytes, to be sent.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn only_the_very_same_bytes_are_it() {
        let password = Password::new(b"sesame").expect("not empty");
        assert!(password.is(b"sesame"));
        for other in [&b""[..], b"s", b"sesam", b"sesames", b"Sesame", b"sesamE", b"sesamesesame"] {
            assert!(!password.is(other), "{other:?}");
        }
        assert_eq!(Password::new(b""), None);
        assert_eq!(format!("{password:?}"), "Password(..)", "it is in no log");
    }
}
