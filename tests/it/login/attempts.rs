//! The sign-in log (E-24): every attempt with way, entrance, enterprise, outcome, address and device.

use axum::http::{HeaderValue, header};
use hufu::domain::login::Then;
use hufu::flows::Stop;
use hufu::flows::sign_in::credentials::verify_credentials;
use hufu::flows::sign_in::transaction::new;

use super::deadline_hour::form;
use super::devices::given_cookie;
use super::doors::{DOORS, Door};
use super::passkeys;
use super::scan::{act, another, code, go_on, iit, number, scan};
use crate::account::{AGENCY, LI, at_door};
use crate::kit::browser::Shown;
use crate::kit::passkey::asked;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, demo_realm, on_each_database,
};
use crate::protocol::authorize::signed_in;

/// Every line as "way entrance enterprise outcome person", whatever its order; each was written from the
/// address and browser of the attempt.
pub async fn lines(app: &TestApp) -> Vec<String> {
    let said = app.said(
        "SELECT l.ip || ' ' || l.device || ' ' || l.at || '|' || l.way || ' ' || l.entrance || ' ' || \
         COALESCE(e.tin, '-') || ' ' || l.outcome || \
         CASE WHEN l.person_id IS NULL THEN ' -' ELSE ' known' END AS said \
         FROM login_log l LEFT JOIN enterprise e ON e.id = l.enterprise_id",
    );
    let mut lines = said.await;
    lines.sort();
    lines
}

/// Does something, and tells what it has left in the log.
struct Watched<'a> {
    app: &'a TestApp,
    before: Vec<String>,
}

impl Watched<'_> {
    async fn left(&mut self, expected: &[&str]) {
        let now = lines(self.app).await;
        let mut new = now.clone();
        for line in &self.before {
            let at = new.iter().position(|one| one == line).expect("nothing is taken away");
            new.remove(at);
        }
        let at = self.app.clock.now().0;
        let mut wanted: Vec<String> =
            expected.iter().map(|line| format!("127.0.0.1 Firefox / Linux {at}|{line}")).collect();
        wanted.sort();
        assert_eq!(new, wanted);
        self.before = now;
    }
}

fn firefox(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    let agent = HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0");
    browser.headers.insert(header::USER_AGENT, agent);
    browser
}

async fn at_enterprise(app: &TestApp, who: &str, password: &str) -> (Browser, Shown) {
    let mut browser = firefox(app);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, who, password)).await;
    (browser, page)
}

/// What is refused at the first page, at the second factor and after it. Covers E-24.
#[test]
fn every_refused_attempt_is_in_the_log() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut log = Watched { app: &app, before: Vec::new() };
        // A form that is empty is no attempt: nothing was looked at.
        at_enterprise(&app, "", PASSWORD).await;
        log.left(&[]).await;
        let mut browser = firefox(&app);
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let undone = [
            ("enterprise_number", EXAMPLE),
            ("personal_id", LI),
            ("password", PASSWORD),
            ("slider", "40"),
        ];
        browser.submit(&page, &undone).await;
        log.left(&["password enterprise - E_SLIDER -"]).await;
        at_enterprise(&app, LI, "Wrong2026!").await;
        log.left(&[&format!("password enterprise {EXAMPLE} E_CREDENTIALS known")]).await;
        at_enterprise(&app, "nobody.here", PASSWORD).await;
        log.left(&[&format!("password enterprise {EXAMPLE} E_CREDENTIALS -")]).await;
        let mut browser = firefox(&app);
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        browser.type_credentials(&page, ("91110108551385082Q", LI, PASSWORD)).await;
        log.left(&["password enterprise - E_CREDENTIALS known"]).await;
        for _ in 0..5 {
            at_enterprise(&app, "wangxm", "Wrong2026!").await;
        }
        log.before = lines(&app).await;
        at_enterprise(&app, "wangxm", PASSWORD).await;
        log.left(&[&format!("password enterprise {EXAMPLE} E_LOCKED known")]).await;
        app.clock.advance(901);

        // A wrong code, one that has run out, a face of somebody else.
        let (mut browser, page) = at_enterprise(&app, LI, PASSWORD).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let right = app.sms(LI);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        browser.submit(&sent, &[("act", "verify"), ("code", wrong)]).await;
        log.left(&[&format!("sms enterprise {EXAMPLE} E_OTP known")]).await;
        app.clock.advance(301);
        browser.submit(&sent, &[("act", "verify"), ("code", &right)]).await;
        log.left(&[&format!("sms enterprise {EXAMPLE} E_OTP_EXPIRED known")]).await;
        let t = page.hidden()["t"].clone();
        let way = format!("/realms/jiangxi/login/second_factor?t={t}&way=tax_app");
        let page = browser.get(&way).await;
        let mut phone = firefox(&app);
        let asked = scan(&mut phone, &code(&page)).await;
        let wrong = another(&number(&app.ctx, &page).await);
        phone.submit(&asked, &[("act", "confirm"), ("number", wrong)]).await;
        log.left(&[&format!("tax_app enterprise {EXAMPLE} E_STEPUP_FAILED known")]).await;

        // After it: declined texts, a prompt that was cancelled, no identity.
        app.sql("DELETE FROM agreement_acceptance").await;
        app.clock.advance(61);
        let (mut browser, page) = at_enterprise(&app, LI, PASSWORD).await;
        let page = browser.pass_second_factor(&app, &page, LI).await;
        browser.submit(&page, &[("act", "decline")]).await;
        log.left(&[&format!("password enterprise {EXAMPLE} E_AGREEMENT known")]).await;
        let app = TestApp::start(on).await;
        let mut log = Watched { app: &app, before: Vec::new() };
        let (mut browser, page) = at_enterprise(&app, "13600136000", PASSWORD).await;
        let page = browser.pass_second_factor(&app, &page, "13600136000").await;
        browser.submit(&page, &[("act", "cancel")]).await;
        log.left(&[&format!("password enterprise {EXAMPLE} E_NO_IDENTITY known")]).await;
        let (mut browser, page) = at_enterprise(&app, "13500135000", PASSWORD).await;
        browser.pass_second_factor(&app, &page, "13500135000").await;
        log.left(&[&format!("password enterprise {EXAMPLE} E_NO_IDENTITY known")]).await;

        // Instead of a password: a passkey of nobody, a phone that turns back.
        let mut browser = firefox(&app);
        let page = DOORS[1].open_in(&mut browser).await;
        let made = browser.submit(&page, &[("made", "{}")]).await;
        assert_eq!(made.code(), Some("E_PASSKEY"));
        log.left(&["passkey natural_person - E_PASSKEY -"]).await;
        app.clock.advance(61);
        let mut phone = at_door(&app, "enterprise", (EXAMPLE, LI, PASSWORD), "").await;
        log.before = lines(&app).await;
        let mut browser = firefox(&app);
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let asked = scan(&mut phone, &code(&page)).await;
        phone.submit(&asked, &[("act", "cancel")]).await;
        log.left(&["tax_app_scan scan - E_STEPUP_FAILED -"]).await;
    });
}

/// What succeeded, at every door and by every way in. Covers E-24.
#[test]
fn every_sign_in_is_in_the_log() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut log = Watched { app: &app, before: Vec::new() };
        let all = Door { id: "all_in_one", ..DOORS[1] };
        for door in DOORS.iter().chain([&all]) {
            app.clock.advance(61);
            let mut browser = firefox(&app);
            let page = door.open_in(&mut browser).await;
            let page = door.type_in(&mut browser, &page, (door.phone, PASSWORD)).await;
            log.left(&[]).await;
            let page = browser.pass_second_factor(&app, &page, door.phone).await;
            let done = door.choose(&mut browser, page).await;
            assert!(done.answered("code").is_some(), "{}: {}", door.id, done.text);
            let enterprise = match door.id {
                "all_in_one" => EXAMPLE,
                _ if door.enterprise.is_empty() => "-",
                _ => door.enterprise,
            };
            log.left(&[&format!("password {} {enterprise} ok known", door.id)]).await;
        }
        // By phone, as an enterprise's clerk and for a client.
        for (door, enterprise, phone) in
            [("enterprise", EXAMPLE, LI), ("agency", AGENCY, "13300133000")]
        {
            let mut phone = at_door(&app, door, (enterprise, phone, PASSWORD), EXAMPLE).await;
            log.before = lines(&app).await;
            let mut browser = firefox(&app);
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let asked = scan(&mut phone, &code(&page)).await;
            phone.submit(&asked, &[("act", "confirm")]).await;
            log.left(&[]).await;
            let page = go_on(&mut browser, &page).await;
            let done = DOORS[2].choose(&mut browser, page).await;
            assert!(done.answered("code").is_some(), "{}", done.text);
            log.left(&[&format!("tax_app_scan scan {enterprise} ok known")]).await;
        }
    });
}

/// The same by passkey, by the other operator's app, by a known browser that spares the second factor, and at the
/// door of those who have no number of this country's. Covers E-24.
#[test]
fn every_other_way_in_is_in_the_log() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let mut passkey = passkeys::enrol(&mut owner).await;
        app.clock.advance(61);
        let mut log = Watched { app: &app, before: lines(&app).await };
        let mut browser = firefox(&app);
        let page = DOORS[1].open_in(&mut browser).await;
        let made = passkey.answer(&asked(&page).expect("options"));
        let done = browser.submit(&page, &[("made", &made)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        log.left(&["passkey natural_person - ok known"]).await;

        let mut browser = firefox(&app);
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let t = page.hidden()["t"].clone();
        let other = format!("/realms/jiangxi/login/credentials?t={t}&app=iit_app");
        let page = browser.get(&other).await;
        let li = iit("李芳", "360121198802290026");
        act(&app, &page, "scan", (&li, false), None).await;
        act(&app, &page, "confirm", (&li, false), None).await;
        log.left(&[]).await;
        let done = go_on(&mut browser, &page).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        log.left(&["iit_app_scan scan - ok known"]).await;

        let door = Door { id: "all_in_one", phone: LI, ..DOORS[1] };
        let mut browser = firefox(&app);
        given_cookie(&app, &mut browser, door.id, LI).await;
        let page = door.open_in(&mut browser).await;
        let chooser = door.type_in(&mut browser, &page, (LI, PASSWORD)).await;
        let done = browser.submit(&chooser, &[("identity", "personal")]).await;
        assert!(done.answered("code").is_some(), "{}: {}", done.url, done.text);
        log.left(&["password all_in_one - ok known"]).await;

        let (number, email) = ("FJ3601008400000011", "john.miller@example.com");
        let door = Door { id: "non_resident", enterprise: number, ..DOORS[1] };
        let mut browser = firefox(&app);
        let page = door.open_in(&mut browser).await;
        door.type_in(&mut browser, &page, (email, "Wrong2026!")).await;
        log.left(&[&format!("password non_resident {number} E_CREDENTIALS known")]).await;
        let page = door.open_in(&mut browser).await;
        let page = door.type_in(&mut browser, &page, (email, PASSWORD)).await;
        let t = page.hidden()["t"].clone();
        let way = format!("/realms/jiangxi/login/second_factor?t={t}&way=email");
        let page = browser.get(&way).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let mut messages = app.ctx.services.outbound.inbox.messages().into_iter();
        let code = messages.find(|message| message.to == email).expect("a code").code;
        let done = browser.submit(&sent, &[("act", "verify"), ("code", &code)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        log.left(&[&format!("password non_resident {number} ok known")]).await;
    });
}

/// Whoever finds every lane for passwords taken has tried, too. Covers E-24.
#[test]
fn who_comes_in_a_crowd_is_in_the_log() {
    on_each_database(|on| async move {
        let lanes = (0, 0);
        let app = Setup { lanes, ..Setup::of(on, vec![demo_realm()]) }.start().await;
        let transaction = new(&app.ctx, Then::Nowhere);
        let form = form(&app.ctx, &transaction, EXAMPLE, (LI, PASSWORD));
        let busy = verify_credentials(&app.ctx, &transaction, &form).await;
        assert_eq!(Stop::refusal(busy).unwrap().unwrap_err().code(), "E_BUSY");
        let lines = lines(&app).await;
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with(&format!("|password enterprise {EXAMPLE} E_BUSY known")));
    });
}
