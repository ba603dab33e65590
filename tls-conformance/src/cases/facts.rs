//! What each side says was settled.

use super::cases;

cases! { "facts"; }
