//! How core's property tests run: the same cases every time, and no files beside the sources.

use proptest::test_runner::{Config, RngSeed};

/// So many cases. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` do not apply: raise the number to search further.
pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x0050_7774_6f73),
        ..Config::default()
    }
}
