//! The counters, which are in C, and the two calls of the libraries that are the caller's to answer for.

#[allow(unsafe_code)]
mod counters {
    // SAFETY: the four functions are in `counters.c`, take and give numbers, and touch nothing but numbers
    // of the calling thread.
    unsafe extern "C" {
        pub(super) safe fn bench_side(now: u32) -> u32;
        pub(super) safe fn bench_allocations(of: u32) -> u64;
        pub(super) safe fn bench_live(of: u32) -> i64;
        pub(super) safe fn bench_cpu() -> u64;
    }
}

/// Whose memory it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The program's own.
    Other,
    Client,
    Server,
}

/// Makes `call`, and counts what it allocates as `side`'s.
pub(crate) fn as_side<T>(side: Side, call: impl FnOnce() -> T) -> T {
    let before = counters::bench_side(side as u32);
    let value = call();
    counters::bench_side(before);
    value
}

/// How often this thread has asked for memory as `side`.
pub(crate) fn allocations(side: Side) -> u64 {
    counters::bench_allocations(side as u32)
}

/// How many bytes this thread holds as `side`.
pub(crate) fn live(side: Side) -> i64 {
    counters::bench_live(side as u32)
}

/// The processor time of this thread in nanoseconds.
pub(crate) fn cpu() -> u64 {
    counters::bench_cpu()
}

/// Has OpenSSL resume `session`.
pub(crate) fn resume_openssl(ssl: &mut openssl::ssl::Ssl, session: &openssl::ssl::SslSessionRef) {
    // SAFETY: the session comes from a connection of the same context.
    #[allow(unsafe_code)]
    let resumed = unsafe { ssl.set_session(session) };
    resumed.ok().unwrap_or_default();
}

/// Has BoringSSL resume `session`.
pub(crate) fn resume_boring(ssl: &mut boring::ssl::Ssl, session: &boring::ssl::SslSessionRef) {
    // SAFETY: the session comes from a connection of the same context.
    #[allow(unsafe_code)]
    let resumed = unsafe { ssl.set_session(session) };
    resumed.ok().unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rust_allocates_is_counted() {
        let before = (allocations(Side::Client), live(Side::Client));
        as_side(Side::Client, || {
            let bytes = std::hint::black_box(vec![1_u8; 1000]);
            assert_eq!(allocations(Side::Client), before.0 + 1);
            assert!(live(Side::Client) >= before.1 + 1000);
            drop(bytes);
        });
        assert_eq!(live(Side::Client), before.1);
        assert!(allocations(Side::Client) == before.0 + 1);
    }

    #[test]
    fn what_c_allocates_is_counted() {
        let before = allocations(Side::Server);
        as_side(Side::Server, || drop(openssl::bn::BigNum::from_u32(7)));
        assert!(allocations(Side::Server) > before);
    }

    #[test]
    fn the_clock_of_the_thread_goes_on() {
        let before = cpu();
        let mut sum = 0_u64;
        while cpu() < before + 1_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}
