//! The same rows at every door: the three ways after the password, the two apps, and what somebody must
//! have agreed to.

use hufu::outbound::asked::FaceState;

use super::scan::{act, code, go_on, id, iit, login_page, number, pass_face, scan, told};
use crate::kit::browser::Shown;
use crate::kit::{Application, Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url};
use crate::kit::{changed_realm, on_each_database, on_one_database};
use crate::protocol::authorize::signed_in;

pub const INSURANCE: Application = Application {
    id: "social-insurance",
    secret: "demo-secret-of-social-insurance",
    redirect_uri: "https://insurance.jiangxi.example/callback",
};

/// A door of the demo, and somebody who may go through it.
pub struct Door {
    pub id: &'static str,
    pub application: &'static Application,
    pub enterprise: &'static str,
    pub name: &'static str,
    pub document: &'static str,
    pub phone: &'static str,
}

const fn door(
    id: &'static str,
    enterprise: &'static str,
    [name, document, phone]: [&'static str; 3],
) -> Door {
    Door { id, application: &FILING, enterprise, name, document, phone }
}

const WANG: [&str; 3] = ["王小明", "360102199003071236", "13800138000"];
const LI: [&str; 3] = ["李芳", "360121198802290026", "13900139000"];
const ZHOU: [&str; 3] = ["周敏", "360103199208150022", "13300133000"];
const HE: [&str; 3] = ["何建", "330102198506153014", "13100131000"];

/// Those with the guide's three ways.
pub const DOORS: [Door; 6] = [
    door("enterprise", EXAMPLE, WANG),
    door("natural_person", "", WANG),
    door("agency", "52360100MA3AGENT12", ZHOU),
    door("specific_entity", "91330100MA2BUJ786T", HE),
    Door { application: &INSURANCE, ..door("social_insurance_unit", EXAMPLE, LI) },
    Door { application: &INSURANCE, ..door("social_insurance_person", "", LI) },
];

impl Door {
    /// The door's form.
    pub async fn open(&self, app: &TestApp) -> (Browser, Shown) {
        let mut browser = app.browser();
        let page = self.open_in(&mut browser).await;
        (browser, page)
    }

    pub async fn open_in(&self, browser: &mut Browser) -> Shown {
        browser.at_entrance(&authorize_url(self.application, &[("prompt", "login")]), self.id).await
    }

    pub async fn type_in(
        &self,
        browser: &mut Browser,
        page: &Shown,
        (name, password): (&str, &str),
    ) -> Shown {
        let mut values = vec![("personal_id", name), ("password", password), ("slider", "100")];
        if !self.enterprise.is_empty() {
            values.push(("enterprise_number", self.enterprise));
        }
        if self.id == "specific_entity" {
            values.push(("record_kind", "inspection"));
        }
        browser.submit(page, &values).await
    }

    /// The second factor's page, reached by phone number and password.
    pub async fn at_second_factor(&self, app: &TestApp) -> (Browser, Shown) {
        let (mut browser, page) = self.open(app).await;
        let page = self.type_in(&mut browser, &page, (self.phone, PASSWORD)).await;
        (browser, page)
    }

    /// Takes the first identity, client or record where several are offered.
    pub async fn choose(&self, browser: &mut Browser, page: Shown) -> Shown {
        for name in ["identity", "client", "record"] {
            let offered = format!("name=\"{name}\" value=\"");
            if let Some(choice) = page.text.split(&offered).nth(1) {
                let id = choice.split('"').next().unwrap().to_owned();
                return browser.submit(&page, &[(name, &id)]).await;
            }
        }
        page
    }

    pub async fn is_signed_out(&self, browser: &mut Browser) -> bool {
        let silent = authorize_url(self.application, &[("prompt", "none")]);
        browser.get(&silent).await.answered("error").as_deref() == Some("login_required")
            && browser.cookies.keys().all(|name| !name.contains("session"))
    }
}

/// The ways on the page, in order.
fn ways(page: &Shown) -> Vec<String> {
    let tabs = page.text.split("id=\"way-").skip(1);
    tabs.map(|tab| tab.split('"').next().unwrap().to_owned()).collect()
}

async fn with_way(browser: &mut Browser, page: &Shown, way: &str) -> Shown {
    let t = page.hidden()["t"].clone();
    browser.get(&format!("/realms/jiangxi/login/second_factor?t={t}&way={way}")).await
}

/// Passes the way that is open on the page.
async fn pass(app: &TestApp, door: &Door, browser: &mut Browser, page: &Shown, way: &str) -> Shown {
    match way {
        "sms" => browser.pass_second_factor(app, page, door.phone).await,
        "tax_app" => {
            pass_face(app, page, FaceState::Passed).await;
            go_on(browser, page).await
        }
        _ => {
            let own = iit(door.name, door.document);
            act(app, page, "scan", (&own, true), None).await;
            let typed = number(&app.ctx, page).await.parse().ok();
            let done = act(app, page, "confirm", (&own, true), typed).await;
            assert_eq!(done["state"], "confirmed", "{done}");
            go_on(browser, page).await
        }
    }
}

/// Exactly three ways, each leads on, one may change one's mind before, and there is no session until
/// one has passed. Covers E-10, P-03, G-03, S-03.
#[test]
fn each_way_leads_on_at_every_door() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let all = ["sms", "tax_app", "iit_app"];
        for door in &DOORS {
            for (at, way) in all.into_iter().enumerate() {
                app.clock.advance(3601);
                let (mut browser, page) = door.at_second_factor(&app).await;
                assert_eq!(ways(&page), all, "{}", door.id);
                // Another way is begun, and left.
                let other = with_way(&mut browser, &page, all[(at + 1) % 3]).await;
                assert_eq!(ways(&other), all);
                if all[(at + 1) % 3] == "sms" {
                    browser.submit(&other, &[("act", "send")]).await;
                    app.clock.advance(61);
                }
                assert!(door.is_signed_out(&mut browser.clone()).await, "{} {way}", door.id);
                let page = with_way(&mut browser, &page, way).await;
                let done = pass(&app, door, &mut browser, &page, way).await;
                let done = door.choose(&mut browser, done).await;
                assert!(done.answered("code").is_some(), "{} {way}: {}", door.id, done.text);
            }
        }
    });
}

/// The bureau's app needs no sign-in and takes this person's face alone; the other operator's speaks for
/// who is signed in there, who must be this person, with a face. Covers E-12, E-13, P-05, S-03.
#[test]
fn each_app_proves_this_person_alone_at_every_door() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for door in &DOORS {
            app.clock.advance(86_401);
            let (mut browser, page) = door.at_second_factor(&app).await;
            let page = with_way(&mut browser, &page, "tax_app").await;
            // Nobody is signed in at that phone: another face does not pass, and a new code is shown.
            let refused = pass_face(&app, &page, FaceState::Failed).await;
            assert_eq!(refused.code(), Some("E_STEPUP_FAILED"), "{}", door.id);
            let again = go_on(&mut browser, &page).await;
            assert_eq!(again.code(), Some("E_STEPUP_FAILED"), "{}", door.id);
            assert_ne!(id(&again), id(&page), "the page offers to try again");
            assert!(door.is_signed_out(&mut browser.clone()).await);
            // The other operator's app: a camera, which is nobody signed in, leaves the code as it is.
            let page = with_way(&mut browser, &page, "iit_app").await;
            let camera = app.browser().get(&code(&page)).await;
            assert!(camera.text.contains("个人所得税"), "{}", camera.text);
            assert_eq!(told(&mut browser, &page).await["state"], "new", "{}", door.id);
            let other = if door.name == "李芳" { WANG } else { LI };
            let (own, other) = (iit(door.name, door.document), iit(other[0], other[1]));
            for (who, has_face) in [(&other, true), (&own, false)] {
                let page = with_way(&mut browser, &page, "iit_app").await;
                act(&app, &page, "scan", (who, has_face), None).await;
                let typed = number(&app.ctx, &page).await.parse().ok();
                let refused = act(&app, &page, "confirm", (who, has_face), typed).await;
                assert_eq!(refused["error"], "E_STEPUP_FAILED", "{}: {refused}", door.id);
                let again = go_on(&mut browser, &page).await;
                assert_eq!(again.code(), Some("E_STEPUP_FAILED"), "{}", door.id);
                assert!(door.is_signed_out(&mut browser.clone()).await);
            }
            // The same sign-in goes on by the right face.
            let page = with_way(&mut browser, &page, "tax_app").await;
            let done = pass(&app, door, &mut browser, &page, "tax_app").await;
            let done = door.choose(&mut browser, done).await;
            assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
        }
    });
}

/// The face service is none of them: it is agreed to before the first face check.
pub const TEXTS: [&str; 2] = ["user-agreement", "personal-information"];

pub async fn accept(browser: &mut Browser, page: &Shown, texts: &[&str]) -> Shown {
    let names: Vec<String> = texts.iter().map(|id| format!("accept-{id}")).collect();
    let mut values: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "yes")).collect();
    values.push(("act", "accept"));
    browser.submit(page, &values).await
}

/// What somebody has accepted, as it is kept: text, version, hash, time, address, channel.
pub async fn accepted(app: &TestApp, phone: &str) -> Vec<String> {
    let account = app.ctx.rows().accounts();
    let phone = hufu::domain::number::phone::Phone::parse(phone).unwrap();
    let account = account.find_by_phone(&phone).await.unwrap().unwrap().id;
    app.said(&format!(
        "SELECT document || ' ' || version || ' ' || text_hash || ' ' || accepted_at || ' ' || ip \
         || ' ' || channel AS said FROM agreement_acceptance \
         WHERE account_id = {} ORDER BY document, version",
        app.literal(account.0)
    ))
    .await
}

async fn forget_acceptances(app: &TestApp) {
    app.sql("DELETE FROM agreement_acceptance").await;
}

/// At the first sign-in all the texts must be accepted before there is a session; what was accepted is
/// kept with version, time, address and channel, and asked once for each version. Declining signs out
/// and changes nothing. Covers E-19, E-20, P-04.
#[test]
fn agreements_stand_before_every_door() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        for door in &DOORS {
            app.clock.advance(3601);
            forget_acceptances(&app).await;
            let (mut browser, page) = door.at_second_factor(&app).await;
            let page = browser.pass_second_factor(&app, &page, door.phone).await;
            let page = door.choose(&mut browser, page).await;
            assert!(page.url.contains("/login/agreements"), "{}: {}", door.id, page.url);
            for shown in ["用户协议", "个人信息保护告知同意书"] {
                assert!(page.text.contains(shown), "{}: {shown}", door.id);
            }
            assert!(!page.text.contains("人脸识别服务协议"), "{}: no condition here", door.id);
            // None, one, the other: nothing is kept.
            for some in [&TEXTS[..0], &TEXTS[..1], &TEXTS[1..], &["face-service"]] {
                let refused = accept(&mut browser, &page, some).await;
                assert_eq!(refused.code(), Some("E_AGREEMENT"), "{} {some:?}", door.id);
            }
            assert!(door.is_signed_out(&mut browser.clone()).await, "{}", door.id);
            let declined = browser.submit(&page, &[("act", "decline")]).await;
            assert_eq!(declined.code(), Some("E_AGREEMENT"));
            assert!(door.is_signed_out(&mut browser).await, "{}", door.id);
            assert_eq!(accepted(&app, door.phone).await, [""; 0], "nothing is changed");
            // The declined sign-in is over: its page leads nowhere.
            let over = accept(&mut browser, &page, &TEXTS).await;
            assert_eq!(over.status.as_u16(), 410, "{}", over.text);

            // The next sign-in asks again.
            app.clock.advance(61);
            let (mut browser, page) = door.at_second_factor(&app).await;
            let page = browser.pass_second_factor(&app, &page, door.phone).await;
            let page = door.choose(&mut browser, page).await;
            assert!(page.url.contains("/login/agreements"), "{}: {}", door.id, page.url);
            let done = accept(&mut browser, &page, &TEXTS).await;
            assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
            let now = app.clock.now().0;
            let kept = accepted(&app, door.phone).await;
            assert_eq!(kept.len(), 2, "{kept:?}");
            for agreement in app.ctx.realm.agreements_to_sign_in() {
                let (id, version) = (&agreement.id, &agreement.version);
                let line = format!("{id} {version} {} {now} 127.0.0.1 web", agreement.text_hash);
                assert!(kept.contains(&line), "{line}: {kept:?}");
            }
            // And not a third time.
            app.clock.advance(61);
            let (mut browser, page) = door.at_second_factor(&app).await;
            let done = browser.pass_second_factor(&app, &page, door.phone).await;
            let done = door.choose(&mut browser, done).await;
            assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
            assert_eq!(accepted(&app, door.phone).await, kept);
        }
    });
}

/// A new version of one text is asked of everybody at the next sign-in, and beside the old one kept.
/// Covers E-19, E-20.
#[test]
fn a_new_version_is_asked_of_everybody() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let newer = changed_realm(&[(
            "realm.toml",
            "id = \"personal-information\"\nversion = \"2026-11\"",
            "id = \"personal-information\"\nversion = \"2026-12\"",
        )]);
        let before = accepted(&app, DOORS[0].phone).await;
        assert_eq!(before.len(), 3, "{before:?}");
        let node = app.second_node_of(newer).await;
        for door in [&DOORS[0], &DOORS[2], &DOORS[3], &DOORS[5]] {
            let (mut browser, page) = door.at_second_factor(&node).await;
            let page = browser.pass_second_factor(&node, &page, door.phone).await;
            let page = door.choose(&mut browser, page).await;
            assert!(page.url.contains("/login/agreements"), "{}: {}", door.id, page.url);
            let done = accept(&mut browser, &page, &TEXTS).await;
            assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
            let kept = accepted(&app, door.phone).await;
            assert_eq!(kept.len(), 4, "the old versions stay: {kept:?}");
            app.clock.advance(61);
        }
    });
}

/// Nor does a phone that was signed in before spare its owner the new version: it is asked of the browser that the
/// phone lets in, before there is a session. Covers E-20.
#[test]
fn a_new_version_is_asked_of_who_comes_by_phone() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let before = signed_in(&app).await;
        let newer = changed_realm(&[(
            "realm.toml",
            "id = \"personal-information\"\nversion = \"2026-11\"",
            "id = \"personal-information\"\nversion = \"2026-12\"",
        )]);
        let node = app.second_node_of(newer).await;
        let mut phone = node.browser();
        phone.cookies = before.cookies;
        let (mut browser, page) = login_page(&node).await;
        let asked = scan(&mut phone, &code(&page)).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        let page = go_on(&mut browser, &page).await;
        assert!(page.url.contains("/login/agreements"), "{}: {}", page.url, page.text);
        assert!(!browser.cookies.keys().any(|name| name.contains("session")));
        let done = accept(&mut browser, &page, &TEXTS).await;
        assert!(done.answered("code").is_some(), "{}: {}", done.url, done.text);
    });
}

/// A new version is asked once at the natural person's door as at the enterprise's: not before it stands, with its
/// text, and of whoever has agreed at the one not again at the other. Covers P-04, E-19, E-20.
#[test]
fn a_new_version_is_asked_once_at_either_door() {
    on_each_database(|on| async move {
        for (first, second) in [(&DOORS[1], &DOORS[0]), (&DOORS[0], &DOORS[1])] {
            let app = TestApp::start(on).await;
            let (mut browser, page) = first.at_second_factor(&app).await;
            let done = browser.pass_second_factor(&app, &page, first.phone).await;
            let done = first.choose(&mut browser, done).await;
            assert!(done.answered("code").is_some(), "{}: {}", first.id, done.url);
            let newer = changed_realm(&[(
                "realm.toml",
                "id = \"personal-information\"\nversion = \"2026-11\"",
                "id = \"personal-information\"\nversion = \"2026-12\"",
            )]);
            let node = app.second_node_of(newer).await;
            app.clock.advance(61);
            let (mut browser, page) = first.at_second_factor(&node).await;
            let page = browser.pass_second_factor(&node, &page, first.phone).await;
            let page = first.choose(&mut browser, page).await;
            assert!(page.url.contains("/login/agreements"), "{}: {}", first.id, page.url);
            assert!(page.text.contains("个人信息保护告知同意书 (2026-12)"), "{}", page.text);
            let refused = accept(&mut browser, &page, &TEXTS[..1]).await;
            assert_eq!(refused.code(), Some("E_AGREEMENT"), "{}", first.id);
            assert!(first.is_signed_out(&mut browser.clone()).await, "{}", first.id);
            let done = accept(&mut browser, &page, &TEXTS).await;
            assert!(done.answered("code").is_some(), "{}: {}", first.id, done.text);
            let kept = accepted(&app, first.phone).await;
            let new: Vec<_> = kept.iter().filter(|line| line.contains(" 2026-12 ")).collect();
            assert_eq!((kept.len(), new.len()), (4, 1), "{kept:?}");
            for door in [first, second] {
                app.clock.advance(61);
                let (mut browser, page) = door.at_second_factor(&node).await;
                let done = browser.pass_second_factor(&node, &page, door.phone).await;
                let done = door.choose(&mut browser, done).await;
                assert!(done.answered("code").is_some(), "{}: {}", door.id, done.url);
            }
            assert_eq!(accepted(&app, first.phone).await, kept);
        }
    });
}
