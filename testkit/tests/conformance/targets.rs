//! The targets that the suite provides: a Unix socket, and a SOCKS proxy such as Tor's.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use sotto_conformance::{Outcome, SocksTarget, Target, UnixTarget, run_some};

use super::options;
use super::test_node::{NodeConnector, TestNode};

/// Copies bytes in both directions until both have ended.
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

fn passes(node: &TestNode, target: &dyn Target) {
    let report = run_some(target, &options(node, 1), |id| ["L-3.1", "H-2.3"].contains(&id), |_| ());
    assert_eq!(
        report.count(|outcome| *outcome == Outcome::Passed),
        2,
        "{}",
        report.results[0]
    );
}

#[test]
fn a_unix_socket_is_a_target() {
    let node = TestNode::start(5);
    // With a short name, since that of a socket in it has at most 107 bytes. The machine's own may be long.
    let folder = tempfile::tempdir_in("/tmp").expect("a folder");
    let path = folder.path().join("socket");
    let (listener, connector) = (UnixListener::bind(&path).expect("a socket"), node.connector());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let inner = connector.stream().expect("the node runs");
            thread::spawn(move || splice(&stream, &inner));
        }
    });
    passes(&node, &UnixTarget(path));
}

/// A SOCKS 5 proxy that knows one host name and replies with this code.
fn proxy(connector: NodeConnector, name: String, code: u8) -> std::net::SocketAddr {
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
        let inner = connector.stream()?;
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
fn a_socks_proxy_is_a_target() {
    let node = TestNode::start(6);
    let proxy = proxy(node.connector(), node.address().to_string(), 0);
    passes(&node, &SocksTarget::new(proxy, node.address()));
}

#[test]
fn a_failed_connect_of_the_proxy_is_an_error() {
    let node = TestNode::start(7);
    let proxy = proxy(node.connector(), node.address().to_string(), 0xf2);
    let refused = SocksTarget::new(proxy, node.address()).open().map(|_| ());
    let error = refused.expect_err("refused");
    assert_eq!(error.to_string(), "Tor cannot connect: SOCKS reply 0xf2");
}
