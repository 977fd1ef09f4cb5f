//! The words of a text, and of a part of a query, as the word index has them.

#[path = "../src/words.rs"]
#[allow(dead_code, reason = "what SQL calls is tested through the store")]
mod words;

#[test]
fn words_of_texts() {
    let cases = [
        ("", ""),
        ("  Hello, World-42 !", "hello world 42"),
        (
            "Straße STRASSE STRAẞE ｓｔｒａｓｓｅ",
            "strasse strasse strasse strasse",
        ),
        ("Café cafe\u{301} CAFÉ ﬁn №5", "cafe cafe cafe fin no5"),
        ("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ"),
        ("Ёлка й İstanbul", "елка и istanbul"),
        ("שָׁלוֹם سَلَام", "שלום سلام"),
        ("हिन्दी में", "हिन्दी में"),
        (
            "soft\u{ad}hyphen zero\u{200b}width می\u{200c}خواهم",
            "softhyphen zerowidth میخواهم",
        ),
        ("中文字", "中文 文字 字"),
        ("中", "中"),
        ("中文和English混", "中文 文和 和 english 混"),
        ("これはペン。", "これ れは はペ ペン ン"),
        ("ﾊﾟﾋﾟ がか\u{3099}", "パピ ピ がが が"),
        ("한국어로", "한국 국어 어로 로"),
        ("한국어", "한국 국어 어"),
        ("ภาษา ก", "ภา าษ ษา า ก"),
        ("🎉👍🏽 ❤️❤ a🎉b", "🎉 👍 🏽 ❤ ❤ a 🎉 b"),
        ("👩\u{200d}👧 🇩🇪 1\u{fe0f}\u{20e3}", "👩 👧 🇩 🇪 1"),
        ("5€ C++ a_b ©", "5 € c a b ©"),
        ("nul\0in a\u{1f}b", "nul in a b"),
        ("\u{e000}\u{2fe0}", "\u{e000} \u{2fe0}"),
    ];
    for (text, expected) in cases {
        assert_eq!(words::words(text), expected, "{text:?}");
    }
}

#[test]
fn a_phrase_may_end_within_a_run() {
    let cases = [
        ("中", "中", true),
        ("中文", "中文", false),
        ("中文字", "中文 文字", false),
        ("a中", "a 中", true),
        ("中文a", "中文 文 a", false),
        ("中文。", "中文 文", false),
        ("🎉", "🎉", false),
        ("Word", "word", false),
        ("...", "", false),
    ];
    for (text, expected, begins) in cases {
        let phrase = words::phrase(text);
        assert_eq!((phrase.words.as_str(), phrase.begins), (expected, begins), "{text:?}");
    }
}

/// The words of every character, and of every character between letters, are those of this version. If this fails, a
/// table or a rule has changed: raise `VERSION`, and write the new sum here.
#[test]
fn another_table_is_another_version() {
    if char::UNICODE_VERSION != (17, 0, 0) {
        // The version tells the standard library's tables apart by itself.
        return;
    }
    // The planes between have no characters.
    let characters = ('\0'..'\u{40000}').chain('\u{e0000}'..'\u{e1000}');
    let sum = characters.fold(0xcbf2_9ce4_8422_2325_u64, |sum, c| {
        let words = words::words(&format!("{c} {c}{c} a{c}b"));
        words
            .bytes()
            .fold(sum, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    });
    assert_eq!(
        (words::version().as_str(), sum),
        ("1 17.0.0", 10_531_280_250_689_505_429)
    );
}
