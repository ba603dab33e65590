//! Versions, cipher suites and groups.

use super::cases;

cases! { "parameters"; }
