//! What the machine allows, and what it tells.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and those that it starts, have so many files open.
pub(crate) fn allow_files(files: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return;
    }
    let maximum = limit.maximum.map_or(files, |maximum| maximum.max(files));
    let raised =
        setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: Some(maximum) });
    raised.unwrap_or_else(|e| panic!("{files} open files are not allowed here: {e}"));
}

/// How much memory this process has, in bytes; where the system tells.
pub(crate) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib = line.trim().strip_suffix(" kB")?;
    Some(kib.parse::<u64>().ok()? * 1024)
}
