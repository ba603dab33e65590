//! Calls in the wrong order.

use super::cases;

cases! { "misuse"; }
