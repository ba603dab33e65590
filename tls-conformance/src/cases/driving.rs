//! The same connection over every kind of I/O.

use super::cases;

cases! { "driving"; }
