//! JSON-RPC 2.0 as it crosses the socket: one object or one batch a line, each line at most 1 MiB.

mod line;
mod message;

pub use line::{LINE_LIMIT, Line, Lines};
pub use message::{Id, Incoming, Notification, Request, Response, parse};
