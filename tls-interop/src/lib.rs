//! Tests only: see `tests/`.

/// `docs/migrating.md`, whose programs are compiled here.
#[doc = include_str!("../../docs/migrating.md")]
pub mod migrating {}
