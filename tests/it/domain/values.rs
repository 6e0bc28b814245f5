//! The right values, as a table: what was written, what is compared with it, equal or not.

use std::collections::HashSet;
use std::hash::Hash;

use hufu::base::clock::Day;
use hufu::domain::number::code::{OneTimeCode, RecoveryCode};
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::number::email::EmailAddress;
use hufu::domain::number::name::PersonName;
use hufu::domain::number::phone::Phone;
use hufu::domain::number::record::RecordNumber;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::domain::number::username::Username;
use hufu::domain::number::{NumberError, normalise};
use proptest::prelude::*;

fn today() -> Day {
    Day::from_ymd(2026, 11, 24).unwrap()
}

/// Each row both ways, by `==` and as the key of a map.
fn check<T: Eq + Hash + Clone + std::fmt::Debug>(
    parse: impl Fn(&str) -> Result<T, NumberError>,
    table: &[(&str, &str, bool)],
) {
    let one = |text: &str| parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    for (written, compared, is_equal) in table {
        let (left, right) = (one(written), one(compared));
        assert_eq!(left == right, *is_equal, "{written:?} and {compared:?}");
        assert_eq!(right == left, *is_equal, "{compared:?} and {written:?}");
        let keys: HashSet<T> = [left].into();
        assert_eq!(keys.contains(&right), *is_equal, "{written:?} as a key of {compared:?}");
    }
}

fn refused<T>(parse: impl Fn(&str) -> Result<T, NumberError>, texts: &[&str]) {
    for text in texts {
        assert!(parse(text).is_err(), "{text:?} is taken");
    }
}

/// A day has one way to be written, whose order as a text is the order of days; none is later than the last.
#[test]
fn days() {
    for (text, is_day) in [
        ("2026-11-24", true),
        ("1900-01-01", true),
        ("9999-12-31", true),
        ("1899-12-31", false),
        ("0026-11-24", false),
        ("+10000-01-01", false),
        ("10000-01-01", false),
        ("+2026-11-24", false),
        ("-2026-11-24", false),
        ("26-11-24", false),
        ("2026-1-24", false),
        ("2026-11-4", false),
        ("2026-02-30", false),
        (" 2026-11-24", false),
        ("2026-11-24 ", false),
        ("2026/11/24", false),
        ("２０２６-11-24", false),
        ("", false),
    ] {
        let day = Day::parse(text);
        assert_eq!(day.is_some(), is_day, "{text:?}");
        assert!(day.is_none_or(|day| day.to_string() == text), "{text:?}");
    }
    let last = Day::parse("9999-12-31").unwrap();
    for (day, days, later) in [
        ("2026-11-24", 7, "2026-12-01"),
        ("9999-12-30", 1, "9999-12-31"),
        ("9999-12-31", 1, "9999-12-31"),
        ("2026-11-24", u64::MAX, "9999-12-31"),
    ] {
        let found = Day::parse(day).unwrap().plus_days(days).to_string();
        assert_eq!(found, later, "{day} and {days}");
    }
    assert_eq!(last.end().since(last.start()), 86_399);
    assert_eq!(last.end().day(), last);
}

/// Only what begins with a surname that everybody knows is cut.
#[test]
fn surnames() {
    for (name, parts) in [
        ("李芳", Some(("李", "芳"))),
        ("王小明", Some(("王", "小明"))),
        ("欧阳娜", Some(("欧阳", "娜"))),
        ("欧阳娜娜", Some(("欧阳", "娜娜"))),
        ("欧阳", Some(("欧", "阳"))),
        ("司马相如", Some(("司马", "相如"))),
        ("单于某", Some(("单于", "某"))),
        ("单某", Some(("单", "某"))),
        ("李", None),
        ("阿里木江", None),
        ("买买提", None),
        ("买买提·艾力", None),
        ("李·芳", None),
        ("张王小明", None),
        ("司马相如如", None),
        ("John Miller", None),
        ("LI FANG", None),
    ] {
        assert_eq!(PersonName::kept(name).parts(), parts, "{name}");
    }
}

#[test]
fn names() {
    check(
        PersonName::parse,
        &[
            ("买买提·艾力", "买买提.艾力", true),
            ("买买提·艾力", "买买提•艾力", true),
            ("买买提·艾力", "买买提・艾力", true),
            ("买买提·艾力", "买买提･艾力", true),
            ("买买提·艾力", "买买提‧艾力", true),
            ("买买提·艾力", "买买提．艾力", true),
            ("买买提·艾力", "买买提 · 艾力", true),
            ("买买提·艾力", "买买提··艾力", true),
            ("买买提·艾力", "买买提艾力", false),
            ("努尔兰·哈萨克拜·叶尔肯", "努尔兰.哈萨克拜.叶尔肯", true),
            ("张三", " 张 三 ", true),
            ("张三", "张\u{3000}三", true),
            ("张三", "张\u{200b}三", true),
            ("张三", "张山", false),
            ("刘䶮", "刘\u{e863}", true),
            ("刘䶮", "刘龑", false),
            ("𠮷野", "吉野", false),
            // A compatibility ideograph (NFKC).
            ("金龍", "\u{f90a}龍", true),
            ("John Smith", "JOHN SMITH", true),
            ("John Smith", "Ｊｏｈｎ　Ｓｍｉｔｈ", true),
            ("John Smith", " john   smith ", true),
            ("John Smith", "JohnSmith", false),
            ("John Smith", "Smith John", false),
            ("Seán O'Brien", "SEAN O’BRIEN", true),
            ("Anne-Marie", "Anne\u{2011}Marie", true),
            ("José Núñez", "Jose\u{301} NUNEZ", true),
            ("Jürgen Müller", "JURGEN MULLER", true),
            ("Müller", "Mueller", false),
            ("Straße", "STRASSE", true),
            // Marks make other letters where the letters are not Latin.
            ("Йолдаш", "Иолдаш", false),
            ("Əли", "əли", true),
            ("ئەلى", "ئەلى", true),
            ("Қазақ Нұрлан", "ҚАЗАҚ НҰРЛАН", true),
        ],
    );
    refused(
        PersonName::parse,
        &[
            "",
            " ",
            "张",
            "·张三",
            "张三·",
            "张3",
            "张John",
            "J0hn",
            "..",
            "-",
            "张\n三",
            "A\u{0}B",
            "张\t三",
            &"张".repeat(26),
            &"A".repeat(101),
            &"长".repeat(2000),
            "<b>",
            "张三；",
        ],
    );
    for (given, shown) in [
        (" 张 三 ", "张三"),
        ("买买提.艾力", "买买提·艾力"),
        ("  John   Smith", "John Smith"),
        ("José", "José"),
        ("J. R. Smith", "J. R. Smith"),
    ] {
        assert_eq!(PersonName::parse(given).unwrap().as_str(), shown);
    }
    let name = PersonName::parse("买买提·艾力").unwrap();
    assert!(name.holds("提.艾") && name.holds("艾 力") && name.holds("") && !name.holds("力艾"));
    assert!(PersonName::parse("José Smith").unwrap().holds("jose s"));
}

#[test]
fn documents() {
    use DocumentType::{
        ChinesePassport, ForeignPassport, HkMacaoTravelPermit, ResidentIdCard, TaiwanTravelPermit,
    };
    for (kind, table) in [
        (
            HkMacaoTravelPermit,
            [
                ("H1234567801", "H12345678", true),
                ("h12345678 02", "Ｈ1234567801", true),
                ("H12345678", "M12345678", false),
            ],
        ),
        (
            TaiwanTravelPermit,
            [
                ("1234567801", "12345678", true),
                ("1234567801(A)", "1234567802（B）", true),
                ("12345678", "12345679", false),
            ],
        ),
        (
            ResidentIdCard,
            [
                ("36040219851101451２", "360402198511014512", true),
                ("11010519491231002x", "11010519491231002X", true),
                ("360102199003071236", "360121198802290026", false),
            ],
        ),
        (
            ChinesePassport,
            [
                ("e12345678", "E 1234-5678", true),
                ("E12345678", "E12345679", false),
                ("P1234567", "S1234567", false),
            ],
        ),
    ] {
        check(|text| DocumentNumber::parse(kind, text, today()), &table);
    }
    let of = |kind, text| DocumentNumber::parse(kind, text, today()).unwrap();
    for (one, other) in [
        (of(TaiwanTravelPermit, "12345678"), of(ForeignPassport, "12345678")),
        (of(HkMacaoTravelPermit, "H12345678"), of(ChinesePassport, "H12345678")),
        (of(ChinesePassport, "E12345678"), of(ForeignPassport, "E12345678")),
    ] {
        assert_eq!(one.comparable(), other.comparable());
        assert_ne!(one, other, "another kind is another document");
    }
    assert_eq!(of(TaiwanTravelPermit, "1234567801(A)").as_str(), "1234567801");
    refused(
        |text| DocumentNumber::parse(TaiwanTravelPermit, text, today()),
        &["12345678(A)1", "1234567801(a", "(A)", "1234567801()", "123456789", ""],
    );
}

/// What a number typed without its kind can be.
#[test]
fn candidates() {
    let kinds = |text: &str| -> Vec<&str> {
        let found = DocumentNumber::candidates(text, today());
        found.iter().map(|number| number.kind.name()).collect()
    };
    let works = ["foreign_work_permit_a", "foreign_work_permit_b", "foreign_work_permit_c"];
    for (text, known) in [
        ("360102199003071236", vec!["resident_id_card", "foreign_passport"]),
        ("810000199408230021", vec!["hk_macao_residence_permit", "foreign_passport"]),
        ("12345678", vec!["taiwan_travel_permit", "foreign_passport"]),
        ("H1234567801", vec!["hk_macao_travel_permit", "foreign_passport"]),
        ("h12345678", vec!["hk_macao_travel_permit", "chinese_passport", "foreign_passport"]),
        ("P.1234567", vec!["chinese_passport"]),
    ] {
        let found = kinds(text);
        assert_eq!(
            found.iter().filter(|kind| !works.contains(kind)).count(),
            known.len(),
            "{text}"
        );
        assert!(known.iter().all(|kind| found.contains(kind)), "{text} {found:?}");
    }
    assert!(kinds("1234567801(A)") == ["taiwan_travel_permit"]);
    for text in ["", "张三", "1", "a@example.com", "+8613800138000", "1234567801(A", "\u{0}"] {
        assert!(kinds(text).is_empty(), "{text:?}");
    }
    let old = DocumentNumber::candidates("610104620927690", today());
    let resident = old.iter().find(|number| number.kind == DocumentType::ResidentIdCard);
    assert_eq!(resident.unwrap().as_str(), "610104196209276908");
    let named = DocumentNumber::referred_to("taiwan_travel_permit:12345678", today());
    assert_eq!(
        named.iter().map(|one| one.kind).collect::<Vec<_>>(),
        [DocumentType::TaiwanTravelPermit]
    );
    assert!(DocumentNumber::referred_to("passport:12345678", today()).is_empty());
}

#[test]
fn numbers_of_enterprises_and_records() {
    check(
        TaxpayerNumber::parse,
        &[
            ("91360100MA35ABCD43", "91360100ma35abcd43", true),
            ("91360100MA35ABCD43", "　９１３６０１００ ma35-abcd43", true),
            ("91360100MA35ABCD43", "360102708461136", false),
            ("FJ3601003440000024", "fj3601003440000024", true),
        ],
    );
    check(
        RecordNumber::parse,
        &[
            ("赣〔2026〕1号", "赣[2026]1号", true),
            ("赣〔2026〕1号", "赣【2026】 1 号", true),
            ("赣〔2026〕1号", "赣［２０２６］1号", true),
            ("T-9", "t9", true),
            ("赣〔2026〕1号", "赣〔2026〕11号", false),
        ],
    );
    refused(RecordNumber::parse, &["", " ", "-", "1\n2", "1\u{0}", &"1".repeat(61)]);
    refused(TaxpayerNumber::registered, &["", "号", "9.1", "1\u{0}", &"1".repeat(31)]);
}

/// Whose a mail domain is, as far as names tell.
#[test]
fn a_mail_domain_is_of_a_site() {
    for (address, site) in [
        ("x@example.com", "example.com"),
        ("x@a.b.Example.com", "example.com"),
        ("x@example.com.hk", "example.com.hk"),
        ("x@a.example.com.hk", "example.com.hk"),
        ("x@qq.com", "qq.com"),
        // Somebody's own, however short.
        ("x@a.qq.com", "qq.com"),
        ("x@a.163.com", "163.com"),
        ("x@mail.com", "mail.com"),
        ("x@a.vx.cn", "vx.cn"),
        ("x@a.com.com", "com.com"),
        ("x@a.co.uk", "a.co.uk"),
    ] {
        assert_eq!(EmailAddress::parse(address).unwrap().site(), site, "{address}");
    }
}

/// What providers let people add to the name of their mailbox makes no other of it.
#[test]
fn a_mailbox_is_one_whatever_is_added() {
    for (address, mailbox) in [
        ("Anna@example.com", "anna@example.com"),
        ("anna+tax@example.com", "anna@example.com"),
        ("anna+1+2@Example.com", "anna@example.com"),
    ] {
        assert_eq!(EmailAddress::parse(address).unwrap().mailbox(), mailbox, "{address}");
    }
}

#[test]
fn phones_addresses_and_usernames() {
    check(
        Phone::parse,
        &[
            ("13800138000", "+86 138-0013-8000", true),
            ("13800138000", "１３８００１３８０００", true),
            ("+85291234567", "+852 9123 4567", true),
            ("13800138000", "13800138001", false),
        ],
    );
    check(
        EmailAddress::parse,
        &[
            ("zhangsan@example.com", "ZhangSan@Example.COM", true),
            ("zhangsan@example.com", " zhangsan＠example．com ", true),
            ("max@bücher.example", "max@xn--bcher-kva.example", true),
            ("max@bücher.example", "MAX@BÜCHER.EXAMPLE", true),
            ("张三@example.com", "张三@example.com", true),
            ("zhang.san@example.com", "zhangsan@example.com", false),
            ("a+b@example.com", "a@example.com", false),
        ],
    );
    refused(
        EmailAddress::parse,
        &[
            "",
            "a",
            "@example.com",
            "a@",
            "a@b@example.com",
            "a b@example.com",
            "a@example",
            ".a@example.com",
            "a..b@example.com",
            "a@-x.com",
            "a@exa mple.com",
            "a\u{0}@example.com",
            "a\n@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a\"@example.com",
            "a@example..com",
            "<a@example.com>",
        ],
    );
    let address = EmailAddress::parse(" Max@Bücher.example").unwrap();
    assert_eq!(address.as_str(), "Max@Bücher.example");
    assert_eq!(address.deliverable(), "Max@xn--bcher-kva.example");
    check(
        Username::parse,
        &[
            ("wangxm", "WangXM", true),
            ("wangxm", " ｗａｎｇｘｍ ", true),
            ("wang.xm", "wangxm", false),
            ("wang-xm", "wangxm", false),
        ],
    );
    refused(Username::parse, &["", "wan", "1wang", "wang xm", "王小明", "wang\u{0}"]);
    assert!(Username::parse("E12345678").is_ok(), "may be looked up");
    assert!(Username::choose("E12345678", today()).is_err(), "and not be taken");
}

#[test]
fn codes() {
    for typed in ["123456", "123 456", "１２３４５６", "123-456", " 123\u{a0}456\n", "1 2 3 4 5 6"]
    {
        let code = OneTimeCode::parse(typed).unwrap();
        assert_eq!(code.secret().expose(), "123456", "{typed}");
    }
    assert_eq!(OneTimeCode::parse("000007").unwrap().secret().expose(), "000007");
    refused(OneTimeCode::parse, &["", "12345", "1234567", "12345a", "一二三四五六", "١٢٣٤٥٦"]);
    for typed in ["ABCDE-23456", "abcde 23456", "ＡＢＣＤＥ２３４５６"] {
        let code = RecoveryCode::parse(typed).unwrap();
        assert_eq!(code.secret().expose(), "ABCDE-23456", "{typed}");
    }
    refused(RecoveryCode::parse, &["", "ABCDE-2345", "ABCDE-234567", "ABCDE-2345!"]);
}

proptest! {
    /// What is kept parses to itself, and is equal to what it came from.
    #[test]
    fn parsing_is_stable(text in "\\PC{0,40}|[0-9A-Za-z .·\\-\u{ff21}-\u{ff3a}张三艾力]{1,20}|[张🉐oa .·¯´¨\u{200b}\u{304}]{1,8}") {
        let once = normalise(&text);
        prop_assert_eq!(normalise(&once), once.clone());
        let name = PersonName::kept(&text);
        let again = PersonName::kept(name.as_str());
        prop_assert_eq!(&again, &name);
        prop_assert_eq!(again.as_str(), name.as_str());
        if let Ok(name) = PersonName::parse(&text) {
            let again = PersonName::parse(name.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), name.as_str());
        }
        if let Ok(email) = EmailAddress::parse(&text) {
            let again = EmailAddress::parse(email.as_str()).unwrap();
            prop_assert_eq!(again.comparable(), email.comparable());
        }
        if let Ok(number) = RecordNumber::parse(&text) {
            let again = RecordNumber::parse(number.comparable()).unwrap();
            prop_assert_eq!(again.comparable(), number.comparable());
        }
        for number in DocumentNumber::candidates(&text, today()) {
            let again = DocumentNumber::parse(number.kind, number.as_str(), today()).unwrap();
            prop_assert_eq!(&again, &number);
            let short = DocumentNumber::parse(number.kind, number.comparable(), today()).unwrap();
            prop_assert_eq!(short.comparable(), number.comparable());
        }
    }

    /// No text, however strange, is more than refused.
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        let _ = (PersonName::parse(&text), EmailAddress::parse(&text), Username::parse(&text));
        let _ = (OneTimeCode::parse(&text), RecoveryCode::parse(&text), Phone::parse(&text));
        let _ = (RecordNumber::parse(&text), TaxpayerNumber::parse(&text));
        let _ = (DocumentNumber::candidates(&text, today()), TaxpayerNumber::asked(&text));
    }
}
