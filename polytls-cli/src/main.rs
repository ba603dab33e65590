//! The command line of polytls.

fn main() {}
