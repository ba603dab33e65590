//! What a connection tells about itself to `tracing`, if the feature of that name is on. The one file here
//! that knows it.
//!
//! Two modules with one signature: callers read straight through, and pay nothing where it is off.

use cfg_if::cfg_if;

cfg_if! {
    if #[cfg(feature = "tracing")] {
        mod on;
        pub(crate) use on::Events;
    } else {
        mod off;
        pub(crate) use off::Events;
    }
}

/// Who wanted new keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// The core, because the old ones have been used enough.
    Limit,
    /// The program.
    Program,
}
