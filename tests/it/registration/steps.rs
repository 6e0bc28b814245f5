//! Step after step: what each asks and refuses, going back, breaks, two tabs, another browser.

use hufu::domain::number::document::DocumentType;
use hufu::domain::refusal::Refusal;
use hufu::domain::registration::{Candidate, Contact, Typed, Way};
use hufu::outbound::asked::{FaceState, NameAnswer};

use super::*;
use crate::kit::{START, on_each_database};

fn fields(refusal: Refusal) -> Vec<&'static str> {
    match refusal {
        Refusal::Format { fields } => fields,
        other => panic!("{other:?}"),
    }
}

/// A way; name, kind, number, sex and nationality as typed; what it comes to, or the fields that are wrong.
type Case = (Way, [&'static str; 5], Result<(&'static str, &'static str), &'static [&'static str]>);

const HOME: Way = Way::Domestic;
const AWAY: Way = Way::Overseas;

const TYPED: &[Case] = &[
    (HOME, ["方宇", "resident_id_card", "360102199505180037", "", ""], Ok(("male", "CHN"))),
    (HOME, ["方宇", "resident_id_card", "360102199505180037", "male", "CHN"], Ok(("male", "CHN"))),
    // Its page asks for no sex: what was chosen for another kind is not meant.
    (HOME, ["方宇", "resident_id_card", "360102199505180037", "female", ""], Ok(("male", "CHN"))),
    (HOME, ["方宇", "resident_id_card", "360102199505180037", "", "USA"], Err(&["nationality"])),
    (HOME, ["方宇", "chinese_passport", "E12345678", "female", ""], Ok(("female", "CHN"))),
    (HOME, ["方宇", "chinese_passport", "E12345678", "", ""], Err(&["sex"])),
    (HOME, ["", "resident_id_card", "360102199505180038", "", ""], Err(&["name", "document"])),
    (HOME, ["方宇", "foreign_passport", "C01X00T47", "male", "DEU"], Err(&["document_type"])),
    (HOME, ["方宇", "library_card", "1", "", ""], Err(&["document_type"])),
    (HOME, ["方宇", "resident_id_card", "610104620927690", "", ""], Err(&["document"])),
    (HOME, ["方宇", "resident_id_card", "810000199003071237", "", ""], Err(&["document"])),
    (
        AWAY,
        ["陈大文", "hk_macao_residence_permit", "810000199003071237", "", ""],
        Ok(("male", "CHN")),
    ),
    (
        AWAY,
        ["陈大文", "hk_macao_residence_permit", "810000199003071237", "female", ""],
        Err(&["sex"]),
    ),
    (AWAY, ["陈大文", "hk_macao_residence_permit", "810000199003071237", "x", ""], Err(&["sex"])),
    (AWAY, ["陈大文", "taiwan_residence_permit", "810000199003071237", "", ""], Err(&["document"])),
    (AWAY, ["CHAN", "hk_macao_travel_permit", "H12345678", "male", ""], Ok(("male", "CHN"))),
    (AWAY, ["CHAN", "taiwan_travel_permit", "12345678", "", ""], Err(&["sex"])),
    (
        AWAY,
        ["KIM", "foreign_permanent_resident_id", "911124198108030024", "", ""],
        Ok(("female", "CAN")),
    ),
    (
        AWAY,
        ["KIM", "foreign_permanent_resident_id", "911124198108030024", "", "KOR"],
        Err(&["nationality"]),
    ),
    (
        AWAY,
        ["KIM", "foreign_permanent_resident_id", "CAN360075051516", "male", ""],
        Ok(("male", "CAN")),
    ),
    (AWAY, ["KIM", "foreign_passport", "M12345678", "male", "KOR"], Ok(("male", "KOR"))),
    (AWAY, ["KIM", "foreign_passport", "M12345678", "male", ""], Err(&["nationality"])),
    (AWAY, ["KIM", "foreign_passport", "M12345678", "", "XXX"], Err(&["sex", "nationality"])),
    (AWAY, ["KIM", "foreign_passport", "M12345678", "male", "CHN"], Err(&["nationality"])),
    (AWAY, ["KIM", "foreign_work_permit_b", "WP1234567", "male", "kor"], Ok(("male", "KOR"))),
    (AWAY, ["方宇", "resident_id_card", "360102199505180037", "", ""], Err(&["document_type"])),
];

/// Covers: each of eleven kinds is one way's; sex and nationality are what the number
/// says, and nobody says otherwise.
#[test]
fn the_number_says_sex_and_nationality() {
    let today = START.day();
    let mut kinds: Vec<DocumentType> =
        Way::ALL.iter().flat_map(|way| way.documents()).copied().collect();
    kinds.sort_by_key(|kind| kind.name());
    kinds.dedup();
    assert_eq!(kinds.len(), 11);
    for (way, [name, kind, number, sex, nationality], expected) in TYPED {
        let typed = Typed { name, document_type: kind, document: number, sex, nationality };
        let found = Candidate::parse(*way, typed, today);
        match expected {
            Ok((sex, nationality)) => {
                let found = found.unwrap_or_else(|why| panic!("{typed:?}: {why:?}"));
                assert_eq!(
                    (found.sex.name(), &*found.nationality),
                    (*sex, *nationality),
                    "{typed:?}"
                );
            }
            Err(wrong) => assert_eq!(fields(found.unwrap_err()), *wrong, "{typed:?}"),
        }
    }
}

/// Covers R-04: who registers from overseas is reached by a phone of any country, or by e-mail.
#[test]
fn overseas_there_are_phones_and_addresses() {
    assert!(Contact::parse(Way::Domestic, "+86 138-0013-8000").is_ok());
    for wrong in ["+85291234567", "a@example.com", "12800138000", ""] {
        assert_eq!(fields(Contact::parse(Way::Domestic, wrong).unwrap_err()), ["phone"], "{wrong}");
    }
    for right in ["+85291234567", "a@example.com", "13800138000"] {
        assert!(Contact::parse(Way::Overseas, right).is_ok(), "{right}");
    }
    assert_eq!(fields(Contact::parse(Way::Overseas, "91234567").unwrap_err()), ["contact"]);
}

/// Covers: nothing begins without the agreement, no face is looked at without both parts, and
/// whoever declines leaves the audit's line and nothing else.
#[test]
fn agreements_come_first() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let before = app.rows_of("jiangxi").await;
        let mut browser = app.browser();
        let page = browser.get(&url("?way=overseas")).await;
        assert!(page.text.contains("境外自然人"));
        let refused = browser.submit(&page, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, Some("E_AGREEMENT")));
        let (mut browser, page) = reached(&app, FANG).await;
        let t = page.hidden()["t"].clone();
        let only = ["accept-personal-information", "accept-face-service"];
        for one in only {
            let refused = browser.submit(&page, &[(one, "yes"), ("act", "accept")]).await;
            assert_eq!(refused.code(), Some("E_AGREEMENT"), "{one}");
            assert!(!refused.text.contains("data-scan"));
        }
        // No code to scan without them, and none answers.
        let shown = browser.get(&url(&format!("/verify?t={t}"))).await;
        assert!(!shown.text.contains("data-scan"));
        let declined = browser.submit(&page, &[("act", "decline")]).await;
        assert_eq!((declined.status.as_u16(), declined.code()), (403, Some("E_AGREEMENT")));
        assert_eq!(browser.get(&url(&format!("/verify?t={t}"))).await.status.as_u16(), 410);
        assert!(app.short_lived_of("jiangxi").await.keys().all(|key| !key.contains("/register/")));
        let mut after = app.rows_of("jiangxi").await;
        for table in ["audit", "audit_head"] {
            assert_ne!(after[table], before[table]);
            after.insert(table.to_owned(), before[table].clone());
        }
        assert_eq!(after, before);
        let last = app.audit().await.pop().unwrap();
        let kept: Vec<&String> = last.as_object().unwrap().keys().collect();
        assert_eq!((last["action"].as_str(), kept.len()), (Some("registration_declined"), 2));
    });
}

/// Covers: a number that breaks its rule, and whatever contradicts it, is refused at its field; nothing
/// is sent to anybody, and the next step does not open.
#[test]
fn what_cannot_be_is_refused_at_its_field() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = agreed(&mut browser, "domestic").await;
        for (who, field) in [
            (Registrant { number: "360102199505180038", ..FANG }, "document"),
            (Registrant { number: "", ..FANG }, "document"),
            (Registrant { kind: "chinese_passport", number: "E12345678", ..FANG }, "sex"),
            (Registrant { kind: "foreign_passport", number: "C01X00T47", ..FANG }, "document_type"),
            (Registrant { name: "", ..FANG }, "name"),
        ] {
            let refused = name(&mut browser, &page, who).await;
            let seen = (refused.status.as_u16(), refused.code());
            assert_eq!(seen, (422, Some("E_FORMAT")), "{field}: {}", refused.text);
            let at_field = format!("id=\"{field}-wrong\"");
            assert!(refused.text.contains(&at_field), "{field}: {}", refused.text);
        }
        let t = page.hidden()["t"].clone();
        for step in ["/contact", "/verify"] {
            let ahead = browser.get(&url(&format!("{step}?t={t}"))).await;
            assert!(ahead.url.contains("/register/identity"), "{step}: {}", ahead.url);
        }
        assert!(app.ctx.services.outbound.inbox.messages().is_empty());
        assert!(person(&app, FANG).await.is_none());
    });
}

///
#[test]
fn the_password_follows_the_rule() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = named(&app, FANG).await;
        let refused = [
            ("abcd1234", "abcd1234"),
            ("Abc12!x", "Abc12!x"),
            ("Abcdef12Abcdef12A", "Abcdef12Abcdef12A"),
            ("Abcdef12", "Abcdef13"),
            ("Xy!180037", "Xy!180037"),
            ("A!13922239222", "A!13922239222"),
            ("Password1!", "Password1!"),
        ];
        for (password, repeated) in refused {
            let typed = [
                ("password", password),
                ("repeated", repeated),
                ("contact", FANG.contact),
                ("act", "send"),
            ];
            let page = browser.submit(&page, &typed).await;
            assert_eq!(page.code(), Some("E_PASSWORD_POLICY"), "{password}");
            assert!(!page.text.contains(password), "it is not shown again");
        }
        let typed = [("password", ""), ("repeated", ""), ("contact", ""), ("act", "send")];
        let empty = browser.submit(&page, &typed).await;
        assert_eq!(empty.code(), Some("E_FORMAT"));
        assert!(empty.text.contains("password-wrong") && empty.text.contains("contact-wrong"));
        assert!(app.ctx.services.outbound.inbox.messages().is_empty(), "nothing was sent");
        let typed = [
            ("password", "Abcdefg!"),
            ("repeated", "Abcdefg!"),
            ("contact", FANG.contact),
            ("act", "send"),
        ];
        let page = browser.submit(&page, &typed).await;
        assert!(page.text.contains("id=\"code\""), "{}", page.text);
        // Not before the code: neither by its address nor by a form.
        let t = page.hidden()["t"].clone();
        let verify = browser.get(&url(&format!("/verify?t={t}"))).await;
        assert!(verify.url.contains("/register/contact"), "{}", verify.url);
        let right = sent(&app, FANG.contact);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            let refused = browser.submit(&page, &[("act", "verify"), ("code", wrong)]).await;
            assert_eq!(refused.code(), Some("E_OTP"));
        }
        let refused = browser.submit(&page, &[("act", "verify"), ("code", &right)]).await;
        assert_eq!(refused.code(), Some("E_OTP_EXPIRED"), "five wrong ones void it");
        // The password stays chosen; another code does, once five wrong ones are forgiven.
        app.clock.advance(901);
        let typed =
            [("password", ""), ("repeated", ""), ("contact", FANG.contact), ("act", "send")];
        let page = browser.submit(&refused, &typed).await;
        let typed = [("act", "verify"), ("code", &*sent(&app, FANG.contact))];
        let page = browser.submit(&page, &typed).await;
        assert!(page.text.contains("第 4 步"), "{}", page.text);
    });
}

/// A ten-minute break before each step costs nothing; half an hour is too long. Back shows what was typed.
#[test]
fn a_break_and_a_step_back_lose_nothing() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = agreed(&mut browser, "domestic").await;
        app.clock.advance(600);
        let page = name(&mut browser, &page, FANG).await;
        let t = page.hidden()["t"].clone();
        let back = browser.get(&url(&format!("/identity?t={t}"))).await;
        for typed in ["value=\"方宇\"", FANG.number] {
            assert!(back.text.contains(typed), "{typed}: {}", back.text);
        }
        let first = browser.get(&url(&format!("?way=domestic&t={t}"))).await;
        let page = browser.submit(&first, &[("accept-user-agreement", "yes")]).await;
        assert!(page.text.contains("value=\"方宇\""), "{}", page.text);
        let page = name(&mut browser, &page, FANG).await;
        app.clock.advance(600);
        let page = send(&mut browser, &page, FANG.contact).await;
        app.clock.advance(600);
        let code = sent(&app, FANG.contact);
        let late = browser.submit(&page, &[("act", "verify"), ("code", &code)]).await;
        assert_eq!(late.code(), Some("E_OTP_EXPIRED"), "the code itself is five minutes good");
        let typed =
            [("password", ""), ("repeated", ""), ("contact", FANG.contact), ("act", "send")];
        let page = browser.submit(&late, &typed).await;
        let typed = [("act", "verify"), ("code", &*sent(&app, FANG.contact))];
        let page = browser.submit(&page, &typed).await;
        app.clock.advance(600);
        let proved = browser.get(&url(&format!("/contact?t={t}"))).await;
        assert!(proved.text.contains("id=\"register-proved\""), "{}", proved.text);
        agree_to_face(&mut browser, &page).await;
        app.clock.advance(600);
        let page = browser.get(&url(&format!("/verify?t={t}"))).await;
        show_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        // Too long.
        let (mut browser, page) = named(&app, XU_TOO_LATE).await;
        let t = page.hidden()["t"].clone();
        app.clock.advance(1801);
        let gone = browser.get(&url(&format!("/contact?t={t}"))).await;
        assert_eq!(gone.status.as_u16(), 410);
        assert!(!gone.text.contains("梁晨"));
    });
}

/// Another code for the phone that was named before, typed.
async fn proved_again(app: &TestApp, browser: &mut Browser, page: &Shown) -> Shown {
    let typed = [("password", ""), ("repeated", ""), ("contact", FANG.contact), ("act", "send")];
    let page = browser.submit(page, &typed).await;
    let typed = [("act", "verify"), ("code", &*sent(app, FANG.contact))];
    browser.submit(&page, &typed).await
}

/// A code proves its phone for an hour, however often the registration is taken a step further; what is bound in the
/// end is as old as the code, and nobody's who has proved it since. Covers, PC-14.
#[test]
fn a_phone_is_as_proved_as_its_code() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = reached(&app, FANG).await;
        let t = page.hidden()["t"].clone();
        let identity = browser.get(&url(&format!("/identity?t={t}"))).await;
        for minutes in [29, 29] {
            app.clock.advance(minutes * 60);
            let page = name(&mut browser, &identity, FANG).await;
            assert!(page.url.contains("/register/verify"), "{}", page.url);
        }
        app.clock.advance(130);
        let page = name(&mut browser, &identity, FANG).await;
        assert!(page.url.contains("/register/contact"), "{}", page.url);
        let page = proved_again(&app, &mut browser, &page).await;
        let page = agree_to_face(&mut browser, &page).await;
        // Somebody else proves it meanwhile.
        app.clock.advance(61);
        let wang = crate::recovery::account_of(&app, "wangxm").await;
        crate::recovery::reached_by(&app, &wang, FANG.contact).await;
        show_face(&app, &page, FaceState::Passed).await;
        let page = go_on(&mut browser, &page).await;
        assert_eq!(page.code(), Some("E_OTP_EXPIRED"), "{}", page.text);
        assert!(account(&app, FANG).await.is_none());
        let page = proved_again(&app, &mut browser, &page).await;
        let moment = app.clock.now();
        app.clock.advance(600);
        let page = agree_to_face(&mut browser, &page).await;
        show_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        let own = account(&app, FANG).await.unwrap();
        let phones = app.ctx.rows().accounts().phones(own.id).await.unwrap();
        assert_eq!((phones.len(), phones[0].verified_at), (1, moment));
    });
}

const XU_TOO_LATE: Registrant = Registrant { name: "梁晨", number: "360102199210050040", ..XU };

/// Covers: another browser has nothing of it, no step is skipped, and of two tabs one ends it.
#[test]
fn it_is_one_browsers_and_ends_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_face(&app, FANG).await;
        let t = page.hidden()["t"].clone();
        let mut other = app.browser();
        other.get(&url("")).await;
        for step in ["/identity", "/contact", "/verify", "/done"] {
            let shown = other.get(&url(&format!("{step}?t={t}"))).await;
            assert_eq!(shown.status.as_u16(), 410, "{step}");
            assert!(!shown.text.contains("方宇"));
        }
        let forged = other.submit(&page, &[("app", "tax_app")]).await;
        assert_eq!(forged.status.as_u16(), 403);
        // Before the phone has confirmed the button leads nowhere.
        let early = go_on(&mut browser, &page).await;
        assert_eq!(early.code(), Some("E_STATE"), "{}", early.text);
        show_face(&app, &page, FaceState::Passed).await;
        let (mut one, mut two) = (browser.clone(), browser.clone());
        let (first, second) = tokio::join!(go_on(&mut one, &page), go_on(&mut two, &page));
        for shown in [&first, &second] {
            assert!(shown.text.contains("注册完成"), "{} {}", shown.url, shown.text);
        }
        let opened = actions(&app).await.iter().filter(|one| *one == "registered").count();
        assert_eq!(opened, 1);
        // Whoever comes back to a step is led to the end; a form of before does nothing.
        let again = browser.get(&url(&format!("/identity?t={t}"))).await;
        assert!(again.text.contains("注册完成"), "{}", again.text);
        let again = go_on(&mut browser, &page).await;
        assert!(again.text.contains("注册完成"), "{}", again.text);
    });
}

/// Covers: a name that does not fit the number is said where it can be mended, the phone stays
/// proved; an authority that is away is no refusal.
#[test]
fn a_wrong_name_can_be_mended() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let names = &app.ctx.services.outbound.registry_of_names;
        names.script(NameAnswer::Mismatch);
        let wrong = Registrant { name: "方雨", ..FANG };
        let (mut browser, page) = reached(&app, wrong).await;
        assert_eq!(page.code(), Some("E_REAL_NAME"), "{}", page.text);
        assert!(page.text.contains("value=\"方雨\""), "{}", page.text);
        names.set_down(true);
        let page = name(&mut browser, &page, FANG).await;
        assert_eq!((page.status.as_u16(), page.code()), (503, Some("E_REAL_NAME_UNAVAILABLE")));
        names.set_down(false);
        let page = name(&mut browser, &page, FANG).await;
        assert!(page.text.contains("第 4 步"), "{}", page.text);
        assert_eq!(app.ctx.services.outbound.inbox.messages().len(), 1, "one code was enough");
        // A code of the former name answers nothing: the page shows another.
        let page = agree_to_face(&mut browser, &page).await;
        let t = page.hidden()["t"].clone();
        show_face(&app, &page, FaceState::Passed).await;
        let back = browser.get(&url(&format!("/identity?t={t}"))).await;
        let other = Registrant { name: "方语", ..FANG };
        let page_of_other = name(&mut browser, &back, other).await;
        assert!(page_of_other.text.contains("accept-face-service"), "{}", page_of_other.text);
        let stale = go_on(&mut browser, &page).await;
        assert!(!stale.text.contains("注册完成"), "{}", stale.text);
        let page = agree_to_face(&mut browser, &page_of_other).await;
        assert!(page.text.contains("data-scan"), "{}", page.text);
        let stale = browser.submit(&page, &[("app", "tax_app")]).await;
        assert_eq!(stale.code(), Some("E_STATE"));
        assert!(person(&app, FANG).await.is_none());
    });
}

/// The code of the phone is good until what it proves is written down.
#[test]
fn a_fault_of_ours_costs_no_code() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = named(&app, FANG).await;
        let page = send(&mut browser, &page, FANG.contact).await;
        let code = sent(&app, FANG.contact);
        let typed = [("act", "verify"), ("code", code.as_str())];
        app.sql("ALTER TABLE audit RENAME TO audit_elsewhere").await;
        let failed = browser.submit(&page, &typed).await;
        assert_eq!(failed.status.as_u16(), 500, "{}", failed.text);
        app.sql("ALTER TABLE audit_elsewhere RENAME TO audit").await;
        let page = browser.submit(&page, &typed).await;
        assert!(page.text.contains("第 4 步"), "{} {}", page.url, page.text);
        assert_eq!(
            actions(&app).await.iter().filter(|one| *one == "registration_begun").count(),
            1
        );
    });
}
