//! Both ends together: an agent and a caller in one process, over pipes and over real sockets.

mod crash;
mod follow;
mod hostile;
mod pull;
mod push;
mod quic;
mod world;
