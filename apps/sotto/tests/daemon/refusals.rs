//! Wrong requests and their errors.

use serde_json::json;
use sotto_api::Kind;

use crate::support::Pair;

#[tokio::test]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let mut pair = Pair::friends().await;
    let before = pair.alice.ok("node.status", json!({})).await["last_seq"].clone();
    let own = pair.homes[0].identity.friend_code.clone();
    let mut mistyped = pair.homes[1].identity.friend_code.clone();
    let last = if mistyped.ends_with('q') { "p" } else { "q" };
    mistyped.replace_range(mistyped.len() - 1.., last);
    let stranger = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
    for (method, params, kind, part) in [
        (
            "friends.add",
            json!({ "code": mistyped }),
            Kind::InvalidParams,
            "code: the friend code has a typing error",
        ),
        (
            "friends.add",
            json!({ "code": "bob" }),
            Kind::InvalidParams,
            "code: a friend code starts with sotto1",
        ),
        (
            "friends.add",
            json!({ "code": own }),
            Kind::InvalidParams,
            "your own address",
        ),
        (
            "friends.add",
            json!({ "code": stranger, "name": "x".repeat(65) }),
            Kind::InvalidParams,
            "64",
        ),
        (
            "friends.add",
            json!({ "code": stranger, "note": "x".repeat(501) }),
            Kind::InvalidParams,
            "500",
        ),
        (
            "messages.send",
            json!({ "conversation": "carol", "text": "x" }),
            Kind::UnknownContact,
            "carol",
        ),
        (
            "messages.send",
            json!({ "conversation": stranger, "text": "x" }),
            Kind::UnknownContact,
            "not a contact",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "" }),
            Kind::InvalidParams,
            "text",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x".repeat(32_769) }),
            Kind::InvalidParams,
            "text",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "thread": "" }),
            Kind::InvalidParams,
            "thread",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "id": "k".repeat(129) }),
            Kind::InvalidParams,
            "key",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "timeout": 3601 }),
            Kind::InvalidParams,
            "timeout",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "ttl": -1 }),
            Kind::InvalidParams,
            "ttl: ",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "content_type": "unsupported" }),
            Kind::InvalidParams,
            "content_type",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "reply_to": "ab".repeat(16) }),
            Kind::UnknownMessage,
            "abab",
        ),
        (
            "messages.send",
            json!({ "conversation": "bob", "text": "x", "reply_to": "xyz" }),
            Kind::InvalidParams,
            "reply_to: ",
        ),
        (
            "messages.history",
            json!({ "conversation": "bob", "limit": 0 }),
            Kind::InvalidParams,
            "limit must be 1 to 1000, not 0",
        ),
        (
            "messages.history",
            json!({ "conversation": "bob", "limit": 1001 }),
            Kind::InvalidParams,
            "limit",
        ),
        ("messages.search", json!({ "query": " " }), Kind::InvalidParams, "query"),
        (
            "messages.status",
            json!({ "id": "0".repeat(32) }),
            Kind::UnknownMessage,
            "0000",
        ),
        ("messages.status", json!({ "id": "12345" }), Kind::InvalidParams, "id: "),
        (
            "messages.read",
            json!({ "conversation": "bob", "ids": ["0".repeat(32)] }),
            Kind::UnknownMessage,
            "0000",
        ),
        (
            "messages.typing",
            json!({ "conversation": "bob", "typing": true }),
            Kind::WrongState,
            "typing",
        ),
        (
            "outbox.retry",
            json!({ "id": "f".repeat(32) }),
            Kind::UnknownMessage,
            "ffff",
        ),
        ("friends.reject", json!({ "contact": "bob" }), Kind::WrongState, ""),
        (
            "friends.rename",
            json!({ "contact": "bob", "name": "x".repeat(65) }),
            Kind::InvalidParams,
            "64",
        ),
        (
            "identity.rename",
            json!({ "name": "x".repeat(65) }),
            Kind::InvalidParams,
            "64",
        ),
        (
            "events.ack",
            json!({ "consumer": "", "seq": 1 }),
            Kind::InvalidParams,
            "consumer",
        ),
        (
            "events.wait",
            json!({ "types": ["message.recieved"] }),
            Kind::InvalidParams,
            "message.recieved",
        ),
        (
            "node.availability",
            json!({ "show": "asleep" }),
            Kind::InvalidParams,
            "show: ",
        ),
    ] {
        let error = pair.alice.refused(method, params.clone()).await;
        assert_eq!(error.kind(), kind, "{method} {params}: {error}");
        assert_eq!(error.exit_code(), 1, "{method} {params}: {error}");
        assert!(
            error.message.contains(part),
            "{method} {params}: {error:?} does not name {part:?}"
        );
        assert!(!error.data.hint.is_empty(), "{method} {params}");
    }
    // An item is set only if it is as the client knows it.
    let item = |value: &str| json!([{ "key": "draft/bob", "value": value }]);
    let absent = json!([{ "key": "draft/bob" }]);
    let set = |items, expected| json!({ "items": items, "expected": expected });
    pair.alice.ok("storage.set", set(item("one"), absent.clone())).await;
    for wrong in [absent, item("other")] {
        let error = pair.alice.refused("storage.set", set(item("two"), wrong)).await;
        assert_eq!(error.kind(), Kind::WrongState, "{error}");
    }
    let listed = pair.alice.ok("storage.list", json!({ "prefix": "draft/" })).await;
    assert_eq!(listed["items"], item("one"));
    // Made twice, as after a lost answer, it is the same change.
    for _ in 0..2 {
        pair.alice.ok("storage.set", set(item("two"), item("one"))).await;
    }
    let many = vec![json!({ "key": "k" }); 65];
    let error = pair.alice.refused("storage.set", set(item("x"), json!(many))).await;
    assert_eq!(error.kind(), Kind::InvalidParams, "{error}");
    assert_eq!(
        pair.alice.ok("node.status", json!({})).await["last_seq"],
        before,
        "nothing has happened"
    );
    pair.end().await;
}
