//! Trying all addresses of a ticket at once.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::TransferError;

/// What connects first, within a limit. When nothing does: that somebody else answers before that nobody does.
pub(super) async fn first_that_answers<T, F>(
    addresses: &[SocketAddr],
    limit: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, TransferError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, TransferError>> + Send + 'static,
{
    let mut tries = JoinSet::new();
    for address in addresses {
        tries.spawn(connect(*address));
    }
    let mut failures = Vec::new();
    let all = async {
        while let Some(result) = tries.join_next().await {
            match result {
                Ok(Ok(connected)) => return Some(connected),
                Ok(Err(error @ TransferError::Untrusted { .. })) => failures.insert(0, error),
                Ok(Err(error)) => failures.push(error),
                Err(error) => failures.push(TransferError::cut(error)),
            }
        }
        None
    };
    let timed_out = match timeout(limit, all).await {
        Ok(Some(connected)) => return Ok(connected),
        Ok(None) => false,
        Err(_) => true,
    };
    if matches!(failures.first(), Some(TransferError::Untrusted { .. })) {
        return Err(failures.swap_remove(0));
    }
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let shown = shown.join(", ");
    let why = match failures.first() {
        Some(error) if !timed_out => format!("{shown}: {error}"),
        _ => format!("no answer within {:.1} s from {shown}", limit.as_secs_f32()),
    };
    Err(TransferError::Unreachable { why })
}
