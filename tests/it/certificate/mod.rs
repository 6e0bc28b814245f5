//! Certificates: the verifier against vectors, against OpenSSL both ways, and against whoever would
//! get past it.

mod answers;
mod browser;
pub mod door;
mod fetched;
mod lists;
mod mutated;
mod numbers;
mod openssl;
mod pages;
mod parts;
mod paths;
mod realm;
mod seen;
mod session;
mod tabs;
mod tokens;
mod vectors;

use hufu::base::clock::Timestamp;
use hufu::certificate::{Certificate, Distrust, Path, Trust};

use crate::kit::START;
use crate::kit::pki::{Issued, Sort, Wanted};

const NUMBER: &str = "91360100MA35ABCD43";

/// An authority with one below it, which issues.
pub struct Authorities {
    root: Issued,
    below: Issued,
}

impl Authorities {
    fn new(sort: Sort) -> Self {
        let root = Issued::root(sort, "CN=Test Root,O=Test,C=CN");
        let below = root.issue(&Wanted::authority("CN=Test Sub,O=Test,C=CN", Some(0)));
        Self { root, below }
    }

    pub fn enterprise(&self) -> Issued {
        self.below.issue(&Wanted::enterprise(NUMBER))
    }

    fn find(&self, leaf: &Issued) -> Result<Path, Distrust> {
        self.find_with(leaf, &[&self.below])
    }

    fn find_with(&self, leaf: &Issued, sent: &[&Issued]) -> Result<Path, Distrust> {
        let anchors = [self.root.parsed()];
        find(leaf, sent, &anchors, START)
    }
}

fn find(
    leaf: &Issued,
    sent: &[&Issued],
    anchors: &[Certificate],
    now: Timestamp,
) -> Result<Path, Distrust> {
    let sent: Vec<Certificate> = sent.iter().map(|one| one.parsed()).collect();
    let trust = Trust { anchors, between: &[], understood: &[] };
    Path::find(&leaf.parsed(), &sent, trust, now)
}

const SORTS: [Sort; 4] = [Sort::Sm2, Sort::Rsa(2048), Sort::P256, Sort::P384];
