//! What a run showed of the capabilities.

use polytls::Capability;
use tls_conformance::{Outcome, Side};

use super::run::{Library, Run};

/// What a run showed of one capability of a library on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It says that it can, and so many cases that need it there passed.
    Kept(usize),
    /// It says that it cannot, and so many cases that need it there were refused by its name.
    Refused(usize),
}

impl Proof {
    /// Nothing if the capability means nothing on this side.
    pub(super) fn of(
        run: &Run,
        library: &Library,
        capability: Capability,
        side: Side,
    ) -> Option<Self> {
        if !side.has_use_for(capability) {
            return None;
        }
        let has = library.capabilities.contains(capability);
        let wanted = if has { Outcome::Passed } else { Outcome::Refused(capability) };
        let alone = run.alone(library);
        let shown =
            alone.filter(|v| v.case.needs(side).contains(capability) && v.outcome == wanted);
        Some(if has { Self::Kept(shown.count()) } else { Self::Refused(shown.count()) })
    }
}

/// Each capability with each side on which it means something.
pub(crate) fn by_side() -> impl Iterator<Item = (Capability, Side)> {
    let sides = |&capability| Side::BOTH.into_iter().map(move |side| (capability, side));
    let all = Capability::ALL.iter().flat_map(sides);
    all.filter(|(capability, side)| side.has_use_for(*capability))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn proof(run: &Run, capability: Capability, side: Side) -> Option<Proof> {
        Proof::of(run, &run.libraries[0], capability, side)
    }

    #[test]
    fn only_what_the_cases_showed_counts() {
        let run =
            samples::run_of(
                &[Capability::PostQuantum, Capability::Tls12Client],
                |needs| match needs {
                    Capability::PostQuantum => Outcome::Refused(needs),
                    _ => Outcome::Passed,
                },
            );
        assert_eq!(proof(&run, Capability::PostQuantum, Side::Client), Some(Proof::Refused(1)));
        assert_eq!(proof(&run, Capability::Tls12Client, Side::Client), Some(Proof::Kept(1)));
        assert_eq!(proof(&run, Capability::Tls12Client, Side::Server), None);
        assert_eq!(proof(&run, Capability::AlpnClient, Side::Client), Some(Proof::Kept(0)));
    }

    #[test]
    fn a_failed_case_shows_nothing() {
        let failed = |_| Outcome::Failed("it broke".into());
        let run = samples::run_of(&[Capability::Tls12Client], failed);
        assert_eq!(proof(&run, Capability::Tls12Client, Side::Client), Some(Proof::Kept(0)));
    }
}
