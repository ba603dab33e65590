//! Tests only: see `tests/`. Here is what the tests of other crates use too.

pub mod postgres;
