//! What halls have collected: by a feed, and as it spares a face or is the only way in.

use hufu::domain::notice::NoticeKind;
use hufu::flows::feed::{Format, import};
use hufu::outbound::asked::FaceState;
use serde_json::{Value, json};

use super::*;
use crate::kit::{on_each_database, on_one_database};

async fn finish(browser: &mut Browser, page: &Shown) -> Shown {
    browser.submit(page, &[("accept-personal-information", "yes"), ("act", "accept")]).await
}

/// Covers R-12, L-05: the record and its phone are enough; with a portrait that an officer compared it
/// is level 4, without it level 3.
#[test]
fn the_halls_phone_spares_the_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let expected: [(Registrant, &[(u8, &str)]); 2] = [
            (LIN, &[(1, "password"), (2, "phone"), (3, "hall"), (4, "hall")]),
            (GUO, &[(1, "password"), (2, "phone"), (3, "hall")]),
        ];
        for (who, how) in expected {
            let (mut browser, page) = reached(&app, who).await;
            assert!(page.text.contains("id=\"register-hall\""), "{}", page.text);
            assert!(!page.text.contains("data-scan"));
            assert!(person(&app, who).await.is_none());
            let refused = browser.submit(&page, &[("act", "accept")]).await;
            assert_eq!(refused.code(), Some("E_AGREEMENT"));
            let done = finish(&mut browser, &page).await;
            assert!(done.text.contains("注册完成"), "{}", done.text);
            let found = levels(&app, who).await;
            let found: Vec<(u8, &str)> = found.iter().map(|(at, how)| (*at, &**how)).collect();
            assert_eq!(found, how, "{}", who.name);
            app.clock.advance(61);
            let arrived = signs_in(&app, who, NEW_PASSWORD).await;
            let is_in =
                ["/signed-in", "/login/agreements"].iter().any(|to| arrived.url.contains(to));
            assert!(is_in, "{} {}", arrived.url, arrived.text);
        }
    });
}

/// Covers R-13: another phone than the hall's, or another name, and a face is looked at.
#[test]
fn another_phone_than_the_halls_wants_a_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let moved = Registrant { contact: "13933339333", ..LIN };
        let (mut browser, page) = at_face(&app, moved).await;
        show_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        let how = levels(&app, LIN).await;
        let how: Vec<(u8, &str)> = how.iter().map(|(level, how)| (*level, how.as_str())).collect();
        assert_eq!(how, [(1, "password"), (2, "phone"), (3, "hall"), (4, "face")]);
        // The hall knows somebody of another name by that number: nothing is said of it.
        let other = Registrant { name: "郭靓", ..GUO };
        let (_, page) = reached(&app, other).await;
        assert!(!page.text.contains("id=\"register-hall\""), "{}", page.text);
        assert!(page.text.contains("accept-face-service"), "{}", page.text);
    });
}

/// The hall corrects the phone while somebody registers by its record: they go on to a face, and are not kept at a page
/// that leads nowhere.
#[test]
fn a_record_that_changes_meanwhile_leads_to_a_face() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = reached(&app, LIN).await;
        assert!(page.text.contains("id=\"register-hall\""), "{}", page.text);
        let line = json!({"feed": "hall_record", "source_key": "h-lin", "version": 1,
            "name": LIN.name, "document": LIN.number, "phone": "13899998888",
            "collected_on": "2026-11-01", "collected_by": "03"});
        taken(&app, &[line]).await;
        let page = finish(&mut browser, &page).await;
        assert!(page.text.contains("accept-face-service"), "{} {}", page.url, page.text);
        assert!(account(&app, LIN).await.is_none());
        let page = agree_to_face(&mut browser, &page).await;
        show_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        let how = levels(&app, LIN).await;
        assert_eq!(how.last().map(|(level, how)| (*level, how.as_str())), Some((4, "face")));
    });
}

/// Covers: a foreign passport or a work permit registers only after the hall; that it has not
/// been there is told to nobody without a code.
#[test]
fn four_kinds_need_the_hall_first() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let kinds = [
            ("foreign_passport", "M87654321"),
            ("foreign_work_permit_a", "WPA1234567"),
            ("foreign_work_permit_b", "WPB1234567"),
            ("foreign_work_permit_c", "WPC1234567"),
        ];
        for (at, (kind, number)) in kinds.into_iter().enumerate() {
            let contacts = ["+12025550101", "+12025550102", "+12025550103", "+12025550104"];
            let who = Registrant { kind, number, contact: contacts[at], ..ANNA };
            let (mut browser, page) = named(&app, who).await;
            assert!(page.text.contains("第 3 步"), "{kind}: {}", page.text);
            let page = send(&mut browser, &page, who.contact).await;
            let typed = [("act", "verify"), ("code", &*sent(&app, who.contact))];
            let page = browser.submit(&page, &typed).await;
            assert_eq!(page.code(), Some("E_OFFLINE_ONLY"), "{kind}: {}", page.text);
            let t = page.hidden()["t"].clone();
            let ahead = browser.get(&url(&format!("/verify?t={t}"))).await;
            assert!(ahead.url.contains("/register/contact"), "{}", ahead.url);
        }
        // Recorded, but nobody compared her by sight.
        let line = json!({"feed": "hall_record", "source_key": "h-1", "version": 1,
            "name": "Lee Min", "document_type": "foreign_passport", "document": "M11112222",
            "nationality": "KOR", "sex": "female", "phone": "+821012345678",
            "collected_on": "2026-11-01", "collected_by": "03"});
        taken(&app, std::slice::from_ref(&line)).await;
        let lee = Registrant {
            name: "LEE MIN",
            number: "M11112222",
            nationality: "KOR",
            contact: "+821012345678",
            ..ANNA
        };
        let (mut browser, page) = reached(&app, lee).await;
        assert_eq!(page.code(), Some("E_OFFLINE_ONLY"), "{}", page.text);
        let mut seen = line;
        seen["version"] = json!(2);
        seen["verified_by_sight"] = json!(true);
        seen["portrait"] = json!("A".repeat(64));
        taken(&app, &[seen]).await;
        let page = name(&mut browser, &page, lee).await;
        let done = finish(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        let (mut browser, page) = reached(&app, ANNA).await;
        let done = finish(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        let id = person(&app, ANNA).await.unwrap();
        let held = app.ctx.rows().people().documents(id).await.unwrap();
        assert_eq!(held[0].valid_to.unwrap().to_string(), "2031-05-31");
        let told = app.ctx.rows().notices().list(id, 10).await.unwrap();
        assert!(told.iter().any(|one| one.kind == NoticeKind::Registered), "{told:?}");
    });
}

/// Covers, D-03: each of the four registers once the hall has compared it by sight and kept the
/// portrait, under the name that was recorded; a mark without the portrait is none.
#[test]
fn each_of_the_four_registers_after_the_hall() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (kind, number, contact) in [
            ("foreign_passport", "M87654321", "+12025550101"),
            ("foreign_work_permit_a", "WPA1234567", "+12025550102"),
            ("foreign_work_permit_b", "WPB1234567", "+12025550103"),
            ("foreign_work_permit_c", "WPC1234567", "+12025550104"),
        ] {
            let lee =
                Registrant { name: "Lee Min", kind, number, nationality: "KOR", contact, ..ANNA };
            let marked = json!({"feed": "hall_record", "source_key": kind, "version": 1,
                "name": lee.name, "document_type": kind, "document": number,
                "nationality": lee.nationality, "sex": lee.sex, "phone": contact,
                "verified_by_sight": true, "collected_on": "2026-11-01", "collected_by": "03"});
            taken(&app, std::slice::from_ref(&marked)).await;
            let (mut browser, page) = reached(&app, lee).await;
            assert_eq!(page.code(), Some("E_OFFLINE_ONLY"), "{kind}: no portrait");
            let mut whole = marked;
            whole["version"] = json!(2);
            whole["portrait"] = json!("a".repeat(64));
            taken(&app, &[whole]).await;
            let other = Registrant { name: "Lee Mina", ..lee };
            let page = name(&mut browser, &page, other).await;
            assert_eq!(page.code(), Some("E_OFFLINE_ONLY"), "{kind}: another name");
            let page = name(&mut browser, &page, lee).await;
            let done = finish(&mut browser, &page).await;
            assert!(done.text.contains("注册完成"), "{kind}: {}", done.text);
            let (level, how) = levels(&app, lee).await.pop().unwrap();
            assert_eq!((level, how.as_str()), (4, "hall"), "{kind}");
        }
    });
}

async fn report(app: &TestApp, lines: &[Value]) -> hufu::flows::feed::Report {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = text.join("\n");
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

async fn taken(app: &TestApp, lines: &[Value]) {
    let report = report(app, lines).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
}

/// Covers X-17: the feed's lines, each wrong field by name, and what a newer version replaces.
#[test]
fn halls_tell_line_by_line() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let good = json!({"feed": "hall_record", "source_key": "h-1", "version": 1,
            "name": "方宇", "document": FANG.number, "phone": FANG.contact,
            "verified_by_sight": "true", "collected_on": "2026-11-01", "collected_by": "03"});
        let wrong = [
            ("name", json!("1")),
            ("document_type", json!("library_card")),
            ("document", json!("360102199505180038")),
            ("sex", json!("female")),
            ("sex", json!("x")),
            ("nationality", json!("USA")),
            ("phone", json!("123")),
            ("portrait", json!("12")),
            ("document_valid_to", json!("soon")),
            ("document_valid_to", json!("+10000-01-01")),
            ("collected_on", json!("2026-11-31")),
            ("collected_on", json!("2027-01-01")),
            ("collected_by", json!("a\nb")),
        ];
        for (at, (field, value)) in wrong.into_iter().enumerate() {
            let mut line = good.clone();
            line["source_key"] = json!(format!("w-{at}"));
            line[field] = value;
            let report = report(&app, &[line]).await;
            let failed = report.failed.first().unwrap_or_else(|| panic!("{field} was taken"));
            assert_eq!(failed.why.field.as_deref(), Some(field), "{:?}", failed.why);
        }
        let mut foreign = good.clone();
        foreign["document_type"] = json!("foreign_passport");
        foreign["document"] = json!("M11112222");
        let failed = report(&app, &[foreign]).await.failed;
        assert_eq!(failed[0].why.field.as_deref(), Some("nationality"));
        taken(&app, std::slice::from_ref(&good)).await;
        let find = async |who: Registrant| {
            app.ctx.rows().hall_records().find(&document(&app, who)).await.unwrap()
        };
        let found = find(FANG).await.unwrap();
        assert!(found.verified_by_sight && !found.is_by_sight());
        assert_eq!(found.sex.unwrap().name(), "male");
        // The number was mistyped: the newer line takes the older's place under its own.
        let mut corrected = good.clone();
        corrected["version"] = json!(2);
        corrected["document"] = json!("360102197808090072");
        taken(&app, &[corrected]).await;
        assert!(find(FANG).await.is_none());
        let moved = Registrant { number: "360102197808090072", ..FANG };
        assert!(find(moved).await.is_some());
        let report = report(&app, &[good]).await;
        assert_eq!((report.applied, report.unchanged), (0, 1));
        // Nobody can read it from the rows.
        let kept = app.rows_of("jiangxi").await["hall_record"].join("\n");
        for said in ["方宇", "360102197808090072", "13922239222"] {
            assert!(!kept.contains(said), "{said}");
        }
        assert!(actions(&app).await.iter().any(|one| one == "hall_record_kept"));
    });
}
