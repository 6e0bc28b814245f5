//! The account centres in a real Chromium: every page looked at, and the whole story of a handler
//! in three windows. A person's own page is looked at in `own_pages`, an invitation in `pages`.

use std::time::{Duration, Instant};

use fantoccini::Locator;

use crate::journey::newest_code;
use crate::kit::demo::{Chromium, free_ports, start};
use crate::kit::{EXAMPLE, PASSWORD};

const LI: &str = "13900139000";

struct Window {
    chromium: Chromium,
    port: u16,
}

impl Window {
    async fn open(port: u16, width: u32) -> Option<Self> {
        Some(Self { chromium: Chromium::open(width, 900).await?, port })
    }

    async fn to(&self, offset: u16, path: &str) {
        let url = format!("http://localhost:{}{path}", self.port + offset);
        self.chromium.window.goto(&url).await.unwrap();
    }

    async fn account(&self, path: &str) {
        self.to(0, &format!("/realms/jiangxi/account{path}")).await;
    }

    /// Password and second factor; the page stands at the sign-in form.
    async fn prove(&self, enterprise: &str, person: &str) {
        let chromium = &self.chromium;
        if !enterprise.is_empty() {
            chromium.type_into("#enterprise_number", enterprise).await;
        }
        chromium.type_into("#personal_id", person).await;
        chromium.type_into("#password", PASSWORD).await;
        chromium.type_into("#slider", "\u{e010}").await;
        chromium.click("#login-submit").await;
        self.minute().await;
        chromium.click("button[value=send]").await;
        chromium.type_into("#code", &newest_code(self.port).await).await;
        chromium.click("button[value=verify]").await;
    }

    /// Codes to one phone are a minute apart.
    async fn minute(&self) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://localhost:{}/api/clock/advance?seconds=61", self.port + 1);
        http.post(url).send().await.unwrap();
    }

    async fn sign_in(&self, enterprise: &str, person: &str) {
        self.to(2, "/sign-in").await;
        self.prove(enterprise, person).await;
    }

    /// How long it takes until the application's page shows (or no longer shows) this.
    async fn waits_for(&self, offset: u16, css: &str, text: Option<&str>) -> Duration {
        let since = Instant::now();
        loop {
            self.to(offset, "/").await;
            let found = self.chromium.window.find(Locator::Css(css)).await;
            let shows = match (found, text) {
                (Ok(_), None) => true,
                (Ok(found), Some(text)) => found.text().await.is_ok_and(|shown| shown == text),
                (Err(_), _) => false,
            };
            if shows {
                return since.elapsed();
            }
            assert!(since.elapsed() < Duration::from_secs(20), "{css} {text:?} never came");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Added, confirmed in the sign-in, working, narrowed and told, switched and followed by the second
/// application, deleted and signed out everywhere: a manager, a new clerk, their applications.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_from_the_invitation_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let Some(manager) = Window::open(port, 1440).await else { return };
    let Some(clerk) = Window::open(port, 1200).await else { return };
    let _demo = start(port, folder.path()).await;
    manager.sign_in(EXAMPLE, LI).await;
    manager.account("/handlers/add?identity_type=tax_clerk").await;
    let page = &manager.chromium;
    page.type_into("#name", "王小明").await;
    page.type_into("#document", "360102199003071236").await;
    page.click_here("input[name=p-TAX_FILING]").await;
    page.click("#add-handler").await;
    page.click("#risk-yes").await;
    // He is a clerk of this enterprise already.
    assert!(page.text(".notice").await.contains("E_STATE"));
    manager.account("/handlers/add?identity_type=tax_clerk").await;
    page.type_into("#name", "吴刚").await;
    page.type_into("#document", "330102199008204020").await;
    page.click_here("input[name=p-TAX_FILING]").await;
    page.click_here("input[name=p-TAX_QUERY]").await;
    page.inspect("add-handler").await;
    page.click("#add-handler").await;
    page.inspect("add-handler-risk").await;
    page.click("#risk-yes").await;
    page.inspect("handler-pending").await;

    // The new clerk confirms on the way in and works.
    clerk.sign_in(EXAMPLE, "13200132000").await;
    let own = &clerk.chromium;
    own.click("button[name=confirm]").await;
    assert_eq!(own.text("#permissions").await, "TAX_FILING, TAX_QUERY");
    clerk.to(3, "/sign-in").await;
    own.click("#consent-allow").await;
    assert_eq!(own.text("#roles").await, "tax_clerk");

    // Narrowed: both applications show it within five seconds, without a word to him.
    manager.account("/handlers").await;
    page.inspect("handlers").await;
    let link = "//li[contains(., '吴*')]//a";
    page.window.find(Locator::XPath(link)).await.unwrap().click().await.unwrap();
    page.click("#act-edit").await;
    page.inspect("handler-choose").await;
    page.click_here("input[name=p-TAX_QUERY]").await;
    page.click("#choose-permissions").await;
    page.inspect("handler-chosen").await;
    page.click("#save-handler").await;
    let told = clerk.waits_for(2, "#permissions", Some("TAX_FILING")).await;
    assert!(told < Duration::from_secs(5), "told after {told:?}");

    // Switched in the account centre: the second application follows.
    manager.account("/handlers/add?identity_type=invoicing_clerk").await;
    page.type_into("#name", "吴刚").await;
    page.type_into("#document", "330102199008204020").await;
    page.click_here("input[name=p-INVOICE]").await;
    page.click("#add-handler").await;
    page.click("#risk-yes").await;
    let handler = page.window.current_url().await.unwrap();
    confirm_alone(&clerk).await;
    clerk.sign_in(EXAMPLE, "13200132000").await;
    own.window.wait().for_element(Locator::Css("button.identity")).await.unwrap();
    let clerkship = "//button[contains(., '办税员')]";
    own.window.find(Locator::XPath(clerkship)).await.unwrap().click().await.unwrap();
    assert_eq!(own.text("#roles").await, "tax_clerk");
    clerk.to(3, "/sign-in").await;
    assert_eq!(own.text("#roles").await, "tax_clerk");
    clerk.account("").await;
    own.inspect("home").await;
    own.click("form[action$='/account/switch'] button.quiet:not(.quick)").await;
    let told = clerk.waits_for(3, "#roles", Some("invoicing_clerk")).await;
    assert!(told < Duration::from_secs(5), "told after {told:?}");

    // Deleted: signed out of the application, refresh refused, sign-in only as what is left.
    page.window.goto(handler.as_str()).await.unwrap();
    page.click("#act-delete").await;
    page.inspect("handler-delete").await;
    page.click("#delete-sure").await;
    let told = clerk.waits_for(3, "#sign-in", None).await;
    assert!(told < Duration::from_secs(5), "told after {told:?}");
    // With the last of them gone the sign-in is refused.
    manager.account("/handlers").await;
    let link = "//li[contains(., '吴*')]//a";
    page.window.find(Locator::XPath(link)).await.unwrap().click().await.unwrap();
    page.click("#act-delete").await;
    page.click("#delete-sure").await;
    own.window.delete_all_cookies().await.unwrap();
    clerk.sign_in(EXAMPLE, "13200132000").await;
    own.window.wait().for_element(Locator::Css("[data-code=E_NO_IDENTITY]")).await.unwrap();
    manager.account("/handlers/history?reason=deleted").await;
    page.inspect("history").await;
}

/// The clerk in personal affairs confirms with one scan, passed on the phone's page.
async fn confirm_alone(clerk: &Window) {
    let own = &clerk.chromium;
    own.window.delete_all_cookies().await.unwrap();
    clerk.to(0, "/realms/jiangxi/login?return_to=/realms/jiangxi/account/authorisations").await;
    own.click("a[href*='entrance=natural_person']").await;
    clerk.prove("", "13200132000").await;
    own.inspect("authorisations").await;
    own.click("button[value=confirm]").await;
    own.inspect("review").await;
    own.click("#by-tax-app").await;
    let code = own.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    let phone = Chromium::open(500, 900).await.unwrap();
    phone.window.goto(&code).await.unwrap();
    phone.type_into("#number", &own.number().await).await;
    phone.click("#phone-confirm").await;
    phone.click("#face-passed").await;
    own.window.wait().for_element(Locator::Css(".people")).await.unwrap();
    own.inspect("outcomes").await;
    clerk.account("/authorisations/held?scope=national").await;
    own.inspect("authorisations-held").await;
    clerk.account("/authorisations/apply").await;
    own.inspect("apply").await;
    clerk.account("/messages").await;
    own.inspect("messages").await;
    own.window.delete_all_cookies().await.unwrap();
}

/// 【个人信息管理】 by somebody in their own centre: the password by a code, a second phone, the rest.
/// Covers PC-02, PC-03, PC-05, PC-12, PC-13, PC-17, PC-19.
#[tokio::test(flavor = "multi_thread")]
async fn personal_information_is_kept_by_oneself() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let Some(own) = Window::open(port, 1440).await else { return };
    let _demo = start(port, folder.path()).await;
    own.to(0, "/realms/jiangxi/login?return_to=/realms/jiangxi/account/person").await;
    own.chromium.click("a[href*='entrance=natural_person']").await;
    own.prove("", "13800138000").await;
    let page = &own.chromium;
    own.account("/password").await;
    page.inspect("personal-password").await;
    page.type_into("#old", "Wrong2026!").await;
    page.type_into("#new", "Winter2026#").await;
    page.type_into("#repeated", "Winter2026#").await;
    page.click("#password-save").await;
    page.inspect("personal-password-wrong").await;
    own.account("/password?way=face").await;
    page.inspect("personal-password-face").await;
    own.minute().await;
    own.account("/password?way=sms").await;
    page.click("#password-send").await;
    page.type_into("#new", "Winter2026#").await;
    page.type_into("#repeated", "Winter2026#").await;
    page.type_into("#code", &newest_code(port).await).await;
    page.inspect("personal-password-sms").await;
    page.click("#password-save").await;
    page.inspect("personal-password-done").await;

    own.account("/phones").await;
    page.inspect("personal-phones").await;
    page.click("#phone-add").await;
    own.minute().await;
    page.click("#existing-send").await;
    page.inspect("personal-phone-existing").await;
    page.type_into("#code", &newest_code(port).await).await;
    page.click("#existing-verify").await;
    page.type_into("#new-phone", "13712341234").await;
    page.inspect("personal-phone-new").await;
    page.click("#new-send").await;
    page.type_into("#code", "12").await;
    page.click("#new-verify").await;
    page.inspect("personal-phone-wrong").await;
    page.type_into("#code", &newest_code(port).await).await;
    page.click("#new-verify").await;
    page.inspect("personal-phones-two").await;

    own.account("/maintain").await;
    page.type_into("#new-username", "wang.xiaoming").await;
    page.click("#username-save").await;
    page.type_into("#new-email", "wang@example.com").await;
    page.click("#email-send").await;
    page.inspect("personal-maintain").await;
    page.type_into("#code", &newest_code(port).await).await;
    page.click("#contact-verify").await;
    page.type_into("#new-username", "wang.second").await;
    page.click("#username-save").await;
    page.inspect("personal-maintain-later").await;
    page.click("header nav a").await;
    page.inspect("personal-maintain-en").await;
}

/// The pages of a manager, and English.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_centre_is_readable() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let Some(manager) = Window::open(port, 1440).await else { return };
    let _demo = start(port, folder.path()).await;
    manager.sign_in(EXAMPLE, LI).await;
    let page = &manager.chromium;
    for (path, name) in [
        ("", "centre"),
        ("/handlers/pending", "handlers-pending"),
        ("/agencies", "agencies"),
        ("/switch", "switch"),
        ("/switch/records", "switch-records"),
        ("/log", "log"),
        ("/log?of=enterprise", "log-enterprise"),
    ] {
        manager.account(path).await;
        page.inspect(name).await;
    }
    manager.account("").await;
    // In place: the second eye leaves the first field open.
    page.click_here("button.eye").await;
    let revealed = "#f-name[tabindex]";
    page.window.wait().for_element(Locator::Css(revealed)).await.unwrap();
    page.inspect("centre-revealed").await;
    page.click_here("#who summary").await;
    page.inspect("quick-switch").await;
    manager.account("").await;
    page.click("header nav a").await;
    page.inspect("centre-en").await;
    page.click_here("#who summary").await;
    page.click("button.quick").await;
    page.inspect("switched-en").await;
}
