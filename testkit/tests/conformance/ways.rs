//! The ways to a target that the suite brings along: a Unix socket, and a SOCKS proxy such as Tor's.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use sotto_conformance::{Outcome, Socket, Socks, Target, run_some};

use super::node::{Door, Own};
use super::options;

/// Says bytes on, both ways, until both have ended.
fn splice<S>(stream: &S, inner: &UnixStream)
where
    for<'s> &'s S: io::Read + io::Write,
    S: Sync,
{
    thread::scope(|both| {
        both.spawn(|| {
            let _ = io::copy(&mut { stream }, &mut { inner });
            let _ = inner.shutdown(std::net::Shutdown::Write);
        });
        let _ = io::copy(&mut { inner }, &mut { stream });
    });
}

fn passes(own: &Own, target: &dyn Target) {
    let report = run_some(target, &options(own, 1), |id| ["L-3.1", "H-2.3"].contains(&id), |_| ());
    assert_eq!(
        report.count(|outcome| *outcome == Outcome::Passed),
        2,
        "{}",
        report.lines[0]
    );
}

#[test]
fn a_unix_socket_is_a_way() {
    let own = Own::start(5);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let (listener, door) = (UnixListener::bind(&path).expect("a socket"), own.door());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let inner = door.stream().expect("the node runs");
            thread::spawn(move || splice(&stream, &inner));
        }
    });
    passes(&own, &Socket(path));
}

/// A SOCKS 5 proxy that knows one name, and answers with this code.
fn proxy(door: Door, name: String, code: u8) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let serve = move |mut stream: TcpStream| -> io::Result<()> {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting)?;
        assert_eq!(greeting, [5, 1, 2]);
        stream.write_all(&[5, 2])?;
        let mut login = [0; 8];
        stream.read_exact(&mut login)?;
        let [1, 4, .., 1, b'-'] = login else {
            panic!("{login:?}")
        };
        stream.write_all(&[1, 0])?;
        let mut request = vec![0; 5 + name.len() + 2];
        stream.read_exact(&mut request)?;
        let wanted = [&[5, 1, 0, 3, 62], name.as_bytes(), &[0x1e, 0x08]].concat();
        assert_eq!(request, wanted, "port 7688 of the target");
        stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])?;
        let inner = door.stream()?;
        splice(&stream, &inner);
        stream.shutdown(std::net::Shutdown::Both)
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

#[test]
fn a_socks_proxy_is_a_way() {
    let own = Own::start(6);
    let proxy = proxy(own.door(), own.address().to_string(), 0);
    passes(&own, &Socks::new(proxy, own.address()));
}

#[test]
fn a_proxy_that_does_not_get_through_says_so() {
    let own = Own::start(7);
    let proxy = proxy(own.door(), own.address().to_string(), 0xf2);
    let refused = Socks::new(proxy, own.address()).open().map(|_| ());
    let error = refused.expect_err("refused");
    assert_eq!(error.to_string(), "Tor does not get through: SOCKS reply 0xf2");
}
