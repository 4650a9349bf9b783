//! UDP sockets with large buffers.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// What is asked for as the size of the sockets' buffers, in bytes; hosts give less.
const BUFFER: usize = 8 << 20;
/// A receive buffer below this, in bytes, loses packets of a fast link while the process does not run: 50 ms at 300 Mbit/s.
const ENOUGH: usize = 2 << 20;

/// A bound socket; text for the user when its receive buffer is small.
pub(super) fn open(address: SocketAddr) -> io::Result<(UdpSocket, Option<String>)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Permitted beyond the host's limit with CAP_NET_ADMIN; else what the limit allows.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let (sending, receiving) = (
        rustix::net::sockopt::set_socket_send_buffer_size_force(&socket, BUFFER).is_ok(),
        rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER).is_ok(),
    );
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let (sending, receiving) = (false, false);
    // Some systems refuse what is too large instead of giving less; a small buffer works, too.
    if !sending {
        socket.set_send_buffer_size(BUFFER).ok();
    }
    if !receiving {
        socket.set_recv_buffer_size(BUFFER).ok();
    }
    socket.bind(&address.into())?;
    let warning = small(received(&socket)?);
    if let Some(warning) = &warning {
        tracing::warn!("{warning}");
    }
    Ok((socket.into(), warning))
}

/// The receive buffer in bytes of data; Linux tells twice what it gives (socket(7)).
fn received(socket: &Socket) -> io::Result<usize> {
    let told = socket.recv_buffer_size()?;
    Ok(if cfg!(target_os = "linux") {
        told / 2
    } else {
        told
    })
}

fn small(buffer: usize) -> Option<String> {
    (buffer < ENOUGH).then(|| {
        format!(
            "the host gives UDP a receive buffer of {} KiB; fast links want {} KiB (net.core.rmem_max on Linux)",
            buffer >> 10,
            ENOUGH >> 10
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_buffer_is_told() {
        assert!(small(208 << 10).is_some_and(|text| text.contains("208 KiB")));
        assert_eq!(small(ENOUGH), None);
    }

    #[test]
    fn a_socket_is_bound_and_warns_by_what_the_host_gave() {
        let (socket, warning) = open(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        assert_ne!(socket.local_addr().unwrap().port(), 0);
        let given = received(&Socket::from(socket)).unwrap();
        assert_eq!(warning.is_some(), given < ENOUGH);
    }
}
