//! What is Slack's alone: its transports and signatures, its directory, guests of other organisations,
//! `nova check` of its tokens and scopes. What every platform has is in `chat/`; everything that goes
//! out to Slack, from there too, is judged by Slack's own code (`judge.py`).

mod check;
mod hostile;
mod judge;
mod people;
mod sockets;

pub(crate) use judge::judge;

/// How Slack reaches an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Sockets,
}
