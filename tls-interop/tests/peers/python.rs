//! Python's `ssl`.

use crate::peer::{AlpnHabit, Refusal};
use crate::process::Program;
use crate::script::Script;

pub(crate) static PYTHON: Script = Script {
    program: Program { name: "python3", package: "python3" },
    name: "python",
    flags: &["-I", "-c"],
    text: include_str!("python.py"),
    alpn_mismatch: AlpnHabit::Ignores,
    strange_certificate: Refusal::Alert,
    verifies_late: false,
    notices_truncation: true,
};
