//! How connections end.

use super::cases;

cases! { "closing"; }
