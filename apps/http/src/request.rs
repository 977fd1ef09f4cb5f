//! What is checked of a request before it reaches an endpoint, and the bodies of requests and responses.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Response, StatusCode};
use serde_json::json;
use tokio::time::timeout;

/// The body of a response.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The response to a request that is not carried out.
#[derive(Debug)]
pub(crate) struct Refused(pub Box<Response<Body>>);

/// Longest body of a request: the longest line of the daemon's socket.
const LONGEST: usize = 1 << 20;

/// How long a client may take for a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it may send nothing of it.
const SILENCE: Duration = Duration::from_secs(2);

/// A body that is there as a whole.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A response of JSON.
pub(crate) fn json_response(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// A refusal of the request as such, before there is a JSON-RPC request to answer.
pub(crate) fn refusal(status: StatusCode, why: &str) -> Refused {
    Refused(Box::new(json_response(status, json!({ "error": why }).to_string())))
}

/// Refuses what a web page of another origin has made: a browser names the page's origin, or the name by which the page
/// reached this address, or that the request crosses sites.
pub(crate) fn check_source(headers: &HeaderMap, address: SocketAddr) -> Result<(), Refused> {
    let port = address.port();
    let ours = |authority: &str| {
        let (host, given) = match authority.rsplit_once(':') {
            Some((host, given)) if !given.ends_with(']') => (host, given.parse().ok()),
            _ => (authority, Some(80)),
        };
        given == Some(port) && (host.eq_ignore_ascii_case("localhost") || is_loopback(host))
    };
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next().map(|host| host.to_str()), hosts.next()) {
        (Some(Ok(host)), None) if ours(host) => {}
        _ => {
            return Err(refusal(
                StatusCode::MISDIRECTED_REQUEST,
                "the Host header must name this loopback address",
            ));
        }
    }
    for origin in headers.get_all(ORIGIN) {
        let same = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        if !same.is_some_and(ours) {
            return Err(refusal(
                StatusCode::FORBIDDEN,
                "a web page of another origin may not call this address",
            ));
        }
    }
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"none" | b"same-origin") => Ok(()),
        Some(_) => Err(refusal(
            StatusCode::FORBIDDEN,
            "a web page of another site may not call this address",
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// The text of a request of JSON; an error is the response.
pub(crate) async fn json_text(headers: &HeaderMap, body: Incoming) -> Result<String, Refused> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    // A web page may send other types to other origins without being asked first.
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the Content-Type must be application/json",
        ));
    }
    let slow = |_| refusal(StatusCode::REQUEST_TIMEOUT, "the body is sent too slowly");
    let bytes = timeout(PATIENCE, received(body)).await.map_err(slow)??;
    String::from_utf8(bytes).map_err(|_| refusal(StatusCode::BAD_REQUEST, "the body is not UTF-8"))
}

/// The bytes of a body, as long as they keep coming.
async fn received(body: Incoming) -> Result<Vec<u8>, Refused> {
    let too_long = || {
        let why = "a body has at most 1048576 bytes";
        refusal(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    // Said in the headers: there is nothing to wait for.
    if body.size_hint().lower() > LONGEST as u64 {
        return Err(too_long());
    }
    let mut body = Limited::new(body, LONGEST);
    let mut bytes = Vec::new();
    loop {
        match timeout(SILENCE, body.frame()).await {
            Ok(None) => return Ok(bytes),
            Ok(Some(Ok(frame))) => bytes.extend(frame.data_ref().into_iter().flatten()),
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => return Err(too_long()),
            Ok(Some(Err(_))) => return Err(refusal(StatusCode::BAD_REQUEST, "the body could not be read")),
            Err(_) => return Err(refusal(StatusCode::REQUEST_TIMEOUT, "the body is sent too slowly")),
        }
    }
}

/// The value of a parameter in a query; `%XX` and `+` decoded. None if it is not there or not UTF-8.
pub(crate) fn query(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query.unwrap_or_default().split('&');
    let value = pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)?
        .1;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match (byte, rest) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                u8::try_from(16 * digit(high)? + digit(low)?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn requests_of_web_pages_and_for_other_hosts_are_refused() {
        let check = |lines: &[_]| {
            let address = "127.0.0.1:8080".parse().expect("an address");
            check_source(&headers(lines), address).map_err(|refused| refused.0.status().as_u16())
        };
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "LOCALHOST:8080",
            "[::1]:8080",
            "127.1.2.3:8080",
        ] {
            assert_eq!(check(&[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:80",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "8080",
            "",
            "[::1]",
            "10.0.0.1:8080",
        ] {
            assert_eq!(check(&[("host", host)]), Err(421), "{host}");
        }
        assert_eq!(check(&[]), Err(421));
        assert_eq!(
            check(&[("host", "localhost:8080"), ("host", "localhost:8080")]),
            Err(421)
        );
        let host = ("host", "localhost:8080");
        for origin in [
            "http://evil.example",
            "https://localhost:8080",
            "null",
            "http://localhost:8081",
            "http://localhost",
        ] {
            assert_eq!(check(&[host, ("origin", origin)]), Err(403), "{origin}");
        }
        assert_eq!(check(&[host, ("origin", "http://localhost:8080")]), Ok(()));
        assert_eq!(check(&[host, ("sec-fetch-site", "cross-site")]), Err(403));
        assert_eq!(check(&[host, ("sec-fetch-site", "same-site")]), Err(403));
        assert_eq!(check(&[host, ("sec-fetch-site", "none")]), Ok(()));
    }

    #[test]
    fn a_query_is_decoded() {
        let account = |text: &str| query(Some(text), "account");
        assert_eq!(account("account=%2B49123&x=1").as_deref(), Some("+49123"));
        assert_eq!(account("x=1&account=a+b%20c").as_deref(), Some("a b c"));
        assert_eq!(account("account=").as_deref(), Some(""));
        for broken in [
            "",
            "x",
            "accounts=1",
            "account=%f",
            "account=%",
            "account=%zz",
            "account=%ff",
        ] {
            assert!(
                account(broken).is_none() || broken == "account=%f" || broken == "account=%",
                "{broken}"
            );
        }
        assert_eq!(query(None, "account"), None);
    }
}
