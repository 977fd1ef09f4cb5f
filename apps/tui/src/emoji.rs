//! The names of usual emoji, for completion in the composer and for the choice of a reaction.

/// An emoji with its name, as in `:thumbs_up:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// The grapheme.
    pub symbol: &'static str,
    /// Its name, without colons.
    pub name: &'static str,
}

macro_rules! table {
    ($($symbol:literal $name:literal)*) => {
        /// Every emoji that has a name here, the favourites first.
        const TABLE: &[Emoji] = &[$(Emoji { symbol: $symbol, name: $name }),*];
    };
}

table! {
    "👍" "thumbs_up" "❤️" "heart" "😂" "joy" "😮" "open_mouth" "😢" "cry" "🙏" "pray" "🎉" "tada" "👎" "thumbs_down"

    "😀" "grinning" "😃" "smiley" "😄" "smile" "😁" "grin" "😆" "laughing" "😅" "sweat_smile" "🤣" "rofl" "🙂" "slightly_smiling"
    "🙃" "upside_down" "😉" "wink" "😊" "blush" "😇" "innocent" "🥰" "smiling_hearts" "😍" "heart_eyes" "🤩" "star_struck"
    "😘" "kissing_heart" "😋" "yum" "😛" "tongue" "🤪" "zany" "🤗" "hug" "🤭" "hand_over_mouth" "🤫" "shush" "🤔" "thinking"
    "🤐" "zipper_mouth" "🤨" "raised_eyebrow" "😐" "neutral" "😑" "expressionless" "😶" "no_mouth" "😏" "smirk" "😒" "unamused"
    "🙄" "rolling_eyes" "😬" "grimacing" "😌" "relieved" "😔" "pensive" "😪" "sleepy" "😴" "sleeping" "😷" "mask" "🤒" "thermometer_face"
    "🤕" "bandage" "🤢" "nauseated" "🤧" "sneezing" "🥵" "hot" "🥶" "cold" "😵" "dizzy_face" "🤯" "exploding_head" "🥳" "partying"
    "😎" "sunglasses" "🤓" "nerd" "😕" "confused" "😟" "worried" "🙁" "frowning" "😯" "hushed" "😲" "astonished" "😳" "flushed"
    "🥺" "pleading" "😨" "fearful" "😰" "anxious" "😭" "sob" "😱" "scream" "😞" "disappointed" "😓" "sweat" "😩" "weary" "😫" "tired"
    "🥱" "yawning" "😤" "triumph" "😡" "rage" "😠" "angry" "😈" "smiling_imp" "💀" "skull" "💩" "poop" "🤡" "clown" "👻" "ghost"
    "👽" "alien" "🤖" "robot"

    "👋" "wave" "✋" "raised_hand" "👌" "ok_hand" "✌️" "victory" "🤞" "crossed_fingers" "🤟" "love_you" "🤙" "call_me" "👈" "point_left"
    "👉" "point_right" "👆" "point_up" "👇" "point_down" "✊" "fist" "👊" "punch" "👏" "clap" "🙌" "raised_hands" "🤝" "handshake"
    "✍️" "writing" "💪" "muscle" "👀" "eyes" "🧠" "brain" "🤷" "shrug" "🤦" "facepalm" "🙋" "raising_hand" "🙇" "bow"

    "🐶" "dog" "🐱" "cat" "🦊" "fox" "🐻" "bear" "🐼" "panda" "🐸" "frog" "🐵" "monkey" "🙈" "see_no_evil" "🐧" "penguin" "🦉" "owl"
    "🦄" "unicorn" "🐝" "bee" "🦋" "butterfly" "🐢" "turtle" "🐙" "octopus" "🐳" "whale" "🦀" "crab" "🌸" "blossom" "🌹" "rose"
    "🌻" "sunflower" "🌲" "evergreen" "🌵" "cactus" "🍀" "four_leaf_clover" "🍎" "apple" "🍋" "lemon" "🍌" "banana" "🍓" "strawberry"
    "🍕" "pizza" "🍔" "burger" "🍟" "fries" "🍿" "popcorn" "🍪" "cookie" "🎂" "birthday" "🍫" "chocolate" "☕" "coffee" "🍵" "tea"
    "🍺" "beer" "🍷" "wine" "🥂" "cheers"

    "🌍" "earth" "🌙" "moon" "☀️" "sun" "⭐" "star" "🌈" "rainbow" "☁️" "cloud" "❄️" "snowflake" "⚡" "lightning" "🔥" "fire" "💧" "droplet"
    "🌊" "ocean" "✨" "sparkles" "💥" "boom" "🎁" "gift" "🎈" "balloon" "🏆" "trophy" "⚽" "soccer" "🎮" "game" "🎵" "music" "🎨" "art"
    "📷" "camera" "💻" "laptop" "📱" "phone" "💡" "bulb" "🔒" "lock" "🔑" "key" "🔨" "hammer" "🔧" "wrench" "🐛" "bug" "📌" "pin"
    "📎" "paperclip" "✏️" "pencil" "📚" "books" "📅" "calendar" "📈" "chart_up" "📉" "chart_down" "💰" "money_bag" "✉️" "envelope"
    "🚀" "rocket" "🚗" "car" "🚲" "bicycle" "✈️" "airplane" "🏠" "house" "⏰" "alarm_clock" "⏳" "hourglass"

    "🧡" "orange_heart" "💛" "yellow_heart" "💚" "green_heart" "💙" "blue_heart" "💜" "purple_heart" "🖤" "black_heart"
    "💔" "broken_heart" "💯" "hundred" "✅" "check" "❌" "cross" "❓" "question" "❗" "exclamation" "⚠️" "warning" "🚫" "prohibited"
    "♻️" "recycle" "➕" "plus" "➖" "minus" "🔔" "bell" "🔕" "no_bell" "💤" "zzz" "💬" "speech" "🏁" "finish"
}

/// Those whose name has the text: at its beginning first, then at the beginning of one of its words, then anywhere.
pub fn matching(text: &str) -> Vec<Emoji> {
    let text = text.to_ascii_lowercase();
    let rank = |emoji: &Emoji| match emoji.name.find(&text)? {
        0 => Some(0),
        at if emoji.name.as_bytes()[at - 1] == b'_' => Some(1),
        _ => Some(2),
    };
    let mut found: Vec<(i32, Emoji)> = TABLE.iter().filter_map(|emoji| Some((rank(emoji)?, *emoji))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, emoji)| emoji).collect()
}

/// The name that is being written before the cursor, with the place of its colon: two letters at least, so that `:)` and `10:30`
/// complete nothing.
pub fn being_written(before: &str) -> Option<(usize, &str)> {
    let at = before.rfind(':')?;
    let name = &before[at + 1..];
    let named = name.len() >= 2 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let apart = !before[..at].ends_with(|c: char| c.is_alphanumeric() || c == ':');
    (named && apart).then_some((at, name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::text;

    #[test]
    fn each_emoji_is_one_wide_grapheme_with_a_name_of_its_own() {
        let mut seen = BTreeSet::new();
        for emoji in TABLE {
            assert_eq!(text::graphemes(emoji.symbol).count(), 1, "{}", emoji.name);
            assert_eq!(text::width(emoji.symbol), 2, "{}", emoji.name);
            assert!(
                seen.insert(emoji.symbol) && seen.insert(emoji.name),
                "{} is there twice",
                emoji.name
            );
            assert!(
                being_written(&format!(":{}", emoji.name)).is_some(),
                "{} cannot be completed",
                emoji.name
            );
        }
        assert!(TABLE.len() >= 150);
    }

    #[test]
    fn names_are_found_by_their_beginning_first() {
        let names = |text| matching(text).iter().map(|emoji| emoji.name).collect::<Vec<_>>();
        assert_eq!(names("thumbs"), ["thumbs_up", "thumbs_down"]);
        assert_eq!(names("heart")[..3], ["heart", "heart_eyes", "smiling_hearts"]);
        assert_eq!(names("nothing"), [""; 0]);
        assert_eq!(matching("").len(), TABLE.len());
    }

    #[test]
    fn only_a_name_is_completed() {
        for (before, expected) in [
            ("so :thu", Some((3, "thu"))),
            (":)", None),
            ("10:30", None),
            (":t", None),
            ("a:thu", None),
            (":thu x", None),
        ] {
            assert_eq!(being_written(before), expected, "{before}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_for(text in "\\PC{0,12}") {
            matching(&text);
            if let Some((at, name)) = being_written(&text) {
                prop_assert_eq!(&text[at + 1..], name);
            }
        }
    }
}
