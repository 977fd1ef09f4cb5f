//! [`surfaces`]: the HTTP endpoints as a daemon serves them, in front of a daemon that only pretends. It knows one token, and checks
//! that whatever else is asked of it comes after that token.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use sotto_api::rpc::{Incoming, JsonLine as _, Request, Response, parse};
use sotto_api::{Error, Kind};
use sotto_http::{SignalCli, serve_api};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// The one token.
pub(crate) const TOKEN: &str = "sotto_agent_fuzz";

/// The address of the pretended node.
const ONION: &str = "k2tjntcnsp5edftbgvlcjmwo2b4omvyjhrfr7yrbrchv6lijfttgagid.onion";

/// Longer than any answer takes, and than a body may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the endpoints listen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surfaces {
    pub http: SocketAddr,
    pub signal_cli: SocketAddr,
}

/// The endpoints. They are started once and run as long as the process.
pub(crate) fn surfaces() -> Surfaces {
    static SURFACES: OnceLock<Surfaces> = OnceLock::new();
    *SURFACES.get_or_init(|| {
        let (started, addresses) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let folder = tempfile::tempdir().expect("a folder");
                let socket = folder.path().join("sotto.sock");
                tokio::spawn(pretend(UnixListener::bind(&socket).expect("a socket")));
                let [http, signal_cli] = [listener().await, listener().await];
                let address = |listener: &TcpListener| listener.local_addr().expect("bound");
                let surfaces = Surfaces {
                    http: address(&http),
                    signal_cli: address(&signal_cli),
                };
                let shape = SignalCli::open(socket.clone(), TOKEN.into())
                    .await
                    .expect("the token is right");
                started.send(surfaces).expect("waited for");
                tokio::join!(serve_api(http, socket), shape.serve(Some(signal_cli), None));
            });
        });
        addresses.recv().expect("started")
    })
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

async fn pretend(listener: UnixListener) {
    loop {
        let (client, _) = listener.accept().await.expect("descriptors");
        tokio::spawn(serve(client));
    }
}

async fn serve(client: UnixStream) {
    let (reader, mut writer) = client.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut is_open = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let requests = match parse(&line) {
            Incoming::One(request) => vec![request],
            Incoming::Batch(requests) => requests,
        };
        let is_batch = line.trim_start().starts_with('[');
        let mut responses = Vec::new();
        for request in requests {
            match request {
                Ok(request) => responses.extend(respond(&request, &mut is_open)),
                Err(response) => responses.push(*response),
            }
        }
        let written = match (responses.as_slice(), is_batch) {
            ([], _) => continue,
            ([one], false) => one.line(),
            (_, _) => responses.line(),
        };
        if writer
            .write_all((written.expect("JSON") + "\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

fn respond(request: &Request, is_open: &mut bool) -> Option<Response> {
    if request.method == "session.open" {
        *is_open = request.params.get("token") == Some(&Value::from(TOKEN));
    } else {
        assert!(*is_open, "{} without the token", request.method);
    }
    let outcome = match request.method.as_str() {
        "session.open" if *is_open => Ok(
            json!({ "principal": "agent", "agent": "fuzz", "ask_in_client": false, "sends_need_approval": false, "owner_passphrase": false }),
        ),
        "session.open" => Err(Error::new(Kind::Forbidden, "no agent has this token")),
        "identity.show" => Ok(json!({ "onion": ONION, "friend_code": "sotto1", "name": "", "fingerprint": "00" })),
        "storage.list" => Ok(json!({ "items": [], "more": false })),
        "storage.set" => Ok(json!({})),
        "friends.list" => Ok(json!({ "friends": [] })),
        "messages.send" => Ok(json!({ "id": "0".repeat(32), "conversation": ONION, "state": "queued" })),
        "events.subscribe" => {
            let since = request.params.get("since").cloned().unwrap_or(json!(0));
            assert!(since.is_u64(), "{since} is no number of an event");
            Ok(json!({ "subscription": 1, "since": since }))
        }
        method => Err(Error::new(
            Kind::MethodNotFound,
            format!("there is no method {method:?}"),
        )),
    };
    request.id.clone().map(|id| Response::new(id, outcome))
}

/// An answer: its status, and its body if that has an end.
pub(crate) struct HttpResponse {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Sends bytes and reads what is answered, up to the end or, of a stream of events, its first bytes. None if nothing is.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Option<HttpResponse> {
    let mut stream = TcpStream::connect(address).expect("it still listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // A server that refuses early does not read the rest.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("no answer and no end: {error}"),
        }
        let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if head.contains("\r\n\r\n") && head.contains("text/event-stream") {
            break;
        }
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).expect("the head is text");
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| head.strip_prefix("HTTP/1.0 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    Some(HttpResponse {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        body: bytes[end + 4..].to_vec(),
    })
}
