//! Lists of a part of what an authority has issued: believed of that part, and of nothing else.

use std::str::FromStr;

use der::Encode;
use der::asn1::Ia5String;
use hufu::certificate::{Crl, Distrust, Doubt};
use hufu::flows::certificate::lists;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::dp::{DistributionPoint, IssuingDistributionPoint, Reasons};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::name::{Name, RelativeDistinguishedName};

use super::door::Office;
use super::fetched::Publisher;
use super::{Authorities, NUMBER};
use crate::kit::pki::{Issued, Sort, Wanted, extension};
use crate::kit::{START, on_each_database};

const FIRST: &str = "http://crl.test.example/first.crl";
const SECOND: &str = "http://crl.test.example/second.crl";

fn uri(text: &str) -> GeneralName {
    GeneralName::UniformResourceIdentifier(Ia5String::new(text).unwrap())
}

fn directory(text: &str) -> GeneralName {
    GeneralName::DirectoryName(Name::from_str(text).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "the field is optional")]
fn named(names: Vec<GeneralName>) -> Option<DistributionPointName> {
    Some(DistributionPointName::FullName(names))
}

/// Of everything; a test changes what it is about.
fn everything() -> IssuingDistributionPoint {
    IssuingDistributionPoint {
        distribution_point: None,
        only_contains_user_certs: false,
        only_contains_ca_certs: false,
        only_some_reasons: None,
        indirect_crl: false,
        only_contains_attribute_certs: false,
    }
}

fn of_users() -> IssuingDistributionPoint {
    IssuingDistributionPoint { only_contains_user_certs: true, ..everything() }
}

fn of_authorities() -> IssuingDistributionPoint {
    IssuingDistributionPoint { only_contains_ca_certs: true, ..everything() }
}

fn of(names: Vec<GeneralName>) -> IssuingDistributionPoint {
    IssuingDistributionPoint { distribution_point: named(names), ..everything() }
}

fn speaks_of(part: &IssuingDistributionPoint) -> Extension {
    extension("2.5.29.28", true, part.to_der().unwrap())
}

fn list(issuer: &Issued, revoked: &[u64], part: &IssuingDistributionPoint) -> Vec<u8> {
    list_until(issuer, revoked, part, START.0 + 86_400)
}

fn list_until(
    issuer: &Issued,
    revoked: &[u64],
    part: &IssuingDistributionPoint,
    until: i64,
) -> Vec<u8> {
    issuer.list_of(revoked, START.0 - 7200, Some(until), vec![speaks_of(part)])
}

/// An enterprise's certificate that says where its list is.
fn at(authorities: &Authorities, points: Vec<DistributionPoint>) -> Issued {
    let mut wanted = Wanted::enterprise(NUMBER);
    let points = CrlDistributionPoints(points).to_der().unwrap();
    wanted.extensions.push(extension("2.5.29.31", false, points));
    authorities.below.issue(&wanted)
}

fn point(names: Vec<GeneralName>) -> DistributionPoint {
    DistributionPoint { distribution_point: named(names), reasons: None, crl_issuer: None }
}

fn judge(authorities: &Authorities, leaf: &Issued, lists: &[Vec<u8>]) -> Result<(), Distrust> {
    let path = authorities.find(leaf).unwrap();
    let lists: Vec<Crl> = lists.iter().map(|list| Crl::parse(list).unwrap()).collect();
    path.leaf_by_lists(&lists.iter().collect::<Vec<_>>(), START)
}

const MISSING: Result<(), Distrust> = Err(Distrust::Unknown(Doubt::Missing));

/// Covers C-07: RFC 5280 §6.3.3 (b)(2): of holders of certificates, and of those that name the list's point;
/// whoever stands in a list of the issuer is revoked, whatever the list speaks of.
#[test]
fn a_list_of_a_part_speaks_of_that_part() {
    for sort in [Sort::Sm2, Sort::Rsa(2048)] {
        let authorities = Authorities::new(sort);
        let below = &authorities.below;
        let first = at(&authorities, vec![point(vec![uri("ldap://elsewhere"), uri(FIRST)])]);
        let second = at(&authorities, vec![point(vec![uri(FIRST)]), point(vec![uri(SECOND)])]);
        let third = at(&authorities, vec![point(vec![directory("CN=Part 3,O=Test,C=CN")])]);
        let nowhere = authorities.enterprise();
        let all = [&first, &second, &third, &nowhere];
        let some_reasons = DistributionPoint {
            reasons: Some(Reasons::KeyCompromise.into()),
            ..point(vec![uri(FIRST)])
        };
        let by_others = DistributionPoint {
            crl_issuer: Some(vec![directory("CN=Other")]),
            ..point(vec![uri(FIRST)])
        };
        let halves = at(&authorities, vec![some_reasons, by_others]);
        let first_of_users =
            IssuingDistributionPoint { only_contains_user_certs: true, ..of(vec![uri(FIRST)]) };
        let many = of(vec![uri("ldap://nowhere"), uri(SECOND)]);
        for (part, covered) in [
            (everything(), [true; 4]),
            (of_users(), [true; 4]),
            (of_authorities(), [false; 4]),
            (of(vec![uri(FIRST)]), [true, true, false, false]),
            (first_of_users, [true, true, false, false]),
            (many, [false, true, false, false]),
            (of(vec![uri(&FIRST.to_uppercase())]), [false; 4]),
            (of(vec![directory("CN=part  3,O=TEST,C=CN")]), [false, false, true, false]),
        ] {
            let good = list(below, &[7], &part);
            for (leaf, is_covered) in all.into_iter().zip(covered) {
                let expected = if is_covered { Ok(()) } else { MISSING };
                let judged = judge(&authorities, leaf, std::slice::from_ref(&good));
                assert_eq!(judged, expected, "{sort:?} {part:?}");
                let bad = list(below, &[leaf.serial], &part);
                let judged = judge(&authorities, leaf, &[bad]);
                assert!(matches!(judged, Err(Distrust::Revoked { .. })), "{part:?} {judged:?}");
            }
        }
        let only_first = list(below, &[], &of(vec![uri(FIRST)]));
        assert_eq!(judge(&authorities, &halves, std::slice::from_ref(&only_first)), MISSING);
        // Of several lists the one that speaks of it, in any order.
        let others = list(below, &[7], &of(vec![directory("CN=Part 3,O=Test,C=CN")]));
        let lapsed = list_until(below, &[], &of(vec![uri(FIRST)]), START.0 - 1);
        let stale = Err(Distrust::Unknown(Doubt::Stale));
        for (lists, expected) in [
            ([only_first, others.clone()], Ok(())),
            ([lapsed.clone(), others.clone()], stale),
            ([lapsed, list(below, &[], &of(vec![uri(FIRST)]))], Ok(())),
        ] {
            let [one, other] = lists;
            let turned = [other.clone(), one.clone()];
            assert_eq!(judge(&authorities, &first, &[one, other]), expected, "{sort:?}");
            assert_eq!(judge(&authorities, &first, &turned), expected, "{sort:?}");
        }
        // The part that does not speak of it is no list, lapsed or not.
        let lapsed = list_until(below, &[], &of(vec![uri(SECOND)]), START.0 - 1);
        assert_eq!(judge(&authorities, &first, &[lapsed]), MISSING);
    }
}

/// What one list alone does not say, and what contradicts itself, is refused as before, critical or not.
#[test]
fn what_only_others_complete_is_no_list() {
    let authorities = Authorities::new(Sort::P256);
    let reasons = Some(Reasons::KeyCompromise.into());
    let relative = RelativeDistinguishedName::from_str("CN=part").unwrap();
    let relative = DistributionPointName::NameRelativeToCRLIssuer(relative);
    for part in [
        IssuingDistributionPoint { only_some_reasons: reasons, ..everything() },
        IssuingDistributionPoint { indirect_crl: true, ..of(vec![uri(FIRST)]) },
        IssuingDistributionPoint { only_contains_attribute_certs: true, ..everything() },
        IssuingDistributionPoint { only_contains_ca_certs: true, ..of_users() },
        IssuingDistributionPoint { distribution_point: Some(relative), ..everything() },
    ] {
        for is_critical in [true, false] {
            let told = extension("2.5.29.28", is_critical, part.to_der().unwrap());
            let list = authorities.below.list_of(&[], START.0, Some(START.0 + 60), vec![told]);
            assert_eq!(Crl::parse(&list).unwrap_err(), Doubt::Partial, "{part:?}");
        }
    }
    let twice = vec![speaks_of(&of_users()), speaks_of(&of_users())];
    let list = authorities.below.list_of(&[], START.0, Some(START.0 + 60), twice);
    assert_eq!(Crl::parse(&list).unwrap_err(), Doubt::Partial);
    // Not marked as critical, it binds all the same.
    let told = extension("2.5.29.28", false, of_authorities().to_der().unwrap());
    let list = authorities.below.list_of(&[], START.0, Some(START.0 + 60), vec![told]);
    assert_eq!(judge(&authorities, &authorities.enterprise(), &[list]), MISSING);
}

/// A root's list of users says nothing of the authorities below it; its list of authorities does.
#[test]
fn authorities_between_are_judged_by_lists_of_authorities() {
    for sort in [Sort::Sm2, Sort::Rsa(2048)] {
        let authorities = Authorities::new(sort);
        let path = authorities.find(&authorities.enterprise()).unwrap();
        let root = &authorities.root;
        let judge = |list: &[u8]| path.between_by_lists(&[&Crl::parse(list).unwrap()], START);
        assert_eq!(judge(&list(root, &[], &of_users())), Ok(()));
        assert_eq!(judge(&list(root, &[], &of_authorities())), Ok(()));
        for part in [of_users(), of_authorities()] {
            let judged = judge(&list(root, &[authorities.below.serial], &part));
            assert!(matches!(judged, Err(Distrust::Revoked { .. })), "{judged:?}");
        }
        let lapsed = |part: &_| judge(&list_until(root, &[], part, START.0 - 1));
        assert_eq!(lapsed(&of_authorities()), Err(Distrust::Unknown(Doubt::Stale)));
        assert_eq!(lapsed(&of_users()), Ok(()));
    }
}

/// Covers C-07: a list of a part is fetched and believed; whoever brings another part, or the whole, in its place
/// makes nobody good again while it holds.
#[test]
fn another_part_takes_no_lists_place() {
    on_each_database(|on| async move {
        let (address, publisher) = Publisher::start().await;
        let more = format!("crl = [\"{address}/first.crl\"]\nrevocation = \"soft\"");
        let office = Office::open_with(on, &more).await;
        let ctx = &office.app.ctx;
        let (good, bad) = (office.sm2.enterprise(), office.sm2.enterprise());
        let below = &office.sm2.below;
        publisher.say(Some(list(below, &[bad.serial], &of_users())));
        assert_eq!(lists::run(ctx).await.unwrap(), 1);
        assert_eq!(office.code_of(&bad).await, "E_CERT_REVOKED");
        let (_, page) = office.sign_in(&good).await;
        assert!(page.url.contains("choose_handler"), "{}", page.text);
        for other in [of_authorities(), of(vec![uri(SECOND)]), everything()] {
            publisher.say(Some(list(below, &[], &other)));
            office.app.clock.advance(3601);
            assert_eq!(lists::run(ctx).await.unwrap(), 0, "{other:?}");
            assert_eq!(office.code_of(&bad).await, "E_CERT_REVOKED");
        }
        // An authority may divide its lists otherwise, once the one that is there is over.
        office.app.clock.advance(86_400);
        let until = office.app.ctx.now().0 + 86_400;
        publisher.say(Some(list_until(below, &[bad.serial], &everything(), until)));
        assert_eq!(lists::run(ctx).await.unwrap(), 1);
        assert_eq!(office.code_of(&bad).await, "E_CERT_REVOKED");
    });
}
