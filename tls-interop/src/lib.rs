//! Tests only: see `tests/`. Here is what the tests of other crates use too.

/// `docs/migrating.md`, whose programs are compiled here.
#[doc = include_str!("../../docs/migrating.md")]
pub mod migrating {}

pub mod postgres;
