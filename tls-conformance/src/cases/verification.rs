//! Which certificates a client accepts, and why it refuses the others.

use super::cases;

cases! { "verification"; }
