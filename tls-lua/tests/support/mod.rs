//! What the scripts find around them.

pub(crate) mod fixtures;
pub(crate) mod lua;
pub(crate) mod server;
