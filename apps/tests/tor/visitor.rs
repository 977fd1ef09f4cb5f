//! Whoever reaches an onion address without Sotto: through C tor's SOCKS port, with bytes of their own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use sotto_testkit::tor_network::SocksClient;

use crate::node::until;

/// No single read or write takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// A stream to the port at which an onion address serves Sotto; the address may have been published just now.
pub fn visit(client: SocksClient, onion: &str) -> TcpStream {
    until("C tor gets through", || try_visit(client, onion))
}

/// SOCKS 5 (RFC 1928), with a name in place of an address.
fn try_visit(client: SocksClient, onion: &str) -> Result<TcpStream, String> {
    let port = sotto_io_tor::PORT.to_be_bytes();
    let length = u8::try_from(onion.len()).expect("an onion address");
    let request = [&[5, 1, 0, 3, length], onion.as_bytes(), &port].concat();

    let mut stream = TcpStream::connect(client.address()).expect("C tor listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    let mut exchange = |said: &[u8], answer: &mut [u8]| stream.write_all(said).and_then(|()| stream.read_exact(answer));
    let (mut method, mut reply) = ([0; 2], [0; 10]);
    exchange(&[5, 1, 0], &mut method).map_err(|error| error.to_string())?;
    exchange(&request, &mut reply).map_err(|error| error.to_string())?;
    match (method, reply[1]) {
        ([5, 0], 0) => Ok(stream),
        (method, code) => Err(format!("method {method:?}, reply {code:#x}")),
    }
}
