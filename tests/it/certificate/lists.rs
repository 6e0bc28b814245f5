//! Revocation lists.

use hufu::certificate::{Crl, Distrust, Doubt, worse};

use super::{Authorities, SORTS};
use crate::kit::START;
use crate::kit::pki::{Issued, Sort, Wanted, constraints, extension, usage};

fn judge(authorities: &Authorities, leaf: &Issued, list: &[u8]) -> Result<(), Distrust> {
    let path = authorities.find(leaf).unwrap();
    let list = Crl::parse(list)?;
    path.leaf_by_lists(&[&list], START)
}

fn doubt(why: Doubt) -> Result<(), Distrust> {
    Err(Distrust::Unknown(why))
}

/// Covers C-07: a certificate on its authority's list is refused, others are not.
#[test]
fn who_is_listed_is_revoked() {
    for sort in SORTS {
        let authorities = Authorities::new(sort);
        let (good, bad) = (authorities.enterprise(), authorities.enterprise());
        let list = authorities.below.list(&[7, bad.serial, 9]);
        assert_eq!(judge(&authorities, &good, &list), Ok(()), "{sort:?}");
        let revoked = judge(&authorities, &bad, &list);
        assert!(matches!(revoked, Err(Distrust::Revoked { .. })), "{sort:?} {revoked:?}");
        assert_eq!(judge(&authorities, &good, &authorities.below.list(&[])), Ok(()));
    }
}

#[test]
fn a_list_must_be_the_issuers_and_of_today() {
    let authorities = Authorities::new(Sort::Sm2);
    let leaf = authorities.enterprise();
    let of = |from, to| authorities.below.list_of(&[], START.0 + from, to, Vec::new());
    let judged = |list: Vec<u8>| judge(&authorities, &leaf, &list);
    assert_eq!(judged(of(-10, Some(START.0))), Ok(()));
    assert_eq!(judged(of(-10, Some(START.0 - 1))), doubt(Doubt::Stale));
    assert_eq!(judged(of(301, Some(START.0 + 900))), doubt(Doubt::Stale));
    assert_eq!(judged(of(-10, None)), doubt(Doubt::Stale), "a list without an end never ends");
    // Another authority's, in its own name and in this one's.
    let stranger = Authorities::new(Sort::Sm2);
    assert_eq!(judged(authorities.root.list(&[])), doubt(Doubt::Missing));
    assert_eq!(judged(stranger.below.list(&[])), doubt(Doubt::Signature));
    // Of several the one that says something is heard, in any order.
    let path = authorities.find(&leaf).unwrap();
    let lists = [stranger.below.list(&[]), authorities.below.list(&[leaf.serial])];
    let mut lists: Vec<Crl> = lists.iter().map(|list| Crl::parse(list).unwrap()).collect();
    for _ in 0..2 {
        let named: Vec<&Crl> = lists.iter().collect();
        let judged = path.leaf_by_lists(&named, START);
        assert!(matches!(judged, Err(Distrust::Revoked { .. })));
        lists.reverse();
    }
    assert_eq!(path.leaf_by_lists(&[], START), doubt(Doubt::Missing));
}

/// Delta lists (2.5.29.27), indirect ones (2.5.29.28), and what is invented later.
#[test]
fn a_part_of_a_list_is_no_list() {
    let authorities = Authorities::new(Sort::P256);
    for (number, value) in [
        ("2.5.29.27", vec![2, 1, 1]),
        ("2.5.29.28", vec![0x30, 3, 0x84, 1, 0xff]),
        ("1.2.3", vec![5, 0]),
    ] {
        let part = vec![extension(number, true, value)];
        let list = authorities.below.list_of(&[], START.0, Some(START.0 + 60), part);
        assert_eq!(Crl::parse(&list).unwrap_err(), Doubt::Partial, "{number}");
    }
    let number = vec![extension("2.5.29.20", false, vec![2, 1, 1])];
    let list = authorities.below.list_of(&[], START.0, Some(START.0 + 60), number);
    assert!(Crl::parse(&list).is_ok());
    assert!(matches!(Crl::parse(b"").unwrap_err(), Doubt::Malformed(_)));
    assert!(matches!(Crl::parse(&vec![0; 9 << 20]).unwrap_err(), Doubt::Malformed(_)));
    let leaf = authorities.enterprise();
    assert!(matches!(Crl::parse(&leaf.der).unwrap_err(), Doubt::Malformed(_)));
}

/// keyUsage without cRLSign.
#[test]
fn who_may_not_sign_lists_signs_none() {
    let root = Issued::root(Sort::P256, "CN=Root");
    let extensions = vec![constraints(None), usage(&[5])];
    let below = root.issue(&Wanted { extensions, ..Wanted::authority("CN=Sub", None) });
    let authorities = Authorities { root, below };
    let leaf = authorities.enterprise();
    let judged = judge(&authorities, &leaf, &authorities.below.list(&[]));
    assert_eq!(judged, doubt(Doubt::Signature));
}

/// Authorities below the anchor, by the anchor's own list where the realm names one.
#[test]
fn an_authority_may_be_revoked_itself() {
    let authorities = Authorities::new(Sort::Sm2);
    let path = authorities.find(&authorities.enterprise()).unwrap();
    let good = Crl::parse(&authorities.root.list(&[])).unwrap();
    let bad = Crl::parse(&authorities.root.list(&[authorities.below.serial])).unwrap();
    assert_eq!(path.between_by_lists(&[], START), Ok(()));
    assert_eq!(path.between_by_lists(&[&good], START), Ok(()));
    let judged = path.between_by_lists(&[&bad], START);
    assert!(matches!(judged, Err(Distrust::Revoked { .. })));
    let old = START.0 - 60;
    let stale = authorities.root.list_of(&[], old - 60, Some(old), Vec::new());
    let stale = Crl::parse(&stale).unwrap();
    assert_eq!(path.between_by_lists(&[&stale], START), doubt(Doubt::Stale));
}

/// Covers C-07: whoever was listed stays so, though the list has lapsed, another list of the issuer does not
/// name them, or nobody knows about an authority between.
#[test]
fn what_was_revoked_outweighs_what_nobody_knows() {
    let authorities = Authorities::new(Sort::Sm2);
    let leaf = authorities.enterprise();
    let path = authorities.find(&leaf).unwrap();
    let old = START.0 - 60;
    let lapsed = |issuer: &Issued, revoked: &[u64]| {
        Crl::parse(&issuer.list_of(revoked, old - 60, Some(old), Vec::new())).unwrap()
    };
    let today = |issuer: &Issued, revoked: &[u64]| Crl::parse(&issuer.list(revoked)).unwrap();
    let (below, root) = (&authorities.below, &authorities.root);
    let is_revoked = |lists: &[&Crl]| {
        let all = [path.leaf_by_lists(lists, START), path.between_by_lists(lists, START)];
        let judged = worse(all[0], all[1]);
        assert_eq!(judged, worse(all[1], all[0]), "in any order");
        matches!(judged, Err(Distrust::Revoked { .. }))
    };
    for (lists, expected) in [
        (vec![lapsed(below, &[leaf.serial])], true),
        (vec![lapsed(below, &[7])], false),
        (vec![today(below, &[]), today(below, &[leaf.serial])], true),
        (vec![today(below, &[]), lapsed(below, &[leaf.serial])], true),
        (vec![lapsed(root, &[]), today(below, &[leaf.serial])], true),
        (vec![today(below, &[]), lapsed(root, &[below.serial])], true),
        (vec![lapsed(root, &[]), today(below, &[])], false),
        (vec![today(root, &[]), today(below, &[])], false),
    ] {
        let mut named: Vec<&Crl> = lists.iter().collect();
        assert_eq!(is_revoked(&named), expected, "{lists:?}");
        named.reverse();
        assert_eq!(is_revoked(&named), expected, "{lists:?}");
    }
}

#[test]
fn a_list_may_be_pem() {
    let authorities = Authorities::new(Sort::P256);
    let leaf = authorities.enterprise();
    let list = authorities.below.list(&[leaf.serial]);
    let pem = der::pem::encode_string("X509 CRL", der::pem::LineEnding::LF, &list).unwrap();
    let judged = judge(&authorities, &leaf, pem.as_bytes());
    assert!(matches!(judged, Err(Distrust::Revoked { .. })));
    let other = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &list).unwrap();
    assert!(Crl::parse(other.as_bytes()).is_err());
}
