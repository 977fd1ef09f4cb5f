//! What `sotto agents add` is told: rights, rates, hours. What is read is written back the same, and an error says which value is
//! wrong.

use sotto_api::scope::{Right, Scope, parse_hours, parse_rate, shown_hours, shown_rate};

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<Right>() {
        Ok(right) => {
            assert_eq!(
                right.to_string().parse::<Right>().ok().as_ref(),
                Some(&right),
                "{text:?}"
            );
            if let Right::Read(scope) | Right::Send(scope) = &right {
                let name = text.split_once(':').map_or("", |(_, name)| name);
                assert_eq!(
                    *scope == Scope::All,
                    name.trim() == "*",
                    "{text:?} means all only if it says so"
                );
                assert_ne!(*scope, Scope::Named(String::new()));
            }
            assert!(right != Right::Admin || text == "admin", "{text:?}");
        }
        Err(error) => assert!(
            error.message.contains("allow") && !error.data.hint.is_empty(),
            "{error}"
        ),
    }
    if let Ok(rate) = parse_rate(Some(text)) {
        assert_eq!(parse_rate(Some(&shown_rate(rate))).ok(), Some(rate), "{text:?}");
    }
    if let Ok(Some(hours)) = parse_hours(Some(text)) {
        assert_eq!(
            parse_hours(Some(&shown_hours(hours))).ok(),
            Some(Some(hours)),
            "{text:?}"
        );
        assert!(hours.0 != hours.1 && hours.0.max(hours.1) <= 24 * 60);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        "read:bob",
        "send:*",
        "read: *",
        "admin",
        "admin:",
        "files:/tmp",
        "files:",
        "read:",
        "raed:bob",
        "Read:bob",
        "read:group:x",
        "send:sotto1xyz",
        "10/h",
        "10000/d",
        "0/m",
        "+1/h",
        "1/h ",
        "08:00-18:00",
        "22:30-06:00",
        "24:00-00:00",
        "8:0-9:0",
        "08:00-08:00",
        "",
        ":",
        "*",
        "read:\u{200b}",
        "read:a,send:b",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
