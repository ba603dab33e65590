//! Which of its identities a server presents.

use super::cases;

cases! { "server_name"; }
