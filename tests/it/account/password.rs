//! A new password in the account centre, by each of three ways: what is refused and counted, what the
//! change ends, and what stays.

use hufu::domain::notice::NoticeKind;
use hufu::outbound::asked::FaceState;

use super::phones::code_to;
use super::take_over::{bind, owner, told};
use super::{LI, WANG, as_li, as_person, as_wang, get, post};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm, demo_realm,
    on_each_database, on_one_database,
};
use crate::login::scan::{go_on, pass_face};
use crate::registration::{FANG, named};

const PATH: &str = "/account/password";
const NEXT: &str = "Winter2026#";

async fn save(app: &TestApp, browser: &mut Browser, way: &str, more: &[(&str, &str)]) -> Shown {
    let fields = [&[("way", way), ("act", "save")], more].concat();
    post(app, browser, PATH, &fields).await
}

async fn by_old(app: &TestApp, browser: &mut Browser, old: &str, new: &str, again: &str) -> Shown {
    save(app, browser, "old", &[("old", old), ("new", new), ("repeated", again)]).await
}

/// Whether this is the password at the door.
async fn opens(app: &TestApp, password: &str) -> bool {
    app.clock.advance(61);
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), "natural_person").await;
    let page = browser.type_credentials(&page, ("", WANG, password)).await;
    page.url.contains("second_factor") || page.text.contains("id=\"way-sms\"")
}

/// Covers PC-04, PC-08, F-06: the old one fails and the new one opens; this session stays, every
/// other ends with its tokens; the person is told.
#[test]
fn the_old_password_changes_it_and_other_sessions_end() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut other = as_wang(&app, "<strong>办税员").await;
        let done = other.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let mut wang = as_person(&app, WANG).await;
        let account = owner(&app, WANG).await.unwrap();
        let page = get(&mut wang, PATH).await;
        for shown in ["个人密码修改", "密码验证", "手机验证", "扫脸验证", "id=\"old\""]
        {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        for (old, new, again, code, field) in [
            ("", NEXT, NEXT, "E_FORMAT", "old"),
            (PASSWORD, NEXT, "Winter2026+", "E_PASSWORD_POLICY", "repeated"),
            (PASSWORD, "abcd1234", "abcd1234", "E_PASSWORD_POLICY", "new"),
            (PASSWORD, "Abc12!x", "Abc12!x", "E_PASSWORD_POLICY", "new"),
            (PASSWORD, "Abcdef12345678901", "Abcdef12345678901", "E_PASSWORD_POLICY", "new"),
            (PASSWORD, PASSWORD, PASSWORD, "E_PASSWORD_POLICY", "new"),
            (PASSWORD, "A+13800138000", "A+13800138000", "E_PASSWORD_POLICY", "new"),
            (PASSWORD, "Ab+071236", "Ab+071236", "E_PASSWORD_POLICY", "new"),
            ("Wrong2026!", NEXT, NEXT, "E_CREDENTIALS", "old"),
        ] {
            let refused = by_old(&app, &mut wang, old, new, again).await;
            assert_eq!(refused.code(), Some(code), "{old} {new}");
            let at = format!("id=\"{field}\"");
            let tag = refused.text.split(&at).nth(1).unwrap().split('>').next().unwrap();
            assert!(tag.contains("aria-invalid"), "{field}: {tag}");
            assert!(!refused.text.contains(NEXT), "what was typed is not shown");
        }
        assert!(get(&mut other, "/account").await.text.contains("class=\"menu\""));
        let done = by_old(&app, &mut wang, PASSWORD, NEXT, NEXT).await;
        assert!(done.text.contains("密码修改成功"), "{}", done.text);
        // This session stays; the other one and what came of it are over.
        assert!(get(&mut wang, PATH).await.text.contains("class=\"menu\""));
        let gone = get(&mut other, "/account").await;
        assert!(!gone.text.contains("class=\"menu\""), "{}", gone.url);
        let refresh = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refresh.1["error"], "invalid_grant");
        assert!(told(&app, &account).await.contains(&NoticeKind::PasswordChanged));
        assert!(!opens(&app, PASSWORD).await && opens(&app, NEXT).await);
    });
}

/// Covers PC-04, E-09: wrong old passwords are counted like failed sign-ins and lock; in the log, too.
#[test]
fn wrong_old_passwords_are_counted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        for _ in 0..5 {
            let refused = by_old(&app, &mut wang, "Wrong2026!", NEXT, NEXT).await;
            assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{}", refused.text);
        }
        let locked = by_old(&app, &mut wang, PASSWORD, NEXT, NEXT).await;
        assert_eq!(locked.code(), Some("E_LOCKED"), "{}", locked.text);
        let log = get(&mut wang, "/account/log?outcome=refused").await;
        assert_eq!(super::rows(&log).len(), 5, "{}", log.text);
        app.clock.advance(901);
        let done = by_old(&app, &mut wang, PASSWORD, NEXT, NEXT).await;
        assert!(done.text.contains("密码修改成功"), "{}", done.text);
    });
}

/// Covers PC-05: by a code to the default phone, shown masked; no other number can be typed; without a
/// phone the way is closed, by form as well.
#[test]
fn a_code_to_the_default_phone_changes_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let page = get(&mut wang, &format!("{PATH}?way=sms")).await;
        assert!(page.text.contains("138****8000") && !page.text.contains("type=\"tel\""));
        let new = [("new", NEXT), ("repeated", NEXT)];
        let early = save(&app, &mut wang, "sms", &[&new[..], &[("code", "123456")]].concat()).await;
        assert_eq!(early.code(), Some("E_OTP_EXPIRED"));
        app.clock.advance(61);
        let send = [("way", "sms"), ("act", "send"), ("to", LI), ("phone", LI)];
        let sent = post(&app, &mut wang, PATH, &send).await;
        assert!(sent.text.contains("验证码已发送"), "{}", sent.text);
        let right = code_to(&app, WANG);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let of = |code| [("new", NEXT), ("repeated", NEXT), ("code", code)];
        assert_eq!(save(&app, &mut wang, "sms", &of(wrong)).await.code(), Some("E_OTP"));
        assert_eq!(save(&app, &mut wang, "sms", &of("x")).await.code(), Some("E_FORMAT"));
        // Another's session has no use for it; a new password that is refused leaves it good.
        let mut li = as_li(&app).await;
        assert_eq!(save(&app, &mut li, "sms", &of(&right)).await.code(), Some("E_OTP_EXPIRED"));
        let same = [("new", PASSWORD), ("repeated", PASSWORD), ("code", right.as_str())];
        assert_eq!(save(&app, &mut wang, "sms", &same).await.code(), Some("E_PASSWORD_POLICY"));
        // Without the code nobody hears whether it is the old one.
        let guess = [("new", PASSWORD), ("repeated", PASSWORD), ("code", wrong)];
        assert_eq!(save(&app, &mut wang, "sms", &guess).await.code(), Some("E_OTP"));
        let done = save(&app, &mut wang, "sms", &of(&right)).await;
        assert!(done.text.contains("密码修改成功"), "{}", done.text);
        assert_eq!(save(&app, &mut wang, "sms", &of(&right)).await.code(), Some("E_OTP_EXPIRED"));
        assert!(!opens(&app, PASSWORD).await && opens(&app, NEXT).await);
        // Without a phone.
        let mut wang = as_person_with(&app, NEXT).await;
        bind(&app, &owner(&app, LI).await.unwrap(), WANG, false).await;
        let page = get(&mut wang, &format!("{PATH}?way=old")).await;
        let tab = page.text.split("id=\"way-sms\"").nth(1).unwrap().split('>').next().unwrap();
        assert!(tab.contains("aria-disabled") && !tab.contains("href"), "{tab}");
        let none = post(&app, &mut wang, PATH, &[("way", "sms"), ("act", "send")]).await;
        assert_eq!(none.code(), Some("E_NO_PHONE"));
    });
}

async fn as_person_with(app: &TestApp, password: &str) -> Browser {
    super::at_door(app, "natural_person", ("", WANG, password), "").await
}

/// Covers PC-03, PC-06, PC-08: by a face; another's face changes nothing, and the new password waits for
/// the face of the very session that typed it.
#[test]
fn a_face_changes_it() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let of = |new, again| [("new", new), ("repeated", again)];
        let refused = save(&app, &mut wang, "face", &of(NEXT, "Winter2026+")).await;
        assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"));
        let refused = save(&app, &mut wang, "face", &of("abcd1234", "abcd1234")).await;
        assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"));
        for (outcome, changes) in [(FaceState::Failed, false), (FaceState::Passed, true)] {
            let scan = save(&app, &mut wang, "face", &of(NEXT, NEXT)).await;
            assert!(scan.url.contains("/login/second_factor"), "{}", scan.url);
            // By either app, and by nothing else.
            assert!(scan.text.contains("way-iit_app") && !scan.text.contains("way-sms"));
            pass_face(&app, &scan, outcome).await;
            let back = go_on(&mut wang, &scan).await;
            assert_eq!(back.text.contains("密码修改成功"), changes, "{}", back.text);
            assert_eq!(opens(&app, NEXT).await, changes);
        }
        assert!(get(&mut wang, PATH).await.text.contains("class=\"menu\""));
    });
}

/// Covers PC-06, E-09: whoever found an open browser does not guess the password by asking for a new one.
#[test]
fn a_new_password_tells_no_old_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut wang = as_person(&app, WANG).await;
        let mut codes = Vec::new();
        for n in 0..6 {
            let guess = format!("Guess-2026-{n}");
            let asked =
                save(&app, &mut wang, "face", &[("new", &guess), ("repeated", &guess)]).await;
            codes.push(asked.code().map(str::to_owned));
        }
        assert_eq!(codes[..5], [const { None }; 5]);
        assert_eq!(codes[5].as_deref(), Some("E_LOCKED"));
    });
}

/// Accepted and refused by each rule of the guide.
const STRICT: [&[&str]; 2] = [
    &["Abcdef12", "abc12345!", "ABC12345#", "Abcdefg!"],
    &["abcd1234", "Abc12!x", "Abcdef12Abcdef12A"],
];
const MERGED: [&[&str]; 2] = [&["abcd1234"], &["abcdefgh", "AbCdEfGh"]];

/// Covers PC-07, R-15, DEC-1: three classes of four, or two where a realm counts letters as one, wherever a password
/// is set: what is refused changes nothing, what is accepted opens the door.
#[test]
fn each_rule_takes_and_refuses_what_the_guide_says() {
    on_one_database(|on| async move {
        // Whatever the rule, a realm may have words of its own that it refuses; here none of the table.
        let merged = changed_realm(&[
            ("realm.toml", "min_classes = 3", "min_classes = 2\nletters_merged = true"),
            ("realm.toml", "\"abcd1234\", ", ""),
        ]);
        for (realm, [accepted, refused]) in [(demo_realm(), STRICT), (merged, MERGED)] {
            let app = Setup::of(on, vec![realm]).start().await;
            let mut wang = as_person(&app, WANG).await;
            for &new in refused {
                let page = by_old(&app, &mut wang, PASSWORD, new, new).await;
                assert_eq!(page.code(), Some("E_PASSWORD_POLICY"), "{new}");
                assert!(!opens(&app, new).await, "{new}");
            }
            assert!(opens(&app, PASSWORD).await);
            let mut old = PASSWORD;
            for &new in accepted {
                let page = by_old(&app, &mut wang, old, new, new).await;
                assert!(page.text.contains("密码修改成功"), "{new}: {}", page.text);
                assert!(opens(&app, new).await, "{new}");
                old = new;
            }
            // And where somebody registers.
            let all = accepted.iter().map(|new| (*new, true));
            for (new, is_good) in all.chain(refused.iter().map(|new| (*new, false))) {
                app.clock.advance(3601);
                let (mut browser, page) = named(&app, FANG).await;
                let typed = [
                    ("password", new),
                    ("repeated", new),
                    ("contact", FANG.contact),
                    ("act", "send"),
                ];
                let page = browser.submit(&page, &typed).await;
                assert_eq!(page.text.contains("id=\"code\""), is_good, "{new}: {}", page.text);
                assert_eq!(page.code(), (!is_good).then_some("E_PASSWORD_POLICY"), "{new}");
            }
        }
    });
}
