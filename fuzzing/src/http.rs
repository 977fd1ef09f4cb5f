//! Requests of HTTP: a line, headers, a body, each any bytes, among them tokens and `Last-Event-ID`. Each is answered with a status
//! that the endpoint knows, or the connection is closed. Nothing is read or done without the one token, and no address but the
//! endpoint's own is answered.

use crate::input::{Input, piece};
use crate::surfaces::{TOKEN, exchange, surfaces};

/// What the endpoint, or hyper in front of it, answers.
const STATUSES: [u16; 16] = [
    200, 204, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 421, 431, 503, 505,
];

pub(crate) fn run(bytes: &[u8]) {
    let _ = status(bytes);
}

/// The status of the answer, checked; none if the connection was closed.
fn status(bytes: &[u8]) -> Option<u16> {
    let mut input = Input::new(bytes);
    let address = surfaces().http;
    let (line, headers, body) = (input.piece().to_vec(), input.piece().to_vec(), input.piece().to_vec());
    let (has_host, has_token) = (!input.byte().is_multiple_of(4), input.even());
    let mut request = line.clone();
    if has_host {
        request.extend_from_slice(format!("\r\nHost: {address}").as_bytes());
    }
    if has_token {
        request.extend_from_slice(format!("\r\nAuthorization: Bearer {TOKEN}").as_bytes());
    }
    if !headers.is_empty() {
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(&headers);
    }
    let end = format!("\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    request.extend_from_slice(end.as_bytes());
    request.extend_from_slice(&body);
    let status = exchange(address, &request)?.status;
    assert!(
        STATUSES.contains(&status),
        "{status}: {}",
        String::from_utf8_lossy(&request)
    );
    let whole = String::from_utf8_lossy(&request);
    if !whole.contains(TOKEN) && whole.contains("/api/v1/") && !whole.contains("check") {
        assert!(![200, 204].contains(&status), "{status} without the token: {whole}");
    }
    if !whole.to_ascii_lowercase().contains("host:") {
        assert!(![200, 204, 401].contains(&status), "{status} without a host: {whole}");
    }
    Some(status)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let json = "Content-Type: application/json";
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"identity.show"}"#;
    let requests: [(&str, &str, &str); 22] = [
        ("POST /api/v1/rpc HTTP/1.1", json, call),
        (
            "POST /api/v1/rpc HTTP/1.1",
            json,
            r#"[{"jsonrpc":"2.0","id":1,"method":"friends.list"},{}]"#,
        ),
        (
            "POST /api/v1/rpc HTTP/1.1",
            json,
            r#"{"jsonrpc":"2.0","method":"identity.show"}"#,
        ),
        (
            "POST /api/v1/rpc HTTP/1.1",
            json,
            r#"{"jsonrpc":"2.0","id":1,"method":"events.subscribe"}"#,
        ),
        ("POST /api/v1/rpc HTTP/1.1", json, "{\n\r\"id\""),
        ("POST /api/v1/rpc HTTP/1.1", "Content-Type: text/plain", call),
        (
            "POST /api/v1/rpc HTTP/1.1",
            "Authorization: Bearer sotto_agent_other\r\nContent-Type: application/json",
            call,
        ),
        ("POST /api/v1/rpc HTTP/1.1", "Authorization: Basic c290dG8=", call),
        ("POST /api/v1/rpc HTTP/1.1", "Authorization: bearer\tx", call),
        ("GET /api/v1/events HTTP/1.1", "Last-Event-ID: 7", ""),
        ("GET /api/v1/events HTTP/1.1", "Last-Event-ID: -1", ""),
        ("GET /api/v1/events HTTP/1.1", "Last-Event-ID: 18446744073709551616", ""),
        ("GET /api/v1/events?since=3&consumer=x%2Fy HTTP/1.1", "", ""),
        ("GET /api/v1/events?since=%FF HTTP/1.1", "Last-Event-ID: 0x10", ""),
        ("GET /api/v1/check HTTP/1.1", "", ""),
        ("HEAD /api/v1/check HTTP/1.1", "Origin: http://evil.example", ""),
        ("GET /api/v1/check HTTP/1.1", "Host: evil.example", ""),
        ("GET /api/v1/check HTTP/1.0", "Sec-Fetch-Site: cross-site", ""),
        ("OPTIONS * HTTP/1.1", "Origin: null", ""),
        ("GET http://127.0.0.1/api/v1/rpc HTTP/1.1", "Expect: 100-continue", ""),
        ("PUT /../../etc/passwd HTTP/1.1", "Upgrade: h2c", ""),
        ("POST /api/v1/rpc HTTP/9.9", "Content-Length: 5", "x"),
    ];
    let mut seeds = Vec::new();
    for (line, headers, body) in requests {
        for last in [[1, 0], [1, 1], [4, 0]] {
            let pieces = [line, headers, body].map(|text| piece(text.as_bytes())).concat();
            seeds.push([&pieces[..], &last].concat());
        }
    }
    seeds
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_seeds_get_past_each_check() {
        let statuses: BTreeSet<u16> = super::seeds().iter().filter_map(|seed| super::status(seed)).collect();
        for expected in [200, 204, 400, 401, 403, 404, 405, 415, 421] {
            assert!(statuses.contains(&expected), "no {expected}: {statuses:?}");
        }
    }
}
