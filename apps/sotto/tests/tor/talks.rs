//! Two become friends and talk, both ways, whatever they run on.

use crate::node::{Runtime, arrived, friends, shared_network, tell};

fn they_talk(runtimes: [Runtime; 2]) {
    let network = shared_network().arti_config();
    let [mut one, mut other] = friends(runtimes, &network);
    tell(&mut *one, &mut *other, "and I am here");

    // More than a window of them at once, in both directions, and one of many cells.
    let long = "a long one ".repeat(2000);
    let texts: Vec<String> = (0..40).map(|number| format!("number {number}")).chain([long]).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (one_is, other_is) = (one.address().to_owned(), other.address().to_owned());
    for text in &texts {
        one.send(&other_is, text);
        other.send(&one_is, text);
    }
    arrived(&mut *one, &mut *other, &texts);
    arrived(&mut *other, &mut *one, &texts);
}

#[test]
fn tokio_with_tokio() {
    they_talk([Runtime::Tokio, Runtime::Tokio]);
}

#[test]
fn smol_with_smol() {
    they_talk([Runtime::Smol, Runtime::Smol]);
}

#[test]
fn tokio_with_smol() {
    they_talk([Runtime::Tokio, Runtime::Smol]);
}
