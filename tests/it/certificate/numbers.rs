//! Where the enterprise's number stands.

use der::Encode;
use hufu::certificate::number::{NumberRule, Source};

use super::NUMBER;
use crate::kit::pki::{Issued, SIGNS, Sort, TAX_NUMBER, Wanted, extension, usage};

fn read(source: &str, pattern: Option<&str>, wanted: &Wanted) -> Option<String> {
    let root = Issued::root(Sort::P256, "CN=Root");
    let rule = NumberRule::new(source.parse().unwrap(), pattern).unwrap();
    rule.read(&root.issue(wanted).parsed())
}

fn with_extension(value: Vec<u8>) -> Wanted {
    let extensions = vec![usage(SIGNS), extension(TAX_NUMBER, false, value)];
    Wanted { extensions, ..Wanted::enterprise(NUMBER) }
}

/// Covers C-09 in part: the number is read by the authority's rule, whatever the serial number is.
#[test]
fn an_extension_holds_a_string_of_any_kind_or_a_bare_one() {
    let source = format!("ext:{TAX_NUMBER}");
    let read = |value| read(&source, None, &with_extension(value));
    let number = Some(NUMBER.to_owned());
    let printable = der::asn1::PrintableStringRef::new(NUMBER).unwrap().to_der().unwrap();
    assert_eq!(read(printable), number);
    let utf8 = der::asn1::Utf8StringRef::new(NUMBER).unwrap().to_der().unwrap();
    assert_eq!(read(utf8), number);
    let ia5 = der::asn1::Ia5StringRef::new(NUMBER).unwrap().to_der().unwrap();
    assert_eq!(read(ia5), number);
    assert_eq!(read(NUMBER.as_bytes().to_vec()), number);
    let wide: Vec<u8> = NUMBER.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wide = [&[0x1e, u8::try_from(wide.len()).unwrap()][..], &wide].concat();
    assert_eq!(read(wide), number);
    for wrong in [vec![], vec![0x13, 0], vec![0x13, 5, b'1'], vec![0x30, 0], vec![0xff; 20]] {
        assert_eq!(read(wrong.clone()), None, "{wrong:?}");
    }
    assert_eq!(read(vec![b'9'; 250]), None);
}

#[test]
fn a_subject_may_hold_it_among_other_things() {
    let subject = format!("CN=江西示例@{NUMBER}@01,OU=税务,OU=2026");
    let wanted = Wanted { subject, ..Wanted::enterprise(NUMBER) };
    let pattern = Some(r".*@([0-9A-Z]{18})@\d\d");
    assert_eq!(read("subject:CN", pattern, &wanted).as_deref(), Some(NUMBER));
    assert_eq!(read("subject:2.5.4.3", pattern, &wanted).as_deref(), Some(NUMBER));
    // The whole value must fit.
    assert_eq!(read("subject:CN", Some("([0-9A-Z]{18})"), &wanted), None);
    assert_eq!(read("subject:O", None, &wanted), None);
    assert_eq!(read("subject:OU", Some(r"(\d{4})"), &wanted).as_deref(), Some("2026"));
}

/// Two numbers in one certificate belong to nobody.
#[test]
fn nobody_guesses_between_two() {
    let subject = "OU=91360100MA35ABCD43,OU=91360102MA7XYT127D".to_owned();
    let wanted = Wanted { subject, ..Wanted::enterprise(NUMBER) };
    assert_eq!(read("subject:OU", Some("(9136.*)"), &wanted), None);
    let subject = format!("OU={NUMBER},OU={NUMBER}");
    let wanted = Wanted { subject, ..Wanted::enterprise(NUMBER) };
    assert_eq!(read("subject:OU", Some("(9136.*)"), &wanted).as_deref(), Some(NUMBER));
}

#[test]
fn rules_that_say_nothing_are_refused() {
    for wrong in ["", "ext:", "ext:abc", "subject:", "subject:Name", "cn", "EXT:1.2.3"] {
        assert!(wrong.parse::<Source>().is_err(), "{wrong}");
    }
    let source: Source = "subject:CN".parse().unwrap();
    for wrong in ["no group", "(two)(groups)", "(unclosed", "(?:none)"] {
        assert!(NumberRule::new(source, Some(wrong)).is_err(), "{wrong}");
    }
    assert!(NumberRule::new(source, Some("(a|b)")).is_ok());
}
