//! Data that arrives as it was sent.

use super::cases;

cases! { "transfer"; }
