//! What it costs to send files over TLS, by the ways there are: `cargo xtask bench-sendfile`.
//!
//! One process sends, and what it takes is measured from the last handshake to the last close. Another
//! receives, always in the same way.

// Says what is wrong, and ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(target_os = "linux")]
mod receiver;
#[cfg(target_os = "linux")]
mod sender;
#[cfg(target_os = "linux")]
mod ways;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this is measured on Linux only");
    std::process::exit(1);
}

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["send", way, clients, files, size, folder] => {
            sender::run(way, number(clients), number(files), number(size), folder.as_ref());
        }
        ["measure", how, rounds, clients, files, size, ref ways @ ..] => {
            let load = receiver::Load {
                clients: number(clients),
                files: number(files),
                size: number(size),
            };
            receiver::run(how == "calls", number(rounds), &load, ways);
        }
        _ => {
            eprintln!("sendfile measure times|calls ROUNDS CLIENTS FILES SIZE WAY...");
            std::process::exit(2);
        }
    }
}

#[cfg(target_os = "linux")]
fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}
