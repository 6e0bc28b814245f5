//! 【个人证件管理】: which documents can be added, by whom, with what before it, and what becomes of them.

use hufu::outbound::asked::{FaceState, NameAnswer};

use super::{LI, WANG, as_person, get, held, pass_scan, post};
use crate::kit::browser::Shown;
use crate::kit::{Browser, FILING, PASSWORD, TestApp, authorize_url, on_each_database};
use crate::login::scan::{go_on, pass_face};

const PATH: &str = "/account/documents";
const ADD: &str = "/account/documents/add";
const PASSPORT: &str = "EF1260892";

/// What is typed in place of what is right.
type Fields<'t> = &'t [(&'t str, &'t str)];

/// 王小明's passport, with `more` in place of what stands there.
fn typed<'t>(more: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
    let mut fields = std::collections::BTreeMap::from([
        ("name", "王小明"),
        ("document_type", "chinese_passport"),
        ("document", PASSPORT),
        ("term", "dates"),
        ("valid_from", "2024-05-01"),
        ("valid_to", "2034-04-30"),
    ]);
    fields.extend(more.iter().copied());
    fields.into_iter().collect()
}

pub async fn add(app: &TestApp, browser: &mut Browser, more: &[(&str, &str)]) -> Shown {
    post(app, browser, ADD, &typed(more)).await
}

/// Kinds and numbers that count, in their order.
pub async fn documents(app: &TestApp, phone: &str) -> Vec<(String, String, Option<String>)> {
    let person = held(&app.ctx, phone).await[0].person;
    let all = app.ctx.rows().people().documents(person).await.unwrap();
    let one = |one: hufu::domain::person::IdentityDocument| {
        (one.kind.name().to_owned(), one.number, one.valid_to.map(|day| day.to_string()))
    };
    all.into_iter().map(one).collect()
}

pub async fn signs_in(app: &TestApp, personal_id: &str) -> bool {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "natural_person").await;
    let page = browser.type_credentials(&page, ("", personal_id, PASSWORD)).await;
    page.url.contains("/login/second_factor")
}

/// What the hall alone adds.
const OFFLINE: [&str; 4] =
    ["foreign_passport", "foreign_work_permit_a", "foreign_work_permit_b", "foreign_work_permit_c"];

/// Covers D-01, D-03, D-04, D-05, D-06: exactly the seven kinds, the other four in the hall alone, and every
/// field that is wrong is named; nothing is begun.
#[test]
fn what_cannot_be_right_is_told_before_the_scan() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, PATH).await;
        assert!(page.text.contains("居民身份证") && page.text.contains("3601**********1236"));
        assert!(!page.text.contains("360102199003071236"), "masked");
        let form = get(&mut wang, ADD).await;
        let offered: Vec<&str> = form
            .text
            .split("<option value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(
            offered,
            [
                "resident_id_card",
                "taiwan_residence_permit",
                "hk_macao_residence_permit",
                "taiwan_travel_permit",
                "hk_macao_travel_permit",
                "chinese_passport",
                "foreign_permanent_resident_id",
            ]
        );
        for kind in OFFLINE {
            let refused = add(&app, &mut wang, &[("document_type", kind)]).await;
            assert_eq!(refused.code(), Some("E_OFFLINE_ONLY"), "{kind}");
        }
        let nothing = [("name", ""), ("document", ""), ("valid_from", ""), ("valid_to", "")];
        let permit = "hk_macao_residence_permit";
        let cases: [(Fields<'_>, &[&str]); 17] = [
            (&nothing, &["name", "document", "from", "to"]),
            (&[("document_type", "library_card")], &["kind"]),
            (&[("document", "EI1234567")], &["document"]),
            (&[("document", "360102199003071236")], &["document"]),
            (&[("valid_from", "2034-05-01")], &["from"]),
            (&[("valid_from", "2026-02-30")], &["from"]),
            (&[("valid_to", "2026-11-23")], &["to"]),
            (&[("valid_from", "2026-11-01"), ("valid_to", "2026-10-31")], &["to"]),
            (&[("valid_to", "soon")], &["to"]),
            (&[("valid_to", "+10000-01-01")], &["to"]),
            (&[("valid_to", "10000-01-01")], &["to"]),
            (&[("valid_from", "-1-01-01")], &["from"]),
            // Passports end some day.
            (&[("term", "long")], &["to"]),
            // Somebody else's by name, by sex, by birth date.
            (&[("name", "李芳")], &["name"]),
            (
                &[
                    ("document_type", "foreign_permanent_resident_id"),
                    ("document", "911124198108030024"),
                ],
                &["document"],
            ),
            (&[("document_type", permit), ("document", "810000199408230021")], &["document"]),
            (&[("document_type", permit), ("document", "820000198511010032")], &["document"]),
        ];
        for (more, wrong) in cases {
            let refused = add(&app, &mut wang, more).await;
            let seen = (refused.status.as_u16(), refused.code());
            assert_eq!(seen, (422, Some("E_FORMAT")), "{more:?}");
            let marked = refused.text.split("<p class=\"wrong\" id=\"").skip(1);
            let marked: Vec<&str> =
                marked.map(|rest| rest.split("-wrong").next().unwrap()).collect();
            assert_eq!(marked, wrong, "{more:?}");
            assert!(
                !refused.text.contains("王小明") || more[0].0 != "name",
                "the right name is not told"
            );
        }
        // The authority says that name and number are two people's, or is away.
        let names = &app.ctx.services.outbound.registry_of_names;
        for answer in [NameAnswer::Mismatch, NameAnswer::NotFound] {
            names.script(answer);
            assert_eq!(add(&app, &mut wang, &[]).await.code(), Some("E_REAL_NAME"));
        }
        names.set_down(true);
        assert_eq!(add(&app, &mut wang, &[]).await.code(), Some("E_REAL_NAME_UNAVAILABLE"));
        assert_eq!(documents(&app, WANG).await.len(), 1, "nothing is kept");
    });
}

/// A void document still says when its person was born: a further one of another day is somebody else's.
#[test]
fn a_void_document_still_tells_the_day_of_birth() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        app.sql("UPDATE identity_document SET status = 'void'").await;
        let more =
            [("document_type", "hk_macao_residence_permit"), ("document", "820000198511010032")];
        let refused = add(&app, &mut wang, &more).await;
        assert_eq!(refused.code(), Some("E_FORMAT"), "{}", refused.text);
        assert!(refused.text.contains("id=\"document-wrong\""), "{}", refused.text);
    });
}

/// Covers D-07, D-09: nothing is kept before the face, which is compared with the new document; afterwards its
/// number signs in, and the person is told.
#[test]
fn a_document_is_added_once_the_face_was_seen() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let n = app.audit().await.len();
        assert!(!signs_in(&app, PASSPORT).await);
        let scan = add(&app, &mut wang, &[]).await;
        assert!(scan.url.contains("/login/second_factor"), "{} {}", scan.url, scan.text);
        assert!(!scan.text.contains("id=\"way-sms\""), "a code proves a phone, no document");
        // Another face.
        pass_face(&app, &scan, FaceState::Failed).await;
        let failed = go_on(&mut wang, &scan).await;
        assert_eq!(failed.code(), Some("E_STEPUP_FAILED"), "{}", failed.text);
        assert_eq!(documents(&app, WANG).await.len(), 1);
        let scan = add(&app, &mut wang, &[]).await;
        let shown = pass_scan(&app, &mut wang, &scan).await;
        assert!(shown.url.contains("done=document"), "{} {}", shown.url, shown.text);
        assert!(shown.text.contains("证件已添加") && shown.text.contains("EF*****92"));
        assert!(shown.text.contains("2034-04-30"), "{}", shown.text);
        let added =
            ("chinese_passport".to_owned(), PASSPORT.to_owned(), Some("2034-04-30".to_owned()));
        assert_eq!(documents(&app, WANG).await[1..], [added]);
        assert!(signs_in(&app, PASSPORT).await && signs_in(&app, "360102199003071236").await);
        let told = get(&mut wang, "/account/messages").await;
        assert!(told.text.contains("添加或更新了一个证件"), "{}", told.text);
        let audit = app.audit().await;
        let held = audit[n..].iter().filter(|one| one["action"] == "document_held").count();
        assert_eq!(held, 1);
        // The transaction is used up: the same page adds nothing again.
        let again = go_on(&mut wang, &scan).await;
        assert!(!again.text.contains("证件已添加"), "{}", again.text);
        assert_eq!(app.audit().await.len(), audit.len());
    });
}

/// Covers D-08, D-10: somebody else's number is `E_TAKEN`, told after the face and not before; of one kind the
/// newer stands, and one that has ended is greyed until it is renewed.
#[test]
fn a_newer_document_takes_the_place_of_an_older() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let scan = add(&app, &mut wang, &[]).await;
        pass_scan(&app, &mut wang, &scan).await;
        // 李芳 types the same number.
        let mut li = as_person(&app, LI).await;
        let scan = add(&app, &mut li, &[("name", "李芳")]).await;
        assert!(scan.url.contains("/login/second_factor"), "not told before: {}", scan.text);
        let refused = pass_scan(&app, &mut li, &scan).await;
        assert_eq!(refused.code(), Some("E_TAKEN"), "{}", refused.text);
        assert!(refused.text.contains("办税服务厅"));
        assert_eq!(documents(&app, LI).await.len(), 1);
        // A new passport, and the old one leads nowhere.
        let newer = [("document", "EF1260893")];
        let scan = add(&app, &mut wang, &newer).await;
        pass_scan(&app, &mut wang, &scan).await;
        let now = documents(&app, WANG).await;
        assert_eq!((now.len(), now[1].1.as_str()), (2, "EF1260893"));
        assert!(signs_in(&app, "EF1260893").await && !signs_in(&app, PASSPORT).await);
        // It ends: greyed, with the way to renew it.
        let grey = "<li class=\"ended\">";
        assert!(!get(&mut wang, PATH).await.text.contains(grey));
        app.sql(
            "UPDATE identity_document SET valid_to = '2026-11-23' WHERE kind = 'chinese_passport'",
        )
        .await;
        let page = get(&mut wang, PATH).await;
        assert!(page.text.contains(grey) && page.text.contains("kind=chinese_passport"));
        assert!(signs_in(&app, "EF1260893").await, "it still counts");
        let scan = add(&app, &mut wang, &[newer[0], ("valid_to", "2036-11-23")]).await;
        let page = pass_scan(&app, &mut wang, &scan).await;
        assert!(!page.text.contains(grey), "{}", page.text);
        assert_eq!(documents(&app, WANG).await[1].2.as_deref(), Some("2036-11-23"));
        // Whoever tries numbers out is stopped for a day.
        let mut last = None;
        for at in 0..10 {
            let number = format!("EF126080{at}");
            last = add(&app, &mut wang, &[("document", &number)]).await.code().map(str::to_owned);
        }
        assert_eq!(last.as_deref(), Some("E_OTP_RATE"));
    });
}

/// What a manager types occupies no number: whoever proves that it is theirs has it, also after an invitation by it
/// was taken back, and what still waits is theirs to answer. Of another name it is over, and the manager is told.
/// Covers AC-17, D-08.
#[test]
fn an_invitation_keeps_no_number_from_its_holder() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = super::as_li(&app).await;
        let (sun, other) = ("13500135000", "EF1260893");
        let invited = |name, number| {
            [
                ("name", name),
                ("document_type", "chinese_passport"),
                ("document", number),
                ("identity_type", "invoicing_clerk"),
                ("p-TAX_FILING", ""),
                ("p-TAX_QUERY", ""),
                ("p-INVOICE", "yes"),
                ("risk", "yes"),
            ]
        };
        let added = super::enterprise::add(&app, &mut li, &invited("孙丽", PASSPORT)).await;
        let path = format!("/account/handlers/{}", super::id_of(&added.url));
        assert_eq!(post(&app, &mut li, &path, &[("act", "withdraw")]).await.code(), None);
        let added = super::enterprise::add(&app, &mut li, &invited("孙丽", PASSPORT)).await;
        let hers = super::id_of(&added.url);
        let wrong = super::enterprise::add(&app, &mut li, &invited("王大明", other)).await;
        assert_eq!(wrong.code(), None, "{}", wrong.text);
        let wrong = super::id_of(&wrong.url);

        let mut holder = as_person(&app, sun).await;
        let scan = add(&app, &mut holder, &[("name", "孙丽")]).await;
        let page = pass_scan(&app, &mut holder, &scan).await;
        assert!(page.url.contains("done=document"), "{} {}", page.url, page.text);
        assert_eq!(documents(&app, sun).await[1].1, PASSPORT);
        let own = get(&mut holder, "/account/authorisations").await;
        assert!(own.text.contains(&hers), "{}", own.text);
        let told = get(&mut holder, "/account/messages").await;
        assert!(told.text.contains("企业发起授权，等待确认"), "{}", told.text);
        let one = held(&app.ctx, sun).await.into_iter().find(|one| one.id.to_string() == hers);
        assert_eq!(app.events(&one.unwrap()).await, ["add enterprise", "proved person"]);

        let mut wang = as_person(&app, WANG).await;
        let scan = add(&app, &mut wang, &[("document", other)]).await;
        let page = pass_scan(&app, &mut wang, &scan).await;
        assert!(page.url.contains("done=document"), "{} {}", page.url, page.text);
        let one = app.ctx.rows().authorisations().find(wrong.parse().unwrap()).await.unwrap();
        assert_eq!(one.unwrap().state().name(), "withdrawn");
    });
}

/// Nobody is invited by a number that its person has replaced: it leads to nobody, and is nobody else's to
/// confirm with. Nothing is left of the attempt; the number that counts leads to its person. AC-17, AC-23.
#[test]
fn a_former_number_invites_nobody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let renewed = "EF1260893";
        for (version, number) in [(1, PASSPORT), (2, renewed)] {
            let line = serde_json::json!({"feed": "person", "source_key": "renewed",
                "version": version, "name": "钱多", "document_type": "chinese_passport",
                "document": number, "phone": "13911139111"});
            super::feed(&app, &[line]).await;
        }
        let everybody = "SELECT COUNT(*) FROM person";
        let before = app.count(everybody).await;
        let mut li = super::as_li(&app).await;
        let by = |number| {
            [("document_type", "chinese_passport"), ("document", number), ("name", "钱多")]
        };
        let typed = [&by(PASSPORT)[..], &[("risk", "yes")]].concat();
        let refused = super::enterprise::add(&app, &mut li, &typed).await;
        assert_eq!(refused.code(), Some("E_FORMAT"), "{}", refused.text);
        assert!(refused.text.contains("id=\"document-wrong\""), "{}", refused.text);
        assert_eq!(app.count(everybody).await, before);
        assert!(held(&app.ctx, "13911139111").await.is_empty());
        let typed = [&by(renewed)[..], &[("risk", "yes")]].concat();
        let added = super::enterprise::add(&app, &mut li, &typed).await;
        assert!(added.text.contains("添加成功"), "{}", added.text);
        assert_eq!(held(&app.ctx, "13911139111").await.len(), 1);
    });
}
