//! An authority as a realm knows it: whom it trusts for its certificates, and where they say whose
//! they are. Number and trust belong together: what one authority writes is read by its own rule.

use super::distrust::Distrust;
use super::number::NumberRule;
use super::parsed::Certificate;
use super::path::{Path, Trust};
use crate::base::clock::Timestamp;

#[derive(Clone, Debug)]
pub struct Authority {
    anchors: Vec<Certificate>,
    between: Vec<Certificate>,
    number: NumberRule,
}

impl Authority {
    pub fn new(anchors: Vec<Certificate>, between: Vec<Certificate>, number: NumberRule) -> Self {
        Self { anchors, between, number }
    }

    /// From a certificate to this authority; what was sent beside it is in no order.
    pub fn path(
        &self,
        leaf: &Certificate,
        sent: &[Certificate],
        now: Timestamp,
    ) -> Result<Path, Distrust> {
        let understood: Vec<_> = self.number.extension().into_iter().collect();
        let trust =
            Trust { anchors: &self.anchors, between: &self.between, understood: &understood };
        Path::find(leaf, sent, trust, now)
    }

    /// How far above the leaf of a path the first certificate stands that this authority is known by. What
    /// stands below it came with the leaf, and may be another authority's under the same root.
    pub fn steps_to(&self, path: &Path) -> usize {
        path.steps_to(|one| self.is_known_by(one))
    }

    /// Whether nobody could tell whose a certificate is: both are known by one authority below their
    /// anchors, or by one anchor and either by nothing below it.
    pub fn is_mixed_up_with(&self, other: &Self) -> bool {
        let shares =
            |some: &[Certificate], with: &Self| some.iter().any(|one| with.is_known_by(one));
        let is_bare = self.between.is_empty() || other.between.is_empty();
        shares(&self.between, other)
            || shares(&other.between, self)
            || (is_bare && shares(&self.anchors, other))
    }

    fn is_known_by(&self, certificate: &Certificate) -> bool {
        self.certificates().any(|own| own.is_same_authority(certificate))
    }

    /// The enterprise's number in one of its certificates.
    pub fn number(&self, certificate: &Certificate) -> Option<String> {
        self.number.read(certificate)
    }

    /// Everything that it may sign lists with.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.between.iter().chain(&self.anchors)
    }
}
