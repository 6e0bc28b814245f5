//! Every vector of `tests/data/vectors.json` against the parsers and masks.

use hufu::base::clock::Day;
use hufu::domain::mask::{self, Viewer};
use hufu::domain::number::document::{DocumentNumber, DocumentType, initial_password};
use hufu::domain::number::phone::Phone;
use hufu::domain::number::resident::{ResidentNumber, Sex, from_first_generation};
use hufu::domain::number::taxpayer::{TaxpayerNumber, TaxpayerNumberKind, non_resident_code};
use hufu::domain::number::uscc::{Uscc, check_character, is_organisation_code};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../data/vectors.json")).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    let texts: Vec<String> =
        value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect();
    assert!(!texts.is_empty());
    texts
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_object().unwrap();
    pairs.iter().map(|(from, to)| (from.clone(), to.as_str().unwrap().to_owned())).collect()
}

fn today() -> Day {
    Day::from_ymd(2026, 11, 24).unwrap()
}

fn document(kind: DocumentType, text: &str) -> Option<DocumentNumber> {
    DocumentNumber::parse(kind, text, today()).ok()
}

#[test]
fn credit_codes() {
    let all = vectors();
    for text in texts(&all["uscc"]["valid"]) {
        assert!(Uscc::parse(&text).unwrap().inner_check_is_right(), "{text}");
    }
    for text in texts(&all["uscc"]["invalid"]) {
        assert!(Uscc::parse(&text).is_err(), "{text}");
    }
    for text in texts(&all["uscc"]["valid_outer_warn_inner"]) {
        assert!(!Uscc::parse(&text).unwrap().inner_check_is_right(), "{text}");
    }
    for (typed, kept) in pairs(&all["uscc"]["normalised"]) {
        assert_eq!(Uscc::parse(&typed).unwrap().as_str(), kept);
    }
}

#[test]
fn organisation_codes_and_taxpayer_numbers() {
    let all = vectors();
    for text in texts(&all["org_code"]["valid"]) {
        assert!(is_organisation_code(&text), "{text}");
    }
    for text in texts(&all["org_code"]["invalid"]) {
        assert!(!is_organisation_code(&text), "{text}");
    }
    for text in texts(&all["tin15"]["valid"]) {
        let kind = TaxpayerNumber::parse(&text).unwrap().kind();
        assert_eq!(kind, TaxpayerNumberKind::OldOrganisation);
    }
    for text in texts(&all["nr_code_own"]) {
        assert_eq!(TaxpayerNumber::parse(&text).unwrap().kind(), TaxpayerNumberKind::NonResident);
        assert_eq!(check_character(&text[..17]).unwrap(), text.chars().last().unwrap());
        let part = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap();
        assert_eq!(non_resident_code(part(2..8), part(8..11), part(11..17)).unwrap(), text);
    }
    for (text, kind) in [
        ("36010219900307123601", TaxpayerNumberKind::SelfEmployed),
        ("L91360100MA35ABCD43", TaxpayerNumberKind::Temporary),
        ("91360100MA35ABCD43", TaxpayerNumberKind::Uscc),
    ] {
        assert_eq!(TaxpayerNumber::parse(text).unwrap().kind(), kind, "{text}");
    }
    assert!(TaxpayerNumber::parse("91360100MA35ABCD44").is_err());
    assert!(TaxpayerNumber::parse("123").is_err());
}

/// Full-width characters, spaces and lower case lead to the same number.
#[test]
fn what_people_type_is_normalised() {
    let typed = "　９１３６０１００ ma35-abcd43";
    assert_eq!(TaxpayerNumber::parse(typed).unwrap().as_str(), "91360100MA35ABCD43");
}

#[test]
fn resident_numbers() {
    let all = vectors();
    for row in all["resident_id"]["valid"].as_array().unwrap() {
        let number = ResidentNumber::parse(row[0].as_str().unwrap(), today()).unwrap();
        let sex = if row[1] == "F" { Sex::Female } else { Sex::Male };
        assert_eq!(
            (number.sex, number.birth_date.to_string().as_str()),
            (sex, row[2].as_str().unwrap())
        );
    }
    for text in texts(&all["resident_id"]["invalid"]) {
        assert!(ResidentNumber::parse(&text, today()).is_err(), "{text}");
    }
    for (old, new) in pairs(&all["resident_id"]["convert15"]) {
        assert_eq!(from_first_generation(&old), Some(new));
    }
    assert!(document(DocumentType::ResidentIdCard, "810000199408230021").is_none());
}

#[test]
fn permits_passports_and_permanent_residence() {
    let all = vectors();
    let check = |kind, path: &Value, valid: bool| {
        for text in texts(path) {
            assert_eq!(document(kind, &text).is_some(), valid, "{kind:?} {text}");
        }
    };
    let permits = &all["residence_permit"];
    check(DocumentType::HkMacaoResidencePermit, &permits["hk_macao"], true);
    check(DocumentType::TaiwanResidencePermit, &permits["taiwan"], true);
    check(DocumentType::HkMacaoResidencePermit, &permits["invalid"], false);
    check(DocumentType::TaiwanResidencePermit, &permits["invalid"], false);
    check(DocumentType::ChinesePassport, &all["passport_cn"]["valid"], true);
    check(DocumentType::ChinesePassport, &all["passport_cn"]["invalid"], false);
    check(DocumentType::HkMacaoTravelPermit, &all["hk_macao_travel"]["valid"], true);
    check(DocumentType::HkMacaoTravelPermit, &all["hk_macao_travel"]["invalid"], false);
    check(DocumentType::TaiwanTravelPermit, &all["taiwan_travel"]["valid"], true);
    check(DocumentType::TaiwanTravelPermit, &all["taiwan_travel"]["invalid"], false);
    let resident = &all["permanent_resident"];
    check(DocumentType::ForeignPermanentResidentId, &resident["old"], true);
    check(DocumentType::ForeignPermanentResidentId, &resident["invalid_new"], false);
    for row in resident["new"].as_array().unwrap() {
        let number =
            document(DocumentType::ForeignPermanentResidentId, row[0].as_str().unwrap()).unwrap();
        assert_eq!(number.sex, Some(if row[3] == "F" { Sex::Female } else { Sex::Male }));
    }
    for text in texts(&resident["warn_old"]) {
        assert!(document(DocumentType::ForeignPermanentResidentId, &text).unwrap().is_doubtful);
    }
    for pair in all["hk_macao_travel"]["same_person"].as_array().unwrap() {
        let kind = DocumentType::HkMacaoTravelPermit;
        let (one, other) =
            (document(kind, pair[0].as_str().unwrap()), document(kind, pair[1].as_str().unwrap()));
        assert_eq!(one.unwrap().comparable(), other.unwrap().comparable());
    }
}

#[test]
fn phones() {
    let all = vectors();
    for text in texts(&all["mobile_cn"]["valid"]) {
        assert_eq!(Phone::parse(&text).unwrap().as_str(), format!("+86{text}"));
    }
    for text in texts(&all["mobile_cn"]["invalid"]) {
        assert!(Phone::parse(&text).is_err(), "{text}");
    }
    assert_eq!(Phone::parse("+86 138-0013-8000").unwrap().national(), "13800138000");
    assert_eq!(Phone::parse("+85291234567").unwrap().national(), "+85291234567");
    for data_only in ["14012345678", "14112345678", "14401234567", "14612345678", "14812345678"] {
        assert!(Phone::parse(data_only).is_err(), "{data_only}");
        // Somebody may have given it before.
        assert!(Phone::kept(&format!("+86{data_only}")).is_ok(), "{data_only}");
        assert!(Phone::asked(data_only).is_ok(), "{data_only}");
    }
    assert!(Phone::parse("14412345678").is_ok());
}

///
#[test]
fn masks() {
    let all = vectors();
    let mask = |name: &str, apply: &dyn Fn(&str) -> String| {
        for (plain, masked) in pairs(&all["mask"][name]) {
            assert_eq!(apply(&plain), masked);
        }
    };
    mask("name", &mask::name);
    mask("id_self", &|text| mask::document(text, Viewer::Own));
    mask("id_other", &|text| mask::document(text, Viewer::Other));
    mask("phone_self", &|text| mask::phone(text, Viewer::Own));
    mask("email_self", &|text| mask::email(text, Viewer::Own));
    mask("company", &mask::company);
    mask("address", &mask::address);
    assert_eq!(mask::phone("13800138000", Viewer::Other), "138******00");
    assert_eq!(mask::enterprise_number("91360100MA35ABCD43"), "9136**********CD43");
    assert_eq!(mask::name("𠮷野家"), "𠮷*家");
    assert_eq!(mask::address_of_host("203.0.113.7".parse().unwrap()), "203.0.113.*");
}

#[test]
fn initial_passwords_are_the_last_six() {
    for (number, password) in pairs(&vectors()["initial_password"]) {
        assert_eq!(initial_password(&number), password);
    }
}
