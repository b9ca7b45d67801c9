//! Which servers hold which slot.
//!
//! Rendezvous hashing (Thaler and Ravishankar, 1998): every server draws a weight for every slot from a hash of its
//! address and the slot's number, and the k heaviest hold the slot. A server more or less moves only the slots that it
//! wins or loses. The hash is XXH3 with seed 0 over the address as text, so any broker, today or in a later release,
//! computes the same table from the same list in any order.

use crate::record::{SLOT_COUNT, Slot};
use std::net::SocketAddr;
use xxhash_rust::xxh3::xxh3_64;

/// The replicas of every slot.
#[derive(Clone, Debug)]
pub struct Placement {
    servers: Vec<SocketAddr>,
    replicas: usize,
    /// `replicas` server indexes a slot, heaviest first.
    table: Vec<u16>,
    /// The distinct sets of servers that hold some slot, each in order.
    sets: Vec<Vec<u16>>,
}

impl Placement {
    /// Places `replicas` copies of every slot on `servers`, whose order does not matter.
    ///
    /// # Panics
    /// If there is no server, or `replicas` is not in `1..=servers`.
    pub fn new(servers: &[SocketAddr], replicas: usize) -> Placement {
        let mut servers = servers.to_vec();
        servers.sort_unstable();
        servers.dedup();
        assert!((1..=servers.len()).contains(&replicas), "{replicas} replicas on {} servers", servers.len());
        let names: Vec<String> = servers.iter().map(SocketAddr::to_string).collect();
        let mut table = Vec::with_capacity(SLOT_COUNT * replicas);
        let mut sets: Vec<Vec<u16>> = Vec::new();
        let mut weighed: Vec<(u64, u16)> = Vec::with_capacity(servers.len());
        let mut set = Vec::with_capacity(replicas);
        let mut text = Vec::new();
        for slot in Slot::all() {
            weighed.clear();
            weighed.extend((0u16..).zip(&names).map(|(index, name)| (weight(name, slot, &mut text), index)));
            weighed.sort_unstable_by(|a, b| b.cmp(a));
            set.clear();
            set.extend(weighed[..replicas].iter().map(|&(_, index)| index));
            table.extend_from_slice(&set);
            set.sort_unstable();
            if let Err(place) = sets.binary_search(&set) {
                sets.insert(place, set.clone());
            }
        }
        Placement { servers, replicas, table, sets }
    }

    /// The servers in the order in which they are numbered.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Copies of each slot.
    pub fn replica_count(&self) -> usize {
        self.replicas
    }

    /// The servers that hold `slot`, heaviest first.
    pub fn replicas(&self, slot: Slot) -> &[u16] {
        &self.table[slot.index() * self.replicas..][..self.replicas]
    }

    /// The distinct sets of servers that hold some slot.
    pub fn sets(&self) -> &[Vec<u16>] {
        &self.sets
    }

    /// A number that is the same for two brokers only if they have the same servers and the same k.
    pub fn cluster_hash(&self) -> u64 {
        let names: Vec<String> = self.servers.iter().map(SocketAddr::to_string).collect();
        xxh3_64(format!("{}/{}", names.join(" "), self.replicas).as_bytes())
    }
}

/// `text` is scratch.
fn weight(server: &str, slot: Slot, text: &mut Vec<u8>) -> u64 {
    text.clear();
    text.extend_from_slice(server.as_bytes());
    text.extend_from_slice(&(slot.index() as u16).to_be_bytes());
    xxh3_64(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(count: u16) -> Vec<SocketAddr> {
        (0..count).map(|i| SocketAddr::from(([127, 0, 0, 1], 9_000 + i))).collect()
    }

    #[test]
    fn every_slot_has_k_different_servers_evenly() {
        let placement = Placement::new(&servers(5), 3);
        let mut held = [0; 5];
        for slot in Slot::all() {
            let replicas = placement.replicas(slot);
            let mut set = replicas.to_vec();
            set.sort_unstable();
            set.dedup();
            assert_eq!(set.len(), 3);
            replicas.iter().for_each(|&server| held[server as usize] += 1);
        }
        let fair = SLOT_COUNT * 3 / 5;
        assert!(held.iter().all(|&count| count > fair * 9 / 10 && count < fair * 11 / 10), "{held:?}");
        assert_eq!(placement.sets().len(), 10, "5 over 3");
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let mut reversed = servers(4);
        reversed.reverse();
        let (a, b) = (Placement::new(&servers(4), 2), Placement::new(&reversed, 2));
        assert!(Slot::all().all(|slot| a.replicas(slot) == b.replicas(slot)));
        assert_eq!(a.cluster_hash(), b.cluster_hash());
        assert_ne!(a.cluster_hash(), Placement::new(&servers(4), 3).cluster_hash());
        assert_ne!(a.cluster_hash(), Placement::new(&servers(5), 2).cluster_hash());
    }

    #[test]
    fn one_server_more_moves_only_what_it_wins() {
        let (before, after) = (Placement::new(&servers(4), 2), Placement::new(&servers(5), 2));
        for slot in Slot::all() {
            let lost = before.replicas(slot).iter().filter(|s| !after.replicas(slot).contains(s)).count();
            assert_eq!(lost, usize::from(after.replicas(slot).contains(&4)));
        }
    }

    #[test]
    fn the_table_is_stable_across_releases() {
        let placement = Placement::new(&servers(3), 2);
        let first: Vec<u16> = (0..6).flat_map(|slot| placement.replicas(Slot::new(slot)).to_vec()).collect();
        assert_eq!(first, STABLE, "the placement of existing clusters must never change");
    }

    const STABLE: [u16; 12] = [0, 1, 2, 1, 2, 1, 2, 0, 1, 0, 0, 1];
}
