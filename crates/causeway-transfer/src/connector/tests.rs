use tokio::time::{Instant, sleep};

use super::*;
use crate::signature::SignerKey;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[tokio::test]
async fn an_address_of_the_callers_own_survives_a_newer_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let file = Utf8PathBuf::from_path_buf(dir.path().join("ticket.json")).unwrap();
    let there: SocketAddr = "10.0.0.7:4433".parse().unwrap();
    let mine: SocketAddr = "192.0.2.1:9".parse().unwrap();
    let source = TicketSource::FileAt(file.clone(), vec![mine]);
    for token in [[1; 32], [2; 32]] {
        Ticket::new(vec![1], token, SignerKey::new([0; 32]), vec![there])
            .write(&file)
            .unwrap();
        let ticket = source.ticket().await.unwrap();
        assert_eq!(
            (ticket.addresses(), ticket.token()),
            ([mine].as_slice(), token)
        );
    }
    assert!(Connector::quic(source).may_change());
}

/// What connects, or does not, after some time.
async fn after(ms: u64, name: Option<u16>) -> Result<u16, TransferError> {
    sleep(MS(ms)).await;
    name.ok_or_else(|| TransferError::cut(format!("failed after {ms} ms")))
}

/// What won, whether with a reason, and when.
async fn race(
    first: (u64, Option<u16>),
    second: (u64, Option<u16>),
    head_start: u64,
) -> (Option<(u16, bool)>, Duration) {
    let begin = Instant::now();
    let won = prefer(
        after(first.0, first.1),
        after(second.0, second.1),
        MS(head_start),
    )
    .await
    .ok()
    .map(|(name, why)| (name, why.is_some()));
    (won, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_first_wins_when_it_connects_at_all() {
    let one = Some((1, false));
    assert_eq!(
        race((200, Some(1)), (50, Some(2)), 1000).await,
        (one, MS(200))
    );
    assert_eq!(
        race((2400, Some(1)), (50, Some(2)), 1000).await,
        (one, MS(2400))
    );
    assert_eq!(
        race((2400, Some(1)), (50, None), 1000).await,
        (one, MS(2400))
    );
}

#[tokio::test(start_paused = true)]
async fn the_second_is_there_when_the_first_fails() {
    let two = Some((2, true));
    assert_eq!(
        race((2500, None), (400, Some(2)), 1000).await,
        (two, MS(2500))
    );
    assert_eq!(
        race((2500, None), (1900, Some(2)), 1000).await,
        (two, MS(2900))
    );
    // One that fails early is not waited for.
    assert_eq!(
        race((100, None), (400, Some(2)), 1000).await,
        (two, MS(500))
    );
    assert_eq!(
        race((2500, None), (400, None), 1000).await,
        (None, MS(2500))
    );
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_fetched_beside_the_tries() {
    let there = ([127, 0, 0, 1], 1).into();
    let ticket = Ticket::new(vec![1], [7; 32], SignerKey::new([0; 32]), vec![there]);
    let first = Mutex::new(Some(ticket.clone()));
    // The first fetch gives a ticket; later ones hang, as over a link that is cut.
    let connector = Connector::direct(TicketSource::Fetch(Box::new(move || {
        let ticket = first.lock().unwrap().take();
        Box::pin(async {
            match ticket {
                Some(ticket) => Ok(ticket),
                None => std::future::pending().await,
            }
        })
    })));
    let source = connector.ticket.as_ref().unwrap();
    assert_eq!(connector.ticket(source, None).await.unwrap(), ticket);
    for tries in 0..9 {
        let again = Again {
            rtt: MS(100),
            last: CarrierKind::Quic,
            tries,
            is_refused: false,
        };
        let known = connector.ticket(source, Some(again));
        let known = tokio::time::timeout(MS(10), known).await.unwrap().unwrap();
        assert_eq!(known, ticket);
    }
    assert!(connector.fetched().under_way.is_some());
}
