//! Application protocols.

use super::cases;

cases! { "alpn"; }
