//! 【个人证件管理】, kind by kind: what numbers of each are taken and shown, for how long, by whose app; and that
//! none ever goes away.

use hufu::domain::factor::Factor;
use hufu::flows::sign_in::lower;
use hufu::outbound::asked::NameAnswer;

use super::documents::{add, documents, signs_in};
use super::{WANG, as_person, csrf, get, pass_scan, post};
use crate::kit::browser::{Shown, unescape};
use crate::kit::{Browser, TestApp, on_each_database};
use crate::login::level::{at_level, person_of};
use crate::login::scan::{act, go_on, iit, number};

const PATH: &str = "/account/documents";
const DAY: i64 = 86_400;

/// One of the seven kinds that are added online.
struct Kind {
    name: &'static str,
    title: &'static str,
    /// As it is typed, and as its holder sees it.
    right: &'static [(&'static str, &'static str)],
    /// Of another form, another kind, or somebody else's by sex or birth date.
    wrong: &'static [&'static str],
}

/// What 王小明, who was born on 1990-03-07, may hold.
const KINDS: [Kind; 7] = [
    Kind {
        name: "resident_id_card",
        title: "居民身份证",
        right: &[
            ("３６０１０２１９９００３０７１２３６", "3601**********1236"),
            (" 360102 19900307-1236 ", "3601**********1236"),
        ],
        wrong: &[
            "36010219900307123",
            "3601021990030712366",
            "360102199003071237",
            "360102199002301236",
            "990102199003071236",
            "810000199003071237",
            "610104620927690",
            "E12345678",
        ],
    },
    Kind {
        name: "taiwan_residence_permit",
        title: "中华人民共和国台湾居民居住证",
        right: &[("830000199003071230", "8300**********1230")],
        wrong: &[
            "83000019900307123",
            "830000199003071231",
            "830100199003071230",
            "810000199003071237",
            "360102199003071236",
            "830000199003071222",
            "830000199003081236",
        ],
    },
    Kind {
        name: "hk_macao_residence_permit",
        title: "中华人民共和国港澳居民居住证",
        right: &[
            ("810000199003071237", "8100**********1237"),
            ("820000199003071255", "8200**********1255"),
        ],
        wrong: &[
            "81000019900307123",
            "810000199003071238",
            "830000199003071230",
            "360102199003071236",
            "810000199408230021",
        ],
    },
    Kind {
        name: "taiwan_travel_permit",
        title: "台湾居民来往大陆通行证",
        right: &[
            ("12345678", "12****78"),
            ("1234567801", "12******01"),
            ("1234567802（A）", "12******02"),
        ],
        wrong: &["1234567", "123456789", "12345678901", "A2345678", "1234567802(1)", "1234567802A"],
    },
    Kind {
        name: "hk_macao_travel_permit",
        title: "港澳居民来往内地通行证",
        right: &[
            ("H12345678", "H1*****78"),
            ("h1234567801", "H1*******01"),
            ("M12345678", "M1*****78"),
            ("HA1234567", "HA*****67"),
        ],
        wrong: &["12345678", "X12345678", "H1234567", "H123456789", "HI1234567", "HA123456"],
    },
    Kind {
        name: "chinese_passport",
        title: "中国护照",
        right: &[
            ("E12345678", "E1*****78"),
            ("ef1260892", "EF*****92"),
            ("141234567", "14*****67"),
            ("P.1234567", "P.*****67"),
        ],
        wrong: &["E1234567", "EI1234567", "X12345678", "161234567", "12345678"],
    },
    Kind {
        name: "foreign_permanent_resident_id",
        title: "外国人永久居留身份证（外国人永久居留证）",
        right: &[
            ("936840199003070039", "9368**********0039"),
            ("USA360090030711", "US***********11"),
        ],
        wrong: &[
            "93684019900307003",
            "936840199003070038",
            "986840199003070039",
            "936840199003070047",
            "936840199203150033",
            "US1360090030711",
            "USA36009003071X",
            "360102199003071236",
        ],
    },
];

/// Passports and travel permits are never for ever.
const ENDING: [&str; 3] = ["taiwan_travel_permit", "hk_macao_travel_permit", "chinese_passport"];

/// What the list says of one document.
fn shows(page: &Shown, title: &str, masked: &str) -> bool {
    let line = format!("<strong>{title}</strong><br><span class=\"number-of\">{masked}</span>");
    page.text.matches(&line).count() == 1
}

/// Covers D-01, D-02, D-04, D-09: of each kind every right form is added and shown, a newer in the place of an
/// older, every wrong one refused at its field; in the end all seven stand side by side, and each signs in.
#[test]
fn each_kind_is_added_by_its_own_numbers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for kind in &KINDS {
            // Five questions a day about one's names.
            app.clock.advance(DAY + 1);
            let mut wang = as_person(&app, WANG).await;
            let held = documents(&app, WANG).await;
            for &number in kind.wrong {
                let typed = [("document_type", kind.name), ("document", number)];
                let refused = add(&app, &mut wang, &typed).await;
                let at_field = refused.text.contains("id=\"document-wrong\"");
                let seen = (refused.code(), at_field);
                assert_eq!(seen, (Some("E_FORMAT"), true), "{} {number}", kind.name);
            }
            assert_eq!(documents(&app, WANG).await, held, "{}", kind.name);
            for &(number, masked) in kind.right {
                let typed = [("document_type", kind.name), ("document", number)];
                let scan = add(&app, &mut wang, &typed).await;
                assert!(scan.url.contains("/login/second_factor"), "{number} {}", scan.text);
                let page = pass_scan(&app, &mut wang, &scan).await;
                assert!(page.url.contains("done=document"), "{number} {}", page.text);
                assert!(shows(&page, kind.title, masked), "{number} {}", page.text);
                assert_eq!(page.text.matches(kind.title).count(), 1, "{number} {}", page.text);
            }
        }
        let all: Vec<String> =
            documents(&app, WANG).await.into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(all, KINDS.map(|kind| kind.name));
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, PATH).await;
        for kind in &KINDS {
            let &(number, masked) = kind.right.last().unwrap();
            assert!(shows(&page, kind.title, masked), "{number} {}", page.text);
            assert!(signs_in(&app, number).await, "{} {number}", kind.name);
        }
    });
}

/// Adds a document without an end, and shows the list.
async fn add_for_ever(app: &TestApp, wang: &mut Browser, kind: &Kind) -> Shown {
    let typed = [
        ("document_type", kind.name),
        ("document", kind.right[0].0),
        ("term", "long"),
        ("valid_to", ""),
    ];
    let scan = add(app, wang, &typed).await;
    assert!(scan.url.contains("/login/second_factor"), "{} {}", kind.name, scan.text);
    pass_scan(app, wang, &scan).await
}

/// Covers D-06, D-10, L-12: what is good for ever is taken where the kind can be, also in the place of a term, is
/// shown as such, and neither greyed nor a reason to lower the level half a century later; one with an end is.
#[test]
fn a_long_term_document_never_ends() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = person_of(&app, "wangxm").await;
        let mut wang = as_person(&app, WANG).await;
        let for_ever = "证件有效期 2024-05-01 至 长期有效";
        let typed = [
            ("document_type", "resident_id_card"),
            ("document", "360102199003071236"),
            ("valid_to", "2027-01-01"),
        ];
        let scan = add(&app, &mut wang, &typed).await;
        let page = pass_scan(&app, &mut wang, &scan).await;
        assert!(page.text.contains("证件有效期 2024-05-01 至 2027-01-01"), "{}", page.text);
        for kind in &KINDS {
            app.clock.advance(DAY + 1);
            let mut wang = as_person(&app, WANG).await;
            if ENDING.contains(&kind.name) {
                let typed =
                    [("document_type", kind.name), ("document", kind.right[0].0), ("term", "long")];
                let refused = add(&app, &mut wang, &typed).await;
                assert_eq!(refused.code(), Some("E_FORMAT"), "{}", kind.name);
                assert!(refused.text.contains("id=\"to-wrong\""), "{}", refused.text);
                continue;
            }
            let page = add_for_ever(&app, &mut wang, kind).await;
            let line = page.text.split(kind.title).nth(1).unwrap().split("</li>").next().unwrap();
            assert!(line.contains(for_ever), "{} {line}", kind.name);
        }
        at_level(&app, person, 4).await;
        app.clock.advance(50 * 366 * DAY);
        assert_eq!(lower::run(&app.ctx).await.unwrap(), 0);
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, PATH).await;
        assert_eq!(page.text.matches(for_ever).count(), KINDS.len() - ENDING.len());
        assert!(!page.text.contains("class=\"ended\""), "{}", page.text);
        assert!(signs_in(&app, "360102199003071236").await);
        // The clock has moved: a term is over by now.
        let whose = app.literal(person.0);
        app.sql(&format!(
            "UPDATE identity_document SET valid_to = '2060-01-01' WHERE person_id = {whose}"
        ))
        .await;
        app.clock.advance(3601);
        assert_eq!(lower::run(&app.ctx).await.unwrap(), 1);
        let page = get(&mut wang, PATH).await;
        assert_eq!(page.text.matches("class=\"ended\"").count(), KINDS.len() - ENDING.len());
    });
}

/// Covers D-07, D-08: by the other operator's app, too. It has compared the face with its own record of its person:
/// where an authority has said whose the number is, any document of theirs may stand there, elsewhere the new one
/// alone; without a face, by somebody else or with another number nothing is kept.
#[test]
fn the_income_tax_app_adds_documents_too() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let names = &app.ctx.services.outbound.registry_of_names;
        let wang_id = "360102199003071236";
        let (knows, knows_not) = (NameAnswer::Match, NameAnswer::Unsupported);
        for (answer, (name, document), face, added) in [
            (knows_not, ("王小明", wang_id), true, None),
            (knows_not, ("王小明", "EF1260893"), true, None),
            (knows_not, ("李芳", "EF1260892"), true, None),
            (knows_not, ("王小明", "EF1260892"), false, None),
            (knows_not, ("王小明", "EF1260892"), true, Some("EF1260892")),
            (knows, ("王小明", wang_id), false, None),
            (knows, ("李芳", "360121198802290026"), true, None),
            (knows, ("王小明", wang_id), true, Some("EF1260894")),
        ] {
            app.clock.advance(DAY + 1);
            let mut wang = as_person(&app, WANG).await;
            let held = documents(&app, WANG).await;
            let n = app.audit().await.len();
            names.script(answer);
            let scan = add(&app, &mut wang, &[("document", added.unwrap_or("EF1260892"))]).await;
            let t = scan.hidden()["t"].clone();
            let page = get(&mut wang, &format!("/login/second_factor?t={t}&way=iit_app")).await;
            let who = iit(name, document);
            let asked = act(&app, &page, "scan", (&who, face), None).await;
            assert_eq!(asked["state"], "scanned", "{asked}");
            let typed = number(&app.ctx, &page).await.parse().ok();
            let told = act(&app, &page, "confirm", (&who, face), typed).await;
            let back = go_on(&mut wang, &page).await;
            let case = format!("{answer:?} {name} {document} {face}: {told} {}", back.text);
            let Some(added) = added else {
                assert_eq!(told["error"], "E_STEPUP_FAILED", "{case}");
                assert_eq!(back.code(), Some("E_STEPUP_FAILED"), "{case}");
                assert_eq!(documents(&app, WANG).await, held, "{case}");
                continue;
            };
            assert_eq!(asked["matter"], "document", "{asked}");
            assert_eq!(told["state"], "confirmed", "{case}");
            assert!(back.url.contains("done=document"), "{case}");
            let now = documents(&app, WANG).await;
            assert_eq!(now.last().unwrap().1, added, "{case}");
            assert!(signs_in(&app, added).await, "{case}");
            let audit = app.audit().await;
            let passed = audit[n..].iter().filter(|one| one["action"] == "second_factor_passed");
            let passed: Vec<&str> = passed.filter_map(|one| one["factor"].as_str()).collect();
            assert!(passed.contains(&Factor::IitAppScan.name()), "{passed:?}");
        }
    });
}

/// Covers D-10: there is no deletion. The list has no form, only ways to add and to renew, and says so; whatever
/// else is sent there, by whichever method, changes nothing.
#[test]
fn no_document_is_ever_deleted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let scan = add(&app, &mut wang, &[]).await;
        pass_scan(&app, &mut wang, &scan).await;
        app.sql(
            "UPDATE identity_document SET valid_to = '2026-11-23' WHERE kind = 'chinese_passport'",
        )
        .await;
        let held = documents(&app, WANG).await;
        assert_eq!(held.len(), 2);
        let page = get(&mut wang, PATH).await;
        let own = page.text.split("<h1>").nth(1).unwrap().split("</section>").next().unwrap();
        for control in ["<form", "<button", "<input"] {
            assert!(!own.contains(control), "{own}");
        }
        let links = own.split("href=\"").skip(1);
        let links: Vec<String> =
            links.map(|rest| unescape(rest.split('"').next().unwrap())).collect();
        let to = "/realms/jiangxi/account/documents/add";
        assert_eq!(links, [format!("{to}?kind=chinese_passport"), to.to_owned()], "{own}");
        assert!(own.contains("证件不能在线删除"), "{own}");
        let csrf = csrf(&app, &wang);
        let fields = [("document_type", "chinese_passport"), ("document", "EF1260892")];
        for act in ["delete", "remove", "withdraw", "clear"] {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("csrf", &csrf)
                .append_pair("act", act)
                .extend_pairs(fields)
                .finish();
            for (method, path, status) in [
                ("POST", PATH.to_owned(), 405),
                ("DELETE", PATH.to_owned(), 405),
                ("PUT", PATH.to_owned(), 405),
                ("PATCH", PATH.to_owned(), 405),
                ("DELETE", format!("{PATH}/add"), 405),
                ("POST", format!("{PATH}/{act}"), 404),
                ("DELETE", format!("{PATH}/chinese_passport"), 404),
                ("GET", format!("{PATH}/{act}?kind=chinese_passport"), 404),
                ("GET", format!("{PATH}?act={act}&kind=chinese_passport"), 200),
            ] {
                let body = (method != "GET").then(|| body.clone());
                let path = format!("/realms/jiangxi{path}");
                let shown = wang.once(method, &path, body).await;
                assert_eq!(shown.status.as_u16(), status, "{method} {path}");
                assert_eq!(documents(&app, WANG).await, held, "{method} {path}");
            }
            // The form that adds knows no other act.
            let typed = [&fields[..], &[("act", act)]].concat();
            let refused = post(&app, &mut wang, "/account/documents/add", &typed).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{act}");
            assert_eq!(documents(&app, WANG).await, held, "{act}");
        }
    });
}
