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

    /// The enterprise's number in one of its certificates.
    pub fn number(&self, certificate: &Certificate) -> Option<String> {
        self.number.read(certificate)
    }

    /// Everything that it may sign lists with.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.between.iter().chain(&self.anchors)
    }
}
