//! Client certificates.

use super::cases;

cases! { "client_auth"; }
