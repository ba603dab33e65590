//! The error of polytls' in what hyper and its friends return.

use std::error::Error as StdError;
use std::io;

use tls_core::Error;

/// The error of polytls' in the chain of `e`, the outermost if there are several.
///
/// hyper, hyper-util and axum wrap what a connector or a stream fails with; this finds it again, to act
/// on its [kind](Error::kind).
///
/// ```
/// use polytls::{CertificateError, ErrorKind};
///
/// fn is_expired(e: &(dyn std::error::Error + 'static)) -> bool {
///     tls_hyper::tls_error(e)
///         .is_some_and(|e| e.kind() == ErrorKind::Certificate(CertificateError::Expired))
/// }
/// # let expired = polytls::Error::new(ErrorKind::Certificate(CertificateError::Expired));
/// # assert!(is_expired(&std::io::Error::from(expired)));
/// # assert!(!is_expired(&std::io::Error::from(std::io::ErrorKind::TimedOut)));
/// ```
pub fn tls_error<'a>(e: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    find(e)
}

/// The first error of a type in a chain, with those that stand inside of an [`io::Error`].
pub(crate) fn find<'a, E: StdError + 'static>(e: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(e);
    while let Some(e) = next {
        if let Some(found) = e.downcast_ref() {
            return Some(found);
        }
        // What an `io::Error` holds is not its source: that is the source of what it holds.
        next = match e.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => e.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use tls_core::ErrorKind;

    use super::*;

    #[derive(Debug)]
    struct Wrapper(Box<dyn StdError + Send + Sync>);

    impl fmt::Display for Wrapper {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a wrapper")
        }
    }

    impl StdError for Wrapper {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn an_error_of_ours_is_found_however_it_is_wrapped() {
        let wrap = |e| Wrapper(Box::new(e));
        let kind = |e: &(dyn StdError + 'static)| tls_error(e).map(Error::kind);
        let ours = || Error::new(ErrorKind::BadRecord);
        let found = Some(ErrorKind::BadRecord);
        assert_eq!(kind(&ours()), found);
        assert_eq!(kind(&io::Error::from(ours())), found);
        assert_eq!(kind(&Wrapper(Box::new(ours()))), found);
        assert_eq!(kind(&wrap(io::Error::other(wrap(io::Error::from(ours()))))), found);
        let outer = Error::new(ErrorKind::Timeout).with_source(ours());
        assert_eq!(kind(&outer), Some(ErrorKind::Timeout), "the outermost counts");
        assert_eq!(kind(&wrap(io::Error::from(io::ErrorKind::TimedOut))), None);
    }
}
