//! Which modules the machine loads, and in which order.

/// The modules of `dependencies` (a `modules.dep`) that TLS wants, each after those that it needs.
///
/// The ciphers are modules too, and nothing in the machine loads them by itself: without them a socket takes
/// TLS and then refuses the keys.
pub(super) fn to_load(dependencies: &str, tls: bool) -> Vec<&str> {
    let mut order = Vec::new();
    for line in dependencies.lines() {
        let Some((module, needs)) = line.split_once(':') else { continue };
        let name = module.rsplit_once('/').map_or(module, |(_, name)| name);
        let name = name.split_once(".ko").map_or(name, |(name, _)| name);
        let wanted = match name {
            "tls" => tls,
            name => CIPHERS.iter().any(|prefix| name.starts_with(prefix)),
        };
        if wanted {
            // What is needed most comes last there.
            let all = needs.split_whitespace().rev().chain([module]);
            for module in all {
                if !order.contains(&module) {
                    order.push(module);
                }
            }
        }
    }
    order
}

/// How the names of the modules begin that AES-GCM and ChaCha20-Poly1305 are made of.
const CIPHERS: &[&str] = &[
    "aes",
    "chacha",
    "cryptd",
    "crypto_null",
    "ctr",
    "gcm",
    "geniv",
    "gf128mul",
    "ghash",
    "libchacha",
    "libpoly1305",
    "poly1305",
    "seqiv",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_those_that_it_needs() {
        let dependencies = "kernel/net/tls/tls.ko:\n\
            kernel/crypto/gcm.ko: kernel/crypto/b.ko kernel/crypto/a.ko\n\
            kernel/crypto/ghash-generic.ko: kernel/crypto/a.ko\n\
            kernel/net/x25/x25.ko:\n";
        let [a, b, gcm, ghash] =
            ["a", "b", "gcm", "ghash-generic"].map(|n| format!("kernel/crypto/{n}.ko"));
        assert_eq!(to_load(dependencies, false), [&a, &b, &gcm, &ghash]);
        assert_eq!(to_load(dependencies, true)[0], "kernel/net/tls/tls.ko");
    }
}
