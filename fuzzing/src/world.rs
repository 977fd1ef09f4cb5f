//! The simulated world with the fuzzer's bytes as its choices: a scenario and every fault in it. The invariants of `simulations` must
//! hold as in any world.

use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Choices, Run, Trace, play};

use crate::input::Input;

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let scenario = &LIBRARY[input.number() % LIBRARY.len()];
    let run = Run::faulty(scenario, u64::from(input.byte()));
    let (verdict, made) = play(run, Choices::from_bytes(input.rest().to_vec()));
    if let Err(why) = verdict {
        panic!(
            "to be kept in simulations/regressions:\n{}",
            Trace::made(run, &made, why)
        );
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let calm = (0..LIBRARY.len()).map(|scenario| vec![u8::try_from(scenario).expect("few"), 1]);
    let eventful = [7, 100, 149, 255].map(|byte| [&[7, 1][..], &[byte; 200]].concat());
    calm.chain(eventful).collect()
}
