//! Ten thousand certificates, lists, answers and signatures that somebody has bent: none is accepted,
//! none panics.

use hufu::certificate::challenge::{Purpose, is_signed};
use hufu::certificate::{Certificate, Crl, Path, Trust, ocsp};

use super::Authorities;
use crate::kit::START;
use crate::kit::pki::{
    Answer, Issued, OCSP_SIGNING, SIGNS, Sort, Wanted, ocsp as answer, ocsp_data, usage, uses,
};

const EACH: usize = 1250;
const ORIGIN: &str = "https://sso.example";

/// Bits turned, bytes put in, taken out, copied, the end cut off.
fn bend(bytes: &[u8]) -> Vec<u8> {
    let mut bent = bytes.to_vec();
    for _ in 0..rand::random_range(1..4) {
        if bent.is_empty() {
            return bent;
        }
        let at = rand::random_range(0..bent.len());
        match rand::random_range(0..6) {
            0 | 1 => bent[at] ^= 1 << rand::random_range(0..8),
            2 => bent[at] = rand::random(),
            3 => bent.insert(at, rand::random()),
            4 => {
                bent.remove(at);
            }
            _ if rand::random() => bent.truncate(at),
            _ => {
                let to = rand::random_range(at..bent.len());
                let part = bent[at..to].to_vec();
                bent.splice(at..at, part);
            }
        }
    }
    bent
}

struct Subject {
    authorities: Authorities,
    leaf: Issued,
    anchors: Vec<Certificate>,
}

impl Subject {
    fn new(sort: Sort) -> Self {
        let authorities = Authorities::new(sort);
        let leaf = authorities.enterprise();
        let anchors = vec![authorities.root.parsed()];
        Self { authorities, leaf, anchors }
    }

    fn path(&self, leaf: &[u8], below: &[u8]) -> Option<Path> {
        let leaf = Certificate::parse(leaf).ok()?;
        let below = Certificate::parse(below).ok()?;
        let trust = Trust { anchors: &self.anchors, between: &[], understood: &[] };
        Path::find(&leaf, &[below], trust, START).ok()
    }
}

/// Covers C-08 and the trust in C-07 by whatever chance can find.
#[test]
fn nothing_that_is_bent_is_accepted() {
    let mut bent_in_all = 0;
    for sort in [Sort::Sm2, Sort::P256] {
        let subject = Subject::new(sort);
        let (leaf, below) = (&subject.leaf.der, &subject.authorities.below.der);
        let path = subject.path(leaf, below).unwrap();
        let list = subject.authorities.below.list(&[1, 2, 3]);
        let delegate = Wanted::new("CN=R", vec![usage(SIGNS), uses(&[OCSP_SIGNING])]);
        let delegate = subject.authorities.below.issue(&delegate);
        let good = Answer::good(subject.leaf.serial);
        let said = ocsp_data(&subject.authorities.below, &delegate, &good);
        let told = answer(&subject.authorities.below, &delegate, &good, true);
        let signature = subject.leaf.key.answer(b"{}", ORIGIN, "login");
        let is_told = |told: &[u8]| ocsp::judge(told, path.leaf(), path.issuer(), b"", START);
        assert!(is_told(&told).is_ok());
        for _ in 0..EACH {
            let bent = bend(leaf);
            assert!(bent == *leaf || subject.path(&bent, below).is_none(), "{bent:02x?}");
            let bent = bend(below);
            assert!(bent == *below || subject.path(leaf, &bent).is_none(), "{bent:02x?}");
            let bent = bend(&list);
            let read = Crl::parse(&bent).ok();
            let judged = read.map(|list| path.leaf_by_lists(&[&list], START));
            let says = judged.is_some_and(|judged| judged.is_ok());
            assert!(bent == list || !says, "{bent:02x?}");
            let bent = bend(&told);
            // What is not signed may differ: the frame around the answer, and certificates that it
            // carries beside the responder's own.
            if is_told(&bent).is_ok() {
                assert!(bent.windows(said.len()).any(|part| part == said), "{bent:02x?}");
            }
            let bent = bend(&signature);
            let counts = is_signed(path.leaf(), b"{}", ORIGIN, Purpose::Login, &bent);
            assert!(bent == signature || !counts, "{bent:02x?}");
            bent_in_all += 5;
        }
    }
    assert!(bent_in_all >= 10_000, "{bent_in_all}");
}
