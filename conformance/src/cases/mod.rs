//! The cases, a file for each part of the document.

mod bundles;
mod ciphertexts;
mod contents;
mod frames;
mod handshake;
mod limits;
mod links;
mod openings;
mod padding;
mod records;
mod replacement;
mod requests;

use super::{Case, Section};

/// In the document's order, except where a case needs the result of another.
pub const SECTIONS: &[Section] = &[
    section("3.1 RecordStream", records::CASES),
    section("3.2 Handshake", handshake::CASES),
    section("3.3 Padding", padding::CASES),
    section("4.1 Hello", frames::CASES),
    section("4.2 Two links at once; 4.3 silence, presence", links::CASES),
    section("5.2 Request, answer, consent", requests::CASES),
    section("5.2 The first ciphertext", openings::CASES),
    section("5.3 Bundles", bundles::CASES),
    section("5.4 Ciphertexts", ciphertexts::CASES),
    section("5.5 Where we are", replacement::CASES),
    section("6 Contents", contents::CASES),
    section("7 Limits", limits::CASES),
];

const fn section(title: &'static str, cases: &'static [Case]) -> Section {
    Section { title, cases }
}

/// A case; `slow` if it takes minutes, with a key order if it needs a contact.
macro_rules! case {
    ($id:literal, $claim:literal, $run:expr) => {
        $crate::Case {
            id: $id,
            claim: $claim,
            requires: $crate::Requirement::None,
            run: $run,
        }
    };
    ($id:literal, slow, $claim:literal, $run:expr) => {
        $crate::Case {
            id: $id,
            claim: $claim,
            requires: $crate::Requirement::Minutes,
            run: $run,
        }
    };
    ($id:literal, $order:ident, $claim:literal, $run:expr) => {
        $crate::Case {
            id: $id,
            claim: $claim,
            requires: $crate::Requirement::Friend($crate::KeyOrder::$order),
            run: $run,
        }
    };
}
use case;
