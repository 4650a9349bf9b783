//! Measuring a link.

use std::time::Duration;

use causeway_transfer::{CarrierKind, Connector, TicketSource, bench};

use crate::world::World;

const EACH: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_carrier_is_measured_in_both_directions_and_nothing_is_written() {
    let world = World::new();
    let running = crate::quic::start(&world).await;
    let ticket = || TicketSource::File(running.file.clone());
    for (connector, kind) in [
        (Connector::quic(ticket()), CarrierKind::Quic),
        (Connector::tcp(ticket()), CarrierKind::Tcp),
        (world.connector(), CarrierKind::Stream),
    ] {
        let report = bench(&connector, EACH, &*world.env).await.unwrap();
        assert_eq!(report.carrier, kind);
        assert!(
            report.down.get() > 1e6 && report.up.get() > 1e6,
            "{report:?}"
        );
        assert_eq!(
            report.down_loss.is_some(),
            kind == CarrierKind::Quic,
            "{report:?}"
        );
        assert_eq!(report.up_loss.is_some(), kind == CarrierKind::Quic);
    }
    assert_eq!(fs_err::read_dir(world.site()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_that_of_the_link() {
    let world = World::new();
    let connector = world.connector().with_limit("8Mbit/s".parse().unwrap());
    let each = Duration::from_secs(4);
    let report = bench(&connector, each, &*world.env).await.unwrap();
    for rate in [report.down.get(), report.up.get()] {
        assert!((7e6..9e6).contains(&rate), "{report:?}");
    }
}
