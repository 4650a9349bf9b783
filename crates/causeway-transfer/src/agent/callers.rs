//! Callers over TCP: connections from one address are one caller, and share what it may make the agent hold.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Agent, MAX_CALLERS, Peer, http, lane};
use crate::carrier::tcp::{Listener, Speaks};
use crate::protocol::message::Token;

/// Connections of one caller: two whole sessions, since one that comes back after a cut opens the new one before the agent
/// knows that the old one is dead.
const MAX_CONNECTIONS: usize = 128;
/// After a failure to accept, which is one of this host (no file descriptor is left).
const PAUSE: Duration = Duration::from_millis(100);

/// Who is connected. All callers hold the same token, so that the address tells one from another.
#[derive(Default)]
struct Callers(Mutex<HashMap<IpAddr, Caller>>);

struct Caller {
    peer: Peer,
    connections: usize,
}

/// A place for one connection.
struct Admitted {
    callers: Arc<Callers>,
    address: IpAddr,
    peer: Peer,
}

/// The address that counts: of IPv6 the network of 64 bits, which one host owns whole.
fn caller_of(address: SocketAddr) -> IpAddr {
    match address.ip().to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Callers {
    fn admit(self: &Arc<Self>, address: SocketAddr) -> Option<Admitted> {
        let address = caller_of(address);
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(&address) {
            return None;
        }
        let caller = callers.entry(address).or_insert_with(|| Caller {
            peer: Peer::new(None),
            connections: 0,
        });
        if caller.connections >= MAX_CONNECTIONS {
            return None;
        }
        caller.connections += 1;
        Some(Admitted {
            callers: Arc::clone(self),
            address,
            peer: caller.peer.clone(),
        })
    }
}

impl Admitted {
    /// What this connection shares with the caller's others, and the count of its own.
    fn peer(&self, sent: Arc<AtomicU64>) -> Peer {
        self.peer.with_count(sent)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut callers = self
            .callers
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = callers.get_mut(&self.address) {
            caller.connections -= 1;
            if caller.connections == 0 {
                callers.remove(&self.address);
            }
        }
    }
}

/// Serves whoever connects with TCP.
pub(super) async fn listen(agent: Arc<Agent>, listener: Listener, token: Token) {
    let callers = Arc::<Callers>::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, address)) = accepted else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                let Some(admitted) = callers.admit(address) else { continue };
                let (agent, greeter) = (Arc::clone(&agent), listener.greeter());
                connections.spawn(async move {
                    let Some((speaks, sent)) = greeter.shake(socket).await else { return };
                    let peer = admitted.peer(sent);
                    match speaks {
                        Speaks::Lane(lane) => {
                            lane::serve(agent, lane, Some(token), peer).await;
                        }
                        Speaks::Http(stream) => http::serve(agent, *stream, token, peer).await,
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::lane::reserve;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn all_connections_of_a_caller_share_one_budget() {
        let callers = Arc::<Callers>::default();
        let one = callers.admit(at("192.0.2.1:1000")).unwrap();
        let two = callers.admit(at("192.0.2.1:1001")).unwrap();
        let other = callers.admit(at("192.0.2.2:1000")).unwrap();
        let all = super::super::BUDGET_KIB << 10;
        let taken = reserve(&one.peer(Arc::default()).bytes, all).await.unwrap();
        let (of_two, of_other) = (two.peer(Arc::default()), other.peer(Arc::default()));
        assert_eq!(of_two.bytes.available_permits(), 0);
        assert_eq!(of_other.bytes.available_permits(), super::super::BUDGET_KIB);
        drop(taken);
        assert_eq!(of_two.bytes.available_permits(), super::super::BUDGET_KIB);
        let turns = one.peer(Arc::default()).requests;
        let _turn = turns.try_acquire().unwrap();
        assert_eq!(
            of_two.requests.available_permits(),
            super::super::MAX_OPEN - 1
        );
    }

    #[test]
    fn a_caller_has_so_many_connections_and_the_agent_so_many_callers() {
        let callers = Arc::<Callers>::default();
        let mut held: Vec<_> = (0..MAX_CONNECTIONS)
            .map(|_| callers.admit(at("192.0.2.1:1")).unwrap())
            .collect();
        assert!(callers.admit(at("192.0.2.1:1")).is_none());
        held.pop();
        held.push(callers.admit(at("192.0.2.1:1")).unwrap());
        for number in 1..MAX_CALLERS {
            held.push(
                callers
                    .admit(at(&format!("198.51.100.{number}:1")))
                    .unwrap(),
            );
        }
        assert!(callers.admit(at("203.0.113.1:1")).is_none());
        drop(held);
        assert!(callers.admit(at("203.0.113.1:1")).is_some());
        assert!(callers.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_host_with_many_addresses_is_one_caller() {
        assert_eq!(
            caller_of(at("[2001:db8::1]:1")),
            caller_of(at("[2001:db8::ffff:2]:9"))
        );
        assert_ne!(
            caller_of(at("[2001:db8::1]:1")),
            caller_of(at("[2001:db8:0:1::1]:1"))
        );
        assert_eq!(
            caller_of(at("[::ffff:192.0.2.1]:1")),
            caller_of(at("192.0.2.1:7"))
        );
    }
}
