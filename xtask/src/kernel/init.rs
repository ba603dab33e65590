//! What the machine does, as scripts for busybox.

use std::path::Path;

use super::download::Unpacked;
use super::machine::Guest;
use super::modules;

/// The script of the first process: makes a small system, runs the program, and switches off.
///
/// The machine sees this one's files, which it cannot change; it writes to `/run`, which is memory, and to
/// `shared`, where it leaves the program's status and the kernel's counters.
pub(super) fn boot(unpacked: &Unpacked, dependencies: &str, tls: bool, shared: &Path) -> String {
    let busybox = quoted(&unpacked.busybox.display().to_string());
    let shared = shared.display().to_string();
    let mut script = format!(
        "# By its place: until now /proc is that of the outer machine, and busybox starts itself by it.\n\
         {busybox} mount -t proc proc /proc\n\
         mount -t sysfs sys /sys\n\
         mount -t tmpfs tmpfs /dev/shm 2>/dev/null\n\
         stty -onlcr </dev/console\n\
         mount -t tmpfs -o size=90% tmpfs /run\n\
         mkdir -p /run/tmp /run/home /run/shared\n\
         chmod 1777 /run/tmp\n\
         ifconfig lo 127.0.0.1 netmask 255.0.0.0 up\n\
         mount -t hostfs none /run/shared -o {}\n",
        quoted(&shared),
    );
    for module in modules::to_load(dependencies, tls) {
        let file = unpacked.modules.join(module).display().to_string();
        script += &format!("insmod {} 2>>/run/shared/modules\n", quoted(&file));
    }
    if !tls {
        script += "echo >/proc/sys/kernel/modprobe\n";
    }
    script
        + "cat /proc/net/tls_stat >/run/shared/before 2>/dev/null\n\
           ( . /run/shared/program ) </dev/null 2>&1\n\
           echo $? >/run/shared/status\n\
           cat /proc/net/tls_stat >/run/shared/after 2>/dev/null\n\
           poweroff -f\n"
}

/// The script that becomes the program, in the environment of this process.
pub(super) fn program(guest: &Guest) -> String {
    let here = std::env::vars().filter(|(name, _)| is_name(name) && !OWN.contains(&name.as_str()));
    let given = guest.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
    let mut script = String::new();
    for (name, value) in here.chain(given) {
        script += &format!("export {name}={}\n", quoted(&value));
    }
    // The console is a terminal, of which nobody reads the colours.
    script += "export HOME=/run/home TMPDIR=/run/tmp TERM=dumb NO_COLOR=1\n";
    script += &format!("cd {} || exit 126\n", quoted(&guest.folder.display().to_string()));
    let words = [guest.program.display().to_string()].into_iter().chain(guest.arguments.clone());
    script + "exec " + &words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ") + "\n"
}

/// A word that no shell changes.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What is not taken over, since the machine has its own, or its shell does.
const OWN: &[&str] = &["HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "PPID", "UID", "EUID", "_"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_program_as_they_are() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn only_names_that_a_shell_can_set_are_passed_on() {
        assert!(is_name("RUST_LOG") && is_name("_x1"));
        assert!(!is_name("BASH_FUNC_x%%") && !is_name("1a") && !is_name(""));
    }
}
