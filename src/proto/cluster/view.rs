//! The view: one cluster-wide register that says which server has which place.

use std::fmt;

/// A view's name: the life of the cluster it belongs to, and its number in that life.
///
/// `life` is drawn when a cluster forms its first view. Views of one life are ordered by their number; views of two
/// lives are not comparable, and nobody ever follows from one into the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ViewId {
    /// Random and not 0, except in the blank view.
    pub life: u32,
    /// 1 for a life's first view; 0: blank, no view is known.
    pub number: u32,
}

impl ViewId {
    /// No view is known.
    pub const BLANK: ViewId = ViewId { life: 0, number: 0 };

    /// No view is known.
    pub fn is_blank(self) -> bool {
        self.number == 0
    }

    /// Both name views of one life, and this one is later; or `other` is blank and this one is not.
    pub fn is_newer_than(self, other: ViewId) -> bool {
        (self.life == other.life || other.is_blank()) && self.number > other.number
    }

    /// As one number, for the wire.
    pub fn to_u64(self) -> u64 {
        u64::from(self.life) << 32 | u64::from(self.number)
    }

    /// The reverse of [`ViewId::to_u64`].
    pub fn from_u64(number: u64) -> ViewId {
        ViewId { life: (number >> 32) as u32, number: number as u32 }
    }
}

impl fmt::Debug for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.life, self.number)
    }
}

impl fmt::Display for ViewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a server is in a view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Not served by, not written to.
    Out,
    /// Gets every write, and is being filled.
    Learner,
    /// Holds everything.
    Member,
}

/// A server's place in a view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seat {
    /// Names one memory of the server: drawn anew whenever it starts without what it acknowledged. 0: never heard of.
    pub incarnation: u64,
    /// Its part.
    pub role: Role,
    /// Number of the view in which it last joined.
    pub since: u32,
}

/// The seats of all servers, in the order of the cluster's sorted addresses.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Its name.
    pub id: ViewId,
    /// One seat a server.
    pub seats: Vec<Seat>,
}

impl View {
    /// No view is known.
    pub fn is_blank(&self) -> bool {
        self.id.is_blank()
    }

    /// The servers that get writes and answer reads: members and learners.
    pub fn serving(&self) -> ServerSet {
        self.with(|seat| seat.role != Role::Out)
    }

    /// The servers that hold everything.
    pub fn members(&self) -> ServerSet {
        self.with(|seat| seat.role == Role::Member)
    }

    fn with(&self, wanted: impl Fn(&Seat) -> bool) -> ServerSet {
        let mut set = ServerSet::default();
        self.seats
            .iter()
            .enumerate()
            .filter(|(_, seat)| wanted(seat))
            .for_each(|(index, _)| set.insert(index));
        set
    }

    /// `life.number` then ` incarnation:role:since` a seat, numbers in hexadecimal, roles `o l m`.
    pub fn to_text(&self) -> String {
        use fmt::Write as _;
        let mut text = format!("{:x}.{:x}", self.id.life, self.id.number);
        for seat in &self.seats {
            let role = match seat.role {
                Role::Out => 'o',
                Role::Learner => 'l',
                Role::Member => 'm',
            };
            write!(text, " {:x}:{role}:{:x}", seat.incarnation, seat.since)
                .expect("a String takes everything");
        }
        text
    }

    /// The reverse of [`View::to_text`]; `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<View> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let (life, number) = words.next()?.split_once('.')?;
        let id = ViewId { life: hex(life)?, number: hex(number)? };
        let seats = words
            .map(|word| {
                let mut parts = word.split(':');
                let incarnation = u64::from_str_radix(parts.next()?, 16).ok()?;
                let role = match parts.next()? {
                    "o" => Role::Out,
                    "l" => Role::Learner,
                    "m" => Role::Member,
                    _ => return None,
                };
                let since = hex(parts.next()?)?;
                parts.next().is_none().then_some(Seat { incarnation, role, since })
            })
            .collect::<Option<Vec<Seat>>>()?;
        (seats.len() <= crate::limits::SERVERS_MAX).then_some(View { id, seats })
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

/// A set of servers by their index, as bits.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ServerSet(Vec<u64>);

impl ServerSet {
    /// Adds a server.
    pub fn insert(&mut self, index: usize) {
        let word = index / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 64);
    }

    /// Takes a server out.
    pub fn remove(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }

    /// The server is in the set.
    pub fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// How many servers are in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// No server is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Takes every server out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The servers in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.len() * 64).filter(|&index| self.contains(index))
    }
}

impl FromIterator<usize> for ServerSet {
    fn from_iter<I: IntoIterator<Item = usize>>(servers: I) -> ServerSet {
        let mut set = ServerSet::default();
        servers.into_iter().for_each(|server| set.insert(server));
        set
    }
}

impl fmt::Debug for ServerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_survives_its_text() {
        let seat = |incarnation, role, since| Seat { incarnation, role, since };
        let seats =
            vec![seat(u64::MAX, Role::Member, 1), seat(0, Role::Out, 0), seat(77, Role::Learner, u32::MAX)];
        let view = View { id: ViewId { life: 0xfeed, number: 12 }, seats };
        assert_eq!(view.to_text(), "feed.c ffffffffffffffff:m:1 0:o:0 4d:l:ffffffff");
        assert_eq!(View::parse(view.to_text().as_bytes()), Some(view.clone()));
        assert_eq!(view.members(), ServerSet::from_iter([0]));
        assert_eq!(view.serving(), ServerSet::from_iter([0, 2]));
        for bad in ["", "1", "1.2.3", "1.2 3", "1.2 3:x:1", "1.2 3:m:1:4", "g.1", "1.1 \u{e9}"] {
            assert_eq!(View::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn views_of_two_lives_are_not_comparable() {
        let id = |life, number| ViewId { life, number };
        assert!(id(1, 2).is_newer_than(id(1, 1)) && !id(1, 1).is_newer_than(id(1, 1)));
        assert!(!id(2, 9).is_newer_than(id(1, 1)) && !id(1, 1).is_newer_than(id(2, 9)));
        assert!(id(1, 1).is_newer_than(ViewId::BLANK) && !ViewId::BLANK.is_newer_than(id(1, 1)));
        assert_eq!(ViewId::from_u64(id(7, 9).to_u64()), id(7, 9));
    }
}
