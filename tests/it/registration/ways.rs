//! The ways through: by a face with either app, from the mainland and from overseas.

use hufu::outbound::asked::FaceState;

use super::*;
use crate::kit::browser::unescape;
use crate::kit::{FILING, authorize_url, on_each_database, on_one_database};
use crate::login::scan::{act, iit};

/// Covers, L-01, L-02, L-03, L-04, L-05.
#[test]
fn somebody_new_registers_by_a_face() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let before = app.rows_of("jiangxi").await;
        let mut browser = app.browser();
        let page = browser.get(&url("")).await;
        for said in ["第 1 步，共 4 步", "境内自然人", "切换到境外自然人", "用户协议"]
        {
            assert!(page.text.contains(said), "{said}: {}", page.text);
        }
        let mut page = page;
        for way in ["overseas", "domestic"] {
            let link = page.text.split("id=\"register-other\" href=\"").nth(1).expect("a link");
            page = browser.get(&unescape(link.split('"').next().unwrap())).await;
            assert_eq!(page.hidden()["way"], way, "{}", page.text);
        }
        let page = browser.submit(&page, &[("accept-user-agreement", "yes")]).await;
        assert!(page.text.contains("第 2 步，共 4 步"), "{}", page.text);
        let page = name(&mut browser, &page, FANG).await;
        // Sex and nationality by the number; what is on the way is shown to whoever typed it alone.
        for said in ["第 3 步，共 4 步", "方宇", "3601**********0037", ">男<", ">中国<"] {
            assert!(page.text.contains(said), "{said}: {}", page.text);
        }
        let page = send(&mut browser, &page, FANG.contact).await;
        assert!(page.text.contains("id=\"code\""), "{}", page.text);
        let code = sent(&app, FANG.contact);
        let page = browser.submit(&page, &[("act", "verify"), ("code", &code)]).await;
        for said in ["第 4 步，共 4 步", "个人信息保护告知同意书", "人脸识别服务协议"]
        {
            assert!(page.text.contains(said), "{said}: {}", page.text);
        }
        // Nothing but the audit knows of it until the face has passed.
        let mut on_its_way = app.rows_of("jiangxi").await;
        for table in ["audit", "audit_head"] {
            on_its_way.insert(table.to_owned(), before[table].clone());
        }
        assert_eq!(on_its_way, before);
        let page = agree_to_face(&mut browser, &page).await;
        let told = show_face(&app, &page, FaceState::Passed).await;
        assert!(told.text.contains("请回到电脑继续"), "{}", told.text);
        assert!(person(&app, FANG).await.is_none(), "the browser has not gone on");
        let done = go_on(&mut browser, &page).await;
        assert!(done.url.contains("/register/done"), "{}", done.url);
        assert!(done.text.contains("注册完成"), "{}", done.text);

        let id = person(&app, FANG).await.unwrap();
        let known = app.ctx.rows().people().find(id).await.unwrap().unwrap();
        assert_eq!((known.name.as_str(), known.real_name_level), ("方宇", 4));
        assert_eq!((known.sex.as_deref(), &*known.nationality), (Some("male"), "CHN"));
        let how = levels(&app, FANG).await;
        let how: Vec<(u8, &str)> = how.iter().map(|(level, how)| (*level, how.as_str())).collect();
        assert_eq!(how, [(1, "password"), (2, "phone"), (3, "real_name"), (4, "face")]);
        assert!(app.ctx.rows().standings().held(id).await.unwrap().is_empty(), "no relation");
        let account = account(&app, FANG).await.unwrap();
        let phones = app.ctx.rows().accounts().phones(account.id).await.unwrap();
        assert_eq!(phones.len(), 1);
        assert!(phones[0].is_default);
        let now = actions(&app).await;
        let steps =
            ["account_opened", "document_held", "phone_bound", "agreement_accepted", "registered"];
        for action in steps {
            assert!(now.iter().any(|one| one == action), "{action}: {now:?}");
        }
        let own = id.to_string();
        let is_raised = |event: &serde_json::Value| {
            event["action"] == "real_name_raised" && event["person"] == own.as_str()
        };
        let raised: Vec<serde_json::Value> = app.audit().await;
        let raised: Vec<i64> = raised
            .iter()
            .filter(|event| is_raised(event))
            .map(|event| event["level"].as_i64().unwrap())
            .collect();
        assert_eq!(raised, [1, 2, 3, 4]);
        // The old way in stays shut, the new one opens, and nothing is asked again.
        assert_eq!(signs_in(&app, FANG, "180037").await.code(), Some("E_CREDENTIALS"));
        let arrived = signs_in(&app, FANG, NEW_PASSWORD).await;
        assert!(arrived.url.ends_with("/signed-in"), "{} {}", arrived.url, arrived.text);
    });
}

/// Covers, L-01: the other operator speaks for its own person, and for nobody else.
#[test]
fn the_income_tax_app_answers_for_who_registers() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_face(&app, FANG).await;
        let t = page.hidden()["t"].clone();
        let page = browser.get(&url(&format!("/verify?t={t}&way=iit_app"))).await;
        let wang = iit("王小明", "360102199003071236");
        act(&app, &page, "scan", (&wang, true), None).await;
        let typed = number(&app.ctx, &page).await.parse().ok();
        let told = act(&app, &page, "confirm", (&wang, true), typed).await;
        assert_eq!(told["error"], "E_STEPUP_FAILED", "{told}");
        let page = go_on(&mut browser, &page).await;
        assert_eq!(page.code(), Some("E_STEPUP_FAILED"), "{}", page.text);
        let page = browser.get(&url(&format!("/verify?t={t}&way=iit_app"))).await;
        let fang = iit("方宇", FANG.number);
        act(&app, &page, "scan", (&fang, true), None).await;
        let typed = number(&app.ctx, &page).await.parse().ok();
        let told = act(&app, &page, "confirm", (&fang, true), typed).await;
        assert_eq!(told["state"], "confirmed", "{told}");
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("注册完成"), "{}", done.text);
        let how = levels(&app, FANG).await;
        let how: Vec<(u8, &str)> = how.iter().map(|(level, how)| (*level, how.as_str())).collect();
        assert_eq!(how, [(1, "password"), (2, "phone"), (3, "real_name"), (4, "face")]);
    });
}

/// Covers R-04, L-01, L-04: from overseas by an e-mail address or any phone, with any of the documents that an
/// authority may not know: then whoever compares the face vouches for the name.
#[test]
fn people_from_overseas_register() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let hong_kong = Registrant {
            way: "overseas",
            name: "CHAN Tai Man",
            kind: "hk_macao_residence_permit",
            number: "810000199003071237",
            contact: "tai.man@example.hk",
            ..XU
        };
        let (mut browser, done) = registered(&app, hong_kong).await;
        assert!(done.text.contains("注册完成"));
        // The way in is the door that takes what they registered with.
        assert!(done.text.contains("请在【非居民登录（自然人）】用"), "{}", done.text);
        let link = done.text.split("id=\"register-sign-in\" href=\"").nth(1).expect("a link");
        let door = browser.get(&unescape(link.split('"').next().unwrap())).await;
        assert!(door.text.contains("邮箱 / 手机号码 / 用户名"), "{}", door.text);
        assert!(door.text.contains("name=\"entrance\" value=\"non_resident_person\""));
        let how = levels(&app, hong_kong).await;
        let how: Vec<(u8, &str)> = how.iter().map(|(level, how)| (*level, how.as_str())).collect();
        assert_eq!(how, [(1, "password"), (2, "email"), (3, "face"), (4, "face")]);
        let id = person(&app, hong_kong).await.unwrap();
        let known = app.ctx.rows().people().find(id).await.unwrap().unwrap();
        assert!(known.email_verified_at.is_some());
        assert_eq!(known.email.unwrap().as_str(), "tai.man@example.hk");
        let american = Registrant {
            name: "John Miller-O'Neil",
            kind: "foreign_permanent_resident_id",
            number: "936840199203150033",
            contact: "+12025550147",
            ..hong_kong
        };
        registered(&app, american).await;
        let how = levels(&app, american).await;
        let how: Vec<(u8, &str)> = how.iter().map(|(level, how)| (*level, how.as_str())).collect();
        assert_eq!(how, [(1, "password"), (2, "phone"), (3, "face"), (4, "face")]);
        let id = person(&app, american).await.unwrap();
        let known = app.ctx.rows().people().find(id).await.unwrap().unwrap();
        assert_eq!((known.sex.as_deref(), &*known.nationality), (Some("male"), "USA"));
        // A mainland phone may not be an overseas one, and the other way round.
        let (mut browser, page) = named(&app, XU_OF_A_DAY).await;
        for wrong in ["+12025550147", "tai.man@example.hk", "1380013800", ""] {
            let refused = send(&mut browser, &page, wrong).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{wrong}");
            assert!(refused.text.contains("contact-wrong"), "{}", refused.text);
        }
    });
}

/// Covers L-01, L-04: by a passport, of which no authority says whose it is; whoever compares the face does.
#[test]
fn somebody_registers_by_a_passport() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let who = Registrant { kind: "chinese_passport", number: "E12345678", sex: "female", ..XU };
        registered(&app, who).await;
        let how = levels(&app, who).await;
        let how: Vec<(u8, &str)> = how.iter().map(|(level, how)| (*level, how.as_str())).collect();
        assert_eq!(how, [(1, "password"), (2, "phone"), (3, "face"), (4, "face")]);
    });
}

const XU_OF_A_DAY: Registrant = Registrant { number: "360102199210050040", ..XU };

/// From an application's sign-in as far as what is agreed to before the face.
async fn from_an_application(app: &TestApp, who: Registrant) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "natural_person").await;
    let link = page.text.split("id=\"to-register\" href=\"").nth(1).expect("a link");
    let page = browser.get(&unescape(link.split('"').next().unwrap())).await;
    let back = format!("/login/credentials?t={}", page.hidden()["from"]);
    assert!(unescape(&page.text).contains(&back), "and back: {}", page.text);
    let page = browser.submit(&page, &[("accept-user-agreement", "yes")]).await;
    let page = name(&mut browser, &page, who).await;
    let page = send(&mut browser, &page, who.contact).await;
    let typed = [("act", "verify"), ("code", &*sent(app, who.contact))];
    let page = browser.submit(&page, &typed).await;
    (browser, page)
}

/// Whoever turns back, or has an account already, still goes on to the application that they came from.
#[test]
fn a_registration_that_ends_leads_to_the_application_that_waits() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = from_an_application(&app, FANG).await;
        let declined = browser.submit(&page, &[("act", "decline")]).await;
        assert_eq!(declined.code(), Some("E_AGREEMENT"), "{}", declined.text);
        let li = Registrant { name: "李芳", number: "360121198802290026", ..XU };
        let (_, known) = from_an_application(&app, li).await;
        assert_eq!(known.code(), Some("E_TAKEN"), "{}", known.text);
        for page in [declined, known] {
            let text = unescape(&page.text);
            assert!(text.contains("href=\"/realms/jiangxi/authorize?"), "{text}");
        }
    });
}

/// Covers R-11: whoever came from an application goes on to it, however long it took.
#[test]
fn a_waiting_application_gets_its_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = from_an_application(&app, FANG).await;
        // The sign-in that it was begun from is long over.
        app.clock.advance(900);
        let page = agree_to_face(&mut browser, &page).await;
        show_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.text.contains("登录后将回到"), "{}", done.text);
        let link = done.text.split("id=\"register-sign-in\" href=\"").nth(1).unwrap();
        let link = crate::kit::browser::unescape(link.split('"').next().unwrap());
        let page = browser.get(&link).await;
        let t = page.hidden()["t"].clone();
        let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
        let page = browser.get(&door).await;
        let typed = [("personal_id", FANG.number), ("password", NEW_PASSWORD), ("slider", "100")];
        let page = browser.submit(&page, &typed).await;
        let arrived = browser.pass_second_factor(&app, &page, FANG.contact).await;
        assert!(arrived.answered("code").is_some(), "{} {}", arrived.url, arrived.text);
    });
}
