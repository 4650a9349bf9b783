//! The thread of a QUIC endpoint: packets are taken together, not one by one.
//!
//! A packet alone costs a wake-up, a system call, and often an acknowledgement of its own; on a link of 300 Mbit/s that was
//! most of what receiving took. So the thread rests a moment before it waits for packets, and finds several. Pacing allows
//! for more than that, and no round trip over a distance notices.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How long the thread of an agent, which sends, rests each time that it has nothing to do.
pub(super) const REST_AGENT: Duration = Duration::from_micros(500);
/// And that of a caller, which receives. At 300 Mbit/s two dozen packets come meanwhile.
pub(super) const REST_CALLER: Duration = Duration::from_millis(1);

/// A runtime on a thread of its own; it ends when this is dropped.
pub(super) struct EndpointThread {
    handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl EndpointThread {
    pub(super) fn start(rest: Duration) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || std::thread::sleep(rest))
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("quic".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    // Nothing is ever sent: the sender is dropped.
                    stopped.await.ok();
                    // What was said last still goes out.
                    tokio::time::sleep(LINGER).await;
                });
            })?;
        Ok(Self {
            handle,
            _stop: stop,
        })
    }

    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// So long a thread outlives its endpoint: a connection that is closed says so.
const LINGER: Duration = Duration::from_millis(50);
