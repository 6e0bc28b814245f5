//! Who is trusted, and each reason not to.

use hufu::certificate::{Certificate, Distrust, Kind, Path, Trust, Untrusted};

use super::{Authorities, NUMBER, SORTS, find};
use crate::kit::START;
use crate::kit::pki::{
    CLIENT_AUTH, ENCRYPTS, ISSUES, Issued, Key, OCSP_SIGNING, SIGNS, Sort, TAX_NUMBER, Wanted,
    YEAR, constraints, extension, oid, usage, uses,
};

fn untrusted(found: Result<Path, Distrust>, why: Untrusted) {
    assert_eq!(found.unwrap_err(), Distrust::Untrusted(why));
}

/// Covers C-06: national certificates and others.
#[test]
fn both_kinds_lead_to_their_authority() {
    for sort in SORTS {
        let authorities = Authorities::new(sort);
        let leaf = authorities.enterprise();
        let path = authorities.find(&leaf).unwrap();
        assert_eq!(path.leaf().der(), leaf.der);
        assert_eq!(path.issuer().der(), authorities.below.der);
        assert_eq!(path.anchor().der(), authorities.root.der);
        let is_national = sort == Sort::Sm2;
        assert_eq!(path.leaf().kind().map(Kind::is_national), Some(is_national));
        // What the realm knows need not be sent.
        let anchors = [authorities.root.parsed()];
        let between = [authorities.below.parsed()];
        let trust = Trust { anchors: &anchors, between: &between, understood: &[] };
        assert!(Path::find(&leaf.parsed(), &[], trust, START).is_ok());
        untrusted(authorities.find_with(&leaf, &[]), Untrusted::NoIssuer);
        // An authority below may be trusted by itself.
        assert!(find(&leaf, &[], &between, START).is_ok());
    }
}

/// Covers C-07: an issuer that is not trusted, and one that takes a trusted one's name.
#[test]
fn names_alone_make_no_authority() {
    for sort in [Sort::Sm2, Sort::P256] {
        let authorities = Authorities::new(sort);
        let stranger = Authorities::new(sort);
        let foreign = stranger.enterprise();
        untrusted(authorities.find_with(&foreign, &[&stranger.below]), Untrusted::Signature);
        untrusted(
            authorities.find_with(&foreign, &[&stranger.below, &stranger.root]),
            Untrusted::Signature,
        );
        untrusted(authorities.find_with(&foreign, &[&authorities.below]), Untrusted::Signature);
        let own = Issued::root(sort, "CN=Somebody else");
        untrusted(authorities.find(&own.issue(&Wanted::enterprise(NUMBER))), Untrusted::NoIssuer);
        // An enterprise that issues certificates to itself.
        let leaf = authorities.enterprise();
        let child = leaf.issue(&Wanted::enterprise(NUMBER));
        untrusted(
            authorities.find_with(&child, &[&leaf, &authorities.below]),
            Untrusted::MayNotIssue,
        );
    }
}

/// Covers C-07: expired, and not yet valid, each to the second.
#[test]
fn time_is_kept_to_the_second() {
    let authorities = Authorities::new(Sort::P256);
    let leaf = authorities.enterprise();
    let anchors = [authorities.root.parsed()];
    let at = |seconds| find(&leaf, &[&authorities.below], &anchors, START.plus(seconds));
    assert!(at(YEAR).is_ok());
    assert!(at(-YEAR).is_ok());
    let below_lives_on =
        Wanted { not_after: START.0 + 3 * YEAR, ..Wanted::authority("CN=S", None) };
    let below = authorities.root.issue(&below_lives_on);
    let leaf = below.issue(&Wanted::enterprise(NUMBER));
    let at = |seconds| find(&leaf, &[&below], &anchors, START.plus(seconds));
    assert_eq!(at(YEAR + 1).unwrap_err(), Distrust::Expired);
    let early = Wanted { not_before: START.0 + 1, ..Wanted::enterprise(NUMBER) };
    let early = below.issue(&early);
    assert_eq!(find(&early, &[&below], &anchors, START).unwrap_err(), Distrust::NotYetValid);
    assert!(find(&early, &[&below], &anchors, START.plus(1)).is_ok());
    let long = Wanted { not_after: START.0 + 9 * YEAR, ..Wanted::enterprise(NUMBER) };
    let long = below.issue(&long);
    let late = find(&long, &[&below], &anchors, START.plus(3 * YEAR + 1));
    untrusted(late, Untrusted::IssuerExpired);
}

/// A token's second certificate, an authority's own, one for something else.
#[test]
fn what_a_certificate_is_for_counts() {
    let authorities = Authorities::new(Sort::Sm2);
    let with = |extensions| {
        let wanted = Wanted { extensions, ..Wanted::enterprise(NUMBER) };
        authorities.find(&authorities.below.issue(&wanted))
    };
    for extensions in [
        vec![usage(ENCRYPTS)],
        vec![usage(&[1])],
        vec![],
        vec![usage(SIGNS), constraints(None)],
        vec![usage(SIGNS), uses(&["1.3.6.1.5.5.7.3.1"])],
    ] {
        assert_eq!(with(extensions).unwrap_err(), Distrust::NotForSigning);
    }
    assert!(with(vec![usage(SIGNS), uses(&["1.3.6.1.5.5.7.3.4", CLIENT_AUTH])]).is_ok());
    assert!(with(vec![usage(SIGNS), uses(&["2.5.29.37.0"])]).is_ok());
    let own = find(&authorities.below, &[], &[authorities.root.parsed()], START);
    assert_eq!(own.unwrap_err(), Distrust::NotForSigning);
}

/// basicConstraints, pathLenConstraint, keyUsage and extendedKeyUsage of who issues.
#[test]
fn who_issues_must_be_allowed_to() {
    let root = Issued::root(Sort::P256, "CN=Root");
    let anchors = [root.parsed()];
    let below = |extensions| {
        let wanted = Wanted { extensions, ..Wanted::authority("CN=Sub", None) };
        let below = root.issue(&wanted);
        let leaf = below.issue(&Wanted::enterprise(NUMBER));
        find(&leaf, &[&below], &anchors, START)
    };
    untrusted(below(vec![usage(ISSUES)]), Untrusted::MayNotIssue);
    untrusted(below(vec![constraints(None), usage(SIGNS)]), Untrusted::MayNotIssue);
    untrusted(below(vec![constraints(None), usage(&[6])]), Untrusted::MayNotIssue);
    let other = uses(&[OCSP_SIGNING]);
    untrusted(below(vec![constraints(None), usage(ISSUES), other]), Untrusted::MayNotIssue);
    let named = extension("2.5.29.30", false, vec![0x30, 0]);
    untrusted(below(vec![constraints(None), usage(ISSUES), named]), Untrusted::Critical);
    assert!(below(vec![constraints(Some(0)), usage(ISSUES)]).is_ok());
    // One below one that may have none below.
    let flat = root.issue(&Wanted::authority("CN=Flat", Some(0)));
    let deep = flat.issue(&Wanted::authority("CN=Deep", None));
    let leaf = deep.issue(&Wanted::enterprise(NUMBER));
    untrusted(find(&leaf, &[&flat, &deep], &anchors, START), Untrusted::MayNotIssue);
    let roomy = root.issue(&Wanted::authority("CN=Roomy", Some(1)));
    let deep = roomy.issue(&Wanted::authority("CN=Deep", None));
    let leaf = deep.issue(&Wanted::enterprise(NUMBER));
    assert!(find(&leaf, &[&deep, &roomy], &anchors, START).is_ok(), "sent in any order");
}

#[test]
fn critical_extensions_must_be_understood() {
    let authorities = Authorities::new(Sort::P256);
    let with = |critical| {
        let unknown = extension("1.2.3.4", critical, vec![5, 0]);
        let extensions = vec![usage(SIGNS), unknown];
        authorities.below.issue(&Wanted { extensions, ..Wanted::enterprise(NUMBER) })
    };
    assert!(authorities.find(&with(false)).is_ok());
    untrusted(authorities.find(&with(true)), Untrusted::Critical);
    // Unless the realm reads the enterprise's number there.
    let anchors = [authorities.root.parsed()];
    let between = [authorities.below.parsed()];
    let understood = [oid("1.2.3.4")];
    let trust = Trust { anchors: &anchors, between: &between, understood: &understood };
    assert!(Path::find(&with(true).parsed(), &[], trust, START).is_ok());
    let national = extension(TAX_NUMBER, true, vec![0x13, 1, b'1']);
    let extensions = vec![usage(SIGNS), national];
    let leaf = authorities.below.issue(&Wanted { extensions, ..Wanted::enterprise(NUMBER) });
    untrusted(authorities.find(&leaf), Untrusted::Critical);
}

#[test]
fn weak_keys_and_algorithms_are_refused() {
    let root = Issued::root(Sort::Rsa(2048), "CN=Root");
    let anchors = [root.parsed()];
    let short = root.issue_for(Key::new(Sort::Rsa(1024)), &Wanted::enterprise(NUMBER));
    untrusted(find(&short, &[], &anchors, START), Untrusted::Algorithm);
    assert_eq!(short.parsed().kind(), None);
    let weak = Issued::root(Sort::Rsa(1024), "CN=Weak");
    let leaf = weak.issue_for(Key::new(Sort::P256), &Wanted::enterprise(NUMBER));
    untrusted(find(&leaf, &[], &[weak.parsed()], START), Untrusted::Signature);
}

/// The one inside is what is signed; the one outside is anybody's.
#[test]
fn two_algorithms_that_differ_are_refused() {
    let root = Issued::root(Sort::Sm2, "CN=Root");
    let inner = Key::new(Sort::P256).algorithm();
    let wanted = Wanted { inner: Some(inner), ..Wanted::enterprise(NUMBER) };
    let bent = root.issue(&wanted);
    assert!(matches!(Certificate::parse(&bent.der), Err(Distrust::Malformed(_))));
    let old = root.issue(&Wanted { version: 0, ..Wanted::enterprise(NUMBER) });
    assert!(matches!(Certificate::parse(&old.der), Err(Distrust::Malformed(_))));
    let twice = vec![usage(SIGNS), usage(SIGNS)];
    let twice = root.issue(&Wanted { extensions: twice, ..Wanted::enterprise(NUMBER) });
    assert!(matches!(Certificate::parse(&twice.der), Err(Distrust::Malformed(_))));
    let good = root.issue(&Wanted::enterprise(NUMBER));
    let longer = [&good.der[..], &[0]].concat();
    assert!(matches!(Certificate::parse(&longer), Err(Distrust::Malformed(_))));
    assert!(matches!(Certificate::parse(&vec![0x30; 20_000]), Err(Distrust::Malformed(_))));
    assert!(matches!(Certificate::parse(b""), Err(Distrust::Malformed(_))));
}

/// An authority writes its name in other letters and another kind of string in what it issues.
#[test]
fn names_are_compared_as_people_read_them() {
    let root = Issued::root(Sort::P256, "CN=Test  Root,O=Test");
    let other_letters = Issued { name: "CN=TEST ROOT,O=test".parse().unwrap(), ..root.clone() };
    let leaf = other_letters.issue(&Wanted::enterprise(NUMBER));
    assert!(find(&leaf, &[], &[root.parsed()], START).is_ok());
    let another = Issued { name: "CN=TestRoot,O=test".parse().unwrap(), ..root.clone() };
    let leaf = another.issue(&Wanted::enterprise(NUMBER));
    untrusted(find(&leaf, &[], &[root.parsed()], START), Untrusted::NoIssuer);
}

/// A stranger chooses what is sent: circles and crowds of the same name end.
#[test]
fn a_stranger_cannot_keep_us_busy() {
    let authorities = Authorities::new(Sort::P256);
    let leaf = authorities.enterprise();
    let crowd: Vec<Issued> = (0..5).map(|_| authorities.below.clone()).collect();
    let sent: Vec<&Issued> = crowd.iter().collect();
    untrusted(authorities.find_with(&leaf, &sent), Untrusted::TooLong);
    // Each certifies the other, none leads anywhere.
    let one = Issued::root(Sort::P256, "CN=One");
    let two = Issued::root(Sort::P256, "CN=Two");
    let by_two = two.issue_for(one.key.clone(), &Wanted::authority("CN=One", None));
    let by_one = one.issue_for(two.key.clone(), &Wanted::authority("CN=Two", None));
    let leaf = one.issue(&Wanted::enterprise(NUMBER));
    let circle = authorities.find_with(&leaf, &[&by_two, &by_one, &one, &two]);
    assert!(matches!(circle.unwrap_err(), Distrust::Untrusted(_)));
    // A chain that is longer than any real one.
    let mut chain = vec![authorities.root.clone()];
    for depth in 0..4 {
        let next = chain.last().unwrap().issue(&Wanted::authority(&format!("CN=L{depth}"), None));
        chain.push(next);
    }
    let leaf = chain.last().unwrap().issue(&Wanted::enterprise(NUMBER));
    let sent: Vec<&Issued> = chain.iter().skip(1).collect();
    untrusted(authorities.find_with(&leaf, &sent), Untrusted::TooLong);
}

/// Two keys of one authority: key identifiers say which, and a wrong guess costs nothing.
#[test]
fn an_authority_may_have_two_keys() {
    let old = Issued::root(Sort::Sm2, "CN=Root");
    let new = Issued::root(Sort::Sm2, "CN=Root");
    let anchors = [old.parsed(), new.parsed()];
    for root in [&old, &new] {
        let leaf = root.issue(&Wanted::enterprise(NUMBER));
        let path = find(&leaf, &[], &anchors, START).unwrap();
        assert_eq!(path.anchor().der(), root.der);
    }
}
