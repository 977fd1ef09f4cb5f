//! Names that look like another name, by UTS 39. A peer chooses the name that it claims, and could choose one that reads as a
//! friend's.

use icu_normalizer::properties::{CanonicalCombiningClassMap, CanonicalCombiningClassMapBorrowed};
use unicode_security::mixed_script::AugmentedScriptSet;

const COMBINING_CLASSES: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMap::new();

/// Which name of `among` is `name`, or looks like it: the same one first. `among` are the names of others, with what they look like.
pub fn confusable<'n>(name: &str, among: impl Iterator<Item = (&'n str, &'n Looks)>) -> Option<&'n str> {
    let looks = Looks::of(name);
    let mut like = None;
    for (other, others_looks) in among {
        if other == name {
            return Some(other);
        }
        if like.is_none() && others_looks.meets(&looks) {
            like = Some(other);
        }
    }
    like
}

/// Whether a word of the name mixes scripts that are not written together, such as Latin and Cyrillic. Latin beside the scripts
/// of Chinese, Japanese and Korean is usual.
pub fn mixes_scripts(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let is_latin = |c: &char| {
            let mut both = AugmentedScriptSet::for_char(*c);
            both.intersect_with(AugmentedScriptSet::for_char('a'));
            !both.is_empty() && !both.is_all()
        };
        if !AugmentedScriptSet::for_str(word).is_empty() {
            return false;
        }
        let others: String = word.chars().filter(|c| !is_latin(c)).collect();
        let others = AugmentedScriptSet::for_str(&others);
        !(others.hanb || others.jpan || others.kore)
    })
}

/// What a name with letters beside ASCII reads as, if all of it reads as ASCII: `аррӏе` in Cyrillic as `apple`.
pub fn looks_like_ascii(name: &str) -> Option<String> {
    let mut looks = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        // Of ASCII the skeleton of UTS 39 makes other ASCII: `rn` of `m`.
        if c.is_ascii() {
            looks.push(c);
        } else {
            looks.extend(unicode_security::skeleton(c.encode_utf8(&mut [0; 4])));
        }
    }
    Some(looks).filter(|looks| looks.is_ascii() && !name.is_ascii())
}

/// What a name looks like: the skeletons of UTS 39, of the name as it is and without case. `I` looks like `l` but `i` does not;
/// `B0b` looks like `Bob` only without case. An accent, or a mark of punctuation at an end, is passed over by the eye: the skeletons
/// have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks([String; 3]);

impl Looks {
    /// What that name looks like.
    pub fn of(name: &str) -> Self {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let skeleton = |text: &str| plain(&unicode_security::skeleton(text).collect::<String>());
        Self([
            skeleton(&name),
            skeleton(&name).to_lowercase(),
            skeleton(&name.to_lowercase()).to_lowercase(),
        ])
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one == two)
    }
}

/// A skeleton without accents, and without punctuation and signs at its ends. A name of nothing else stays as it is.
fn plain(skeleton: &str) -> String {
    let letters: String = skeleton.chars().filter(|c| !is_accent(*c)).collect();
    let within = letters.trim_matches(|c: char| !c.is_alphanumeric());
    String::from(if within.is_empty() { skeleton } else { within })
}

/// A mark above, below or through a letter, or a point of Hebrew or Arabic. The vowel signs, the viramas and the voicing marks of other
/// scripts are letters to those who read them: names that differ in one are different.
fn is_accent(c: char) -> bool {
    matches!(COMBINING_CLASSES.get_u8(c), 1 | 10..=36 | 200..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_reads_as_another_is_found() {
        let friends = ["Ada", "Bob", "Lina", "Мария", "tom"];
        let looks = friends.map(Looks::of);
        let like = |name: &str| confusable(name, friends.into_iter().zip(&looks));
        for (name, friend) in [
            ("Аda", "Ada"),
            ("B0b", "Bob"),
            ("bob", "Bob"),
            ("Iina", "Lina"),
            ("torn", "tom"),
            (" Ada ", "Ada"),
            ("Bób", "Bob"),
            ("bob.", "Bob"),
            ("«Bob»", "Bob"),
            ("b\u{301}ob ✓", "Bob"),
            ("Lìna", "Lina"),
        ] {
            assert_eq!(like(name), Some(friend), "{name}");
        }
        assert_eq!(like("Ada"), Some("Ada"), "a copy is the plainest imitation");
        let looks = Looks::of("bob");
        let two = [("Bob", &looks), ("bob", &looks)];
        assert_eq!(confusable("bob", two.into_iter()), Some("bob"));
        for name in ["Eve", "", "Mária", "...", "B.ob", "Bobó"] {
            assert_eq!(like(name), None, "{name}");
        }
    }

    #[test]
    fn only_scripts_that_are_not_written_together_are_mixed() {
        for name in ["раypal", "Аda", "Adα"] {
            assert!(mixes_scripts(name), "{name}");
        }
        for name in [
            "Ada",
            "Мария",
            "Мария (Maria)",
            "東京タワー",
            "Tokyo東京",
            "Ада 😀",
            "O'Neill",
            "Zoë",
            "김Kim",
            "",
        ] {
            assert!(!mixes_scripts(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_can_be_compared(one in "\\PC{0,12}", two in "\\PC{0,12}") {
            mixes_scripts(&one);
            let finds = |name: &str, other: &str| {
                let looks = Looks::of(other);
                confusable(name, [(other, &looks)].into_iter()).is_some()
            };
            prop_assert_eq!(finds(&one, &two), finds(&two, &one));
        }
    }
}
