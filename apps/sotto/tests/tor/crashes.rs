//! `kill -9`: a node that comes back is found under the same address, and what waited arrives, on both sides. What the dead
//! leave on the disk shows no key.

use sotto_core::OnionSecret;
use sotto_testkit::key_search::assert_no_key_in;

use crate::node::{Runtime, arrived, friends, shared_network, tell};
use crate::visitor::{call, newcomer};

fn one_dies_and_comes_back(runtimes: [Runtime; 2]) {
    let network = shared_network().arti_config();
    let [mut victim, mut other] = friends(runtimes, &network);
    let (address, others) = (victim.address().to_owned(), other.address().to_owned());

    victim.kill();
    let seed = victim.seed();
    assert_eq!(OnionSecret::from_seed(&seed).address().to_string(), address);
    assert_no_key_in(victim.folder(), &seed);
    let texts = ["while you were away", "and another"];
    for text in texts {
        other.send(&address, text);
    }
    victim.start();
    // Friends may meet over a link that the victim dials; a visitor has nothing but the address.
    assert_eq!(victim.says_its_address(), address);
    call(newcomer(), &address);
    arrived(&mut *other, &mut *victim, &texts);
    tell(&mut *victim, &mut *other, "I am back");

    // What was queued and not sent survives as well.
    other.kill();
    victim.send(&others, "are you there?");
    victim.kill();
    // This time nothing has opened its store since.
    assert_no_key_in(victim.folder(), &seed);
    other.start();
    victim.start();
    arrived(&mut *victim, &mut *other, &["are you there?"]);
    tell(&mut *other, &mut *victim, "so am I");
}

#[test]
fn on_tokio() {
    one_dies_and_comes_back([Runtime::Tokio, Runtime::Smol]);
}

#[test]
fn on_smol() {
    one_dies_and_comes_back([Runtime::Smol, Runtime::Tokio]);
}
