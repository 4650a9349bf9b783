//! Requests to a store: silence is told from a slow line, and what is sent keeps to a limit.
//!
//! reqwest's own timeout for reading runs from the first byte of a request to the first of its answer: a part of 16 MiB that
//! takes a slow line longer than that never gets there. Here silence is that nothing moves.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, Result};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::limit::{Paced, Throttle};

/// So long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);
/// The same for what a machine of a cloud asks for its role: it answers at once, or is not there.
const CONNECT_NEAR: Duration = Duration::from_secs(1);
/// So long nothing may move in either direction.
const SILENCE: Duration = Duration::from_secs(15);
/// So long a store may think about what it got: to put the parts of a large object together takes a while.
const ANSWER: Duration = Duration::from_secs(120);
/// What is sent at once: so often it is seen that something moves.
const PIECE: usize = 64 << 10;

/// Makes clients.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    /// The store itself is spoken to without encryption.
    pub(super) plain: bool,
    /// What is sent pays out of this budget.
    pub(super) throttle: Option<Arc<Throttle>>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let plain = options
            .get_config_value(&ClientConfigKey::AllowHttp)
            .is_some_and(|allowed| allowed == "true");
        let is_near = plain && !self.plain;
        let client = reqwest::Client::builder()
            .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(if is_near { CONNECT_NEAR } else { CONNECT })
            .https_only(!plain)
            .http1_only()
            .build()
            .map_err(|error| object_store::Error::Generic {
                store: "HTTP",
                source: Box::new(error),
            })?;
        Ok(HttpClient::new(Client {
            client,
            throttle: self.throttle.clone(),
            silence: SILENCE,
            answer: ANSWER,
        }))
    }
}

#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    throttle: Option<Arc<Throttle>>,
    silence: Duration,
    answer: Duration,
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string();
        let url = reqwest::Url::parse(&url)
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        let moved = Moved::default();
        let answer = if body.is_empty() {
            self.silence
        } else {
            self.answer
        };
        let sent = Sent::new(body, self.throttle.clone(), moved.clone());
        *request.body_mut() = Some(reqwest::Body::wrap(sent));
        let response = tokio::select! {
            response = self.client.execute(request) => response.map_err(failure)?,
            () = moved.stops(self.silence, answer) => return Err(quiet()),
        };
        let (head, body) = hyper::Response::<reqwest::Body>::from(response).into_parts();
        let body = Answer {
            inner: body,
            silence: self.silence,
            waiting: None,
        };
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

fn quiet() -> HttpError {
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "nothing moves any more");
    HttpError::new(HttpErrorKind::Timeout, error)
}

fn failure(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else if error.is_request() || error.is_body() {
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    };
    // The address is said by whoever tells of it.
    HttpError::new(kind, error.without_url())
}

/// When anything of a request moved last, and whether all of it did.
#[derive(Debug, Clone)]
struct Moved(Arc<Mutex<(Instant, bool)>>);

impl Default for Moved {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), false))))
    }
}

impl Moved {
    fn now(&self, all: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), all);
    }

    /// Returns when nothing moved for so long, and once all of it is sent, for so long after that.
    async fn stops(&self, silence: Duration, answer: Duration) {
        loop {
            let (last, all) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let end = last + if all { answer } else { silence };
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// The body of a request, in pieces.
struct Sent {
    inner: HttpRequestBody,
    /// Of it, what was taken and is not sent.
    here: Bytes,
    left: u64,
    paced: Paced<()>,
    moved: Moved,
}

impl Sent {
    fn new(inner: HttpRequestBody, throttle: Option<Arc<Throttle>>, moved: Moved) -> Self {
        let left = inner.content_length() as u64;
        moved.now(left == 0);
        Self {
            inner,
            here: Bytes::new(),
            left,
            paced: Paced::new((), throttle),
            moved,
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, HttpError>>> {
        // To wait for a turn is not silence: it is this side that holds it up.
        self.moved.now(self.left == 0);
        while self.here.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => self.here = frame.into_data().unwrap_or_default(),
            }
        }
        let turn = ready!(self.paced.poll_turn(context));
        let piece = turn.unwrap_or(PIECE).min(PIECE).min(self.here.len());
        let part = self.here.split_to(piece);
        self.paced.moved(part.len());
        self.left = self.left.saturating_sub(part.len() as u64);
        self.moved.now(self.left == 0);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The body of an answer, which may be silent for so long.
struct Answer {
    inner: reqwest::Body,
    silence: Duration,
    /// Since it was asked for more, and has none.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(failure)));
        }
        let silence = self.silence;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(silence)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Some(Err(quiet())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use causeway_domain::RateLimit;
    use futures_util::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::limit::Limited;

    const QUIET: Duration = Duration::from_millis(400);

    fn client() -> Client {
        Client {
            client: reqwest::Client::new(),
            throttle: None,
            silence: QUIET,
            // What lies in the sockets' buffers has to be read first.
            answer: QUIET * 5,
        }
    }

    /// Puts 24 MB to a server that reads so much of it each time, and then waits; gives how that ended.
    async fn put(each: usize, times: usize) -> std::result::Result<u16, HttpErrorKind> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut buffer, mut read) = (vec![0; each], 0);
            for _ in 0..times {
                let end = read + each;
                while read < end.min(24_000_000) {
                    read += stream.read(&mut buffer).await.unwrap();
                }
                tokio::time::sleep(QUIET / 4).await;
            }
            if read >= 24_000_000 {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let body = HttpRequestBody::from(vec![7; 24_000_000]);
        let request = hyper::Request::put(format!("http://{address}/x"));
        let client = client();
        tokio::select! {
            () = server => panic!("it waits"),
            answer = client.call(request.body(body).unwrap()) => {
                answer.map(|answer| answer.status().as_u16()).map_err(|error| error.kind())
            }
        }
    }

    #[tokio::test]
    async fn a_slow_line_is_not_a_silent_one() {
        // Twelve times a quarter of what is silence.
        assert_eq!(put(2_000_000, 13).await, Ok(200));
        assert_eq!(put(2_000_000, 2).await, Err(HttpErrorKind::Timeout));
    }

    #[tokio::test]
    async fn an_answer_that_stops_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
            stream.write_all(head).await.unwrap();
            std::future::pending::<()>().await;
        };
        let request = hyper::Request::get(format!("http://{address}/x"));
        let client = client();
        let get = async {
            let request = request.body(HttpRequestBody::empty()).unwrap();
            client
                .call(request)
                .await
                .unwrap()
                .into_body()
                .bytes()
                .await
        };
        tokio::select! {
            () = server => panic!("it waits"),
            body = get => assert_eq!(body.unwrap_err().kind(), HttpErrorKind::Timeout),
        }
    }

    struct Still;

    impl causeway_domain::Env for Still {
        fn now(&self) -> causeway_domain::Timestamp {
            causeway_domain::Timestamp::UNIX_EPOCH
        }

        fn random(&self) -> u64 {
            0
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_keeps_to_the_limit() {
        let limit: RateLimit = "1MB/s".parse().unwrap();
        let limited = Limited::new(limit);
        limited.update(&Still);
        let moved = Moved::default();
        let inner = HttpRequestBody::from(vec![7; 3_000_000]);
        let mut body = Sent::new(inner, Some(limited.throttle), moved);
        let (begin, mut sent) = (Instant::now(), 0);
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            sent += frame.unwrap().into_data().unwrap().len();
        }
        assert_eq!((sent, body.is_end_stream()), (3_000_000, true));
        let took = begin.elapsed().as_secs_f64();
        assert!((2.8..3.1).contains(&took), "{took} s");
    }
}
