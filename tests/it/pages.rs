//! Every page of a sign-in in a real Chromium: narrow, wide, dark, zoomed, and looked at by axe.

use fantoccini::Locator;

use crate::journey::newest_code;
use crate::kit::demo::{Chromium, free_ports, start};
use crate::kit::{EXAMPLE, PASSWORD};

struct Walk {
    chromium: Chromium,
    port: u16,
}

impl Walk {
    async fn to(&self, offset: u16, path: &str) {
        let url = format!("http://localhost:{}{path}", self.port + offset);
        self.chromium.window.goto(&url).await.unwrap();
    }

    async fn inspect(&self, name: &str) {
        self.chromium.inspect(name).await;
    }

    /// Credentials and the second factor of a person.
    async fn prove(&self, enterprise: &str, person: &str, password: &str) {
        self.to(2, "/sign-in").await;
        self.type_and_prove(enterprise, person, password).await;
    }

    async fn type_and_prove(&self, enterprise: &str, person: &str, password: &str) {
        let chromium = &self.chromium;
        chromium.type_into("#enterprise_number", enterprise).await;
        chromium.type_into("#personal_id", person).await;
        chromium.type_into("#password", password).await;
        chromium.type_into("#slider", "\u{e010}").await;
        chromium.click("#login-submit").await;
        chromium.click("button[value=send]").await;
        chromium.type_into("#code", &newest_code(self.port).await).await;
        chromium.click("button[value=verify]").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_readable_for_everybody() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    walk.to(2, "/").await;
    chromium.click("#sign-in").await;
    walk.inspect("login").await;
    chromium.click("header nav a").await;
    walk.inspect("login-en").await;
    chromium.click("header nav a").await;
    chromium.click("#login-submit").await;
    walk.inspect("login-refused").await;
    chromium.type_into("#enterprise_number", EXAMPLE).await;
    chromium.type_into("#personal_id", "13800138000").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    walk.inspect("factor").await;
    chromium.click("button[value=send]").await;
    walk.inspect("factor-sent").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("button[value=verify]").await;
    chromium.window.wait().for_element(Locator::Css("button.identity")).await.unwrap();
    walk.inspect("choose").await;
    chromium.click("button.identity").await;
    walk.to(3, "/").await;
    chromium.click("#sign-in").await;
    walk.inspect("consent").await;
    walk.to(0, "/realms/jiangxi/logout").await;
    walk.inspect("logout").await;
    chromium.click("button[value=logout]").await;
    walk.inspect("signed-out").await;

    // Somebody from the old system, for the first time.
    walk.prove(EXAMPLE, "13700137000", "014512").await;
    walk.inspect("new-password").await;
    chromium.type_into("#new", "Spring2026+").await;
    chromium.type_into("#repeated", "Spring2026+").await;
    chromium.click("main button[type=submit]").await;
    walk.inspect("agreements").await;
    chromium.window.delete_all_cookies().await.unwrap();

    walk.prove(EXAMPLE, "13600136000", PASSWORD).await;
    walk.inspect("confirm").await;
    chromium.window.delete_all_cookies().await.unwrap();

    // An agency's staff: the clients, then the person's own authenticator.
    walk.to(2, "/sign-in").await;
    chromium.click("a[href*='entrance=agency']").await;
    walk.type_and_prove("52360100MA3AGENT12", "13300133000", PASSWORD).await;
    walk.inspect("clients").await;
    chromium.click("button.identity").await;
    assert_eq!(chromium.text("#enterprise").await, "南昌示例科技有限公司");
    walk.to(0, "/realms/jiangxi/account/authenticator").await;
    // No entrance of this realm takes one, so none can be enrolled.
    walk.inspect("authenticator").await;
    chromium.window.delete_all_cookies().await.unwrap();

    walk.prove(EXAMPLE, "13500135000", PASSWORD).await;
    walk.inspect("no-identity").await;
    walk.to(0, "/realms/jiangxi/authorize?client_id=nobody").await;
    walk.inspect("error").await;
    walk.to(0, "/realms/jiangxi/login/credentials?t=gone").await;
    walk.inspect("expired").await;
}

/// The doors under "other sign-in", from the tax application to its claims, each page looked at.
#[tokio::test(flavor = "multi_thread")]
async fn every_other_door_opens() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;

    walk.to(2, "/sign-in").await;
    chromium.click("#door-specific_entity").await;
    walk.inspect("specific-entity").await;
    let kind = chromium.window.find(Locator::Css("input[value=inspection]")).await.unwrap();
    kind.click().await.unwrap();
    walk.type_and_prove("91330100MA2BUJ786T", "13100131000", PASSWORD).await;
    walk.inspect("records").await;
    chromium.click("button.identity").await;
    assert_eq!(chromium.text("#enterprise").await, "杭州示例建设有限公司");
    walk.to(0, "/realms/jiangxi/account/devices").await;
    walk.inspect("no-account-centre").await;
    chromium.window.delete_all_cookies().await.unwrap();

    walk.to(2, "/sign-in").await;
    chromium.click("#door-non_resident").await;
    chromium.click("header nav a").await;
    walk.inspect("non-resident-en").await;
    walk.type_and_prove("FJ3601008400000011", "john.miller@example.com", PASSWORD).await;
    assert_eq!(chromium.text("#enterprise").await, "Example Machinery Inc.");
    walk.to(0, "/realms/jiangxi/account/devices").await;
    walk.inspect("devices").await;
    chromium.window.delete_all_cookies().await.unwrap();

    walk.to(2, "/sign-in").await;
    chromium.click("#door-all_in_one").await;
    chromium.type_into("#personal_id", "13900139000").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    chromium.click("button[value=send]").await;
    walk.inspect("all-in-one-factor").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("button[value=verify]").await;
    walk.inspect("all-in-one-choose").await;
    chromium.click("button.identity").await;
    assert!(!chromium.text("#enterprise").await.is_empty());
}

/// A desktop window and a phone beside it: the phone signs in, opens the code, confirms, and the
/// desktop goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_beside_the_desktop_confirms_its_sign_in() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let Some(phone) = Chromium::open(500, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    walk.to(2, "/sign-in").await;
    let chromium = &walk.chromium;
    let code = chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();

    // Not signed in: the phone signs in first and comes back to the code.
    phone.window.goto(&code).await.unwrap();
    phone.type_into("#enterprise_number", EXAMPLE).await;
    phone.type_into("#personal_id", "13900139000").await;
    phone.type_into("#password", PASSWORD).await;
    phone.type_into("#slider", "\u{e010}").await;
    phone.click("#login-submit").await;
    phone.click("button[value=send]").await;
    phone.type_into("#code", &newest_code(port).await).await;
    phone.click("button[value=verify]").await;
    phone.window.wait().for_element(Locator::Css("#phone-confirm")).await.unwrap();
    phone.inspect("phone-confirm").await;
    let said = chromium.window.wait().for_element(Locator::Css(".scan[data-state=scanned]")).await;
    said.unwrap();
    chromium.inspect("scan-scanned").await;
    phone.click("#phone-confirm").await;
    phone.inspect("phone-done").await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");
    chromium.window.delete_all_cookies().await.unwrap();

    // As second factor: the face check, without a sign-in on the phone.
    walk.to(0, "/realms/jiangxi/login").await;
    chromium.window.delete_all_cookies().await.unwrap();
    walk.to(2, "/sign-in").await;
    chromium.type_into("#enterprise_number", EXAMPLE).await;
    chromium.type_into("#personal_id", "13900139000").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    chromium.click("#way-tax_app").await;
    chromium.inspect("factor-scan").await;
    let code = chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    phone.window.delete_all_cookies().await.unwrap();
    // What a link preview and a browser without scripts see scans nothing.
    let scripts = |are_off: bool| serde_json::json!({"value": are_off});
    phone.devtools("Emulation.setScriptExecutionDisabled", scripts(true)).await;
    phone.window.goto(&code).await.unwrap();
    phone.devtools("Emulation.setScriptExecutionDisabled", scripts(false)).await;
    phone.inspect("phone-open").await;
    phone.click("#phone-scan").await;
    phone.inspect("phone-verify").await;
    let number = chromium.number().await;
    chromium.inspect("factor-scanned").await;
    // Turned back in the browser: the phone says so by itself. Then once more, to the end.
    chromium.click("#scan-cancel").await;
    phone.window.wait().for_element(Locator::Css(".message")).await.unwrap();
    phone.inspect("phone-cancelled").await;
    let code = chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    phone.window.goto(&code).await.unwrap();
    assert_eq!(number.len(), 2);
    phone.type_into("#number", &chromium.number().await).await;
    phone.click("#phone-confirm").await;
    phone.click("#face-passed").await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");
}

/// Passkeys with a device of Chromium's own making: added, a second factor, then no password at
/// all; and the real-name level beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_the_browser_signs_in() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    chromium.devtools("WebAuthn.enable", serde_json::json!({"enableUI": false})).await;
    let device = serde_json::json!({"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
    }});
    chromium.devtools("WebAuthn.addVirtualAuthenticator", device).await;
    walk.prove(EXAMPLE, "13900139000", PASSWORD).await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");
    walk.to(0, "/realms/jiangxi/account/passkeys").await;
    walk.inspect("passkeys").await;
    chromium.click("#passkey-add button").await;
    chromium.window.wait().for_element(Locator::Css("button[name=remove]")).await.unwrap();
    walk.inspect("passkeys-added").await;
    walk.to(0, "/realms/jiangxi/account/level").await;
    walk.inspect("level").await;

    // As second factor.
    chromium.window.delete_all_cookies().await.unwrap();
    walk.to(2, "/sign-in").await;
    chromium.type_into("#enterprise_number", EXAMPLE).await;
    chromium.type_into("#personal_id", "13900139000").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    chromium.click("#way-passkey").await;
    walk.inspect("factor-passkey").await;
    chromium.click("#passkey-go").await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");

    // Instead of the password.
    chromium.window.delete_all_cookies().await.unwrap();
    walk.to(2, "/sign-in").await;
    chromium.click("a[href*='entrance=natural_person']").await;
    walk.inspect("login-passkey").await;
    chromium.click("#passkey-go").await;
    assert_eq!(chromium.text("#enterprise").await, "–");
}

/// Social insurance: an application, doors and claims of its own.
#[tokio::test(flavor = "multi_thread")]
async fn social_insurance_has_doors_of_its_own() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    walk.to(5, "/sign-in").await;
    walk.inspect("social-insurance").await;
    walk.type_and_prove(EXAMPLE, "13900139000", PASSWORD).await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");
    // The tax applications have their own sign-in: this one is nothing to them.
    walk.to(2, "/sign-in").await;
    walk.inspect("leave").await;
    chromium.click("#leave-back").await;
    assert!(chromium.text("body").await.contains("signed_in_for_social_insurance"));
    // The payer who is a person has the door beside it.
    chromium.window.delete_all_cookies().await.unwrap();
    walk.to(5, "/sign-in").await;
    chromium.click("a[href*='entrance=social_insurance_person']").await;
    walk.inspect("social-insurance-person").await;
    chromium.type_into("#personal_id", "13800138000").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    chromium.click("button[value=send]").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("button[value=verify]").await;
    assert_eq!(chromium.text("#enterprise").await, "–");
}

/// The Tax app on a second, narrow window: signed in through its own browser, it takes the code of
/// the desktop from the desk and confirms it.
#[tokio::test(flavor = "multi_thread")]
async fn the_tax_app_beside_the_desktop_confirms_its_sign_in() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let Some(phone) = Chromium::open(500, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    phone.window.goto(&format!("http://localhost:{}/tax", port + 4)).await.unwrap();
    phone.click("#app-sign-in").await;
    phone.type_into("#enterprise_number", EXAMPLE).await;
    phone.type_into("#personal_id", "13900139000").await;
    phone.type_into("#password", PASSWORD).await;
    phone.type_into("#slider", "\u{e010}").await;
    phone.click("#login-submit").await;
    phone.click("button[value=send]").await;
    phone.type_into("#code", &newest_code(port).await).await;
    phone.click("button[value=verify]").await;
    phone.window.wait().for_element(Locator::Css("#app-scan")).await.unwrap();
    let walk = Walk { chromium, port };
    walk.to(2, "/sign-in").await;
    phone.click("#app-scan").await;
    assert!(phone.text("#said").await.contains("法定代表人"));
    phone.picture("tax-app-scanned").await;
    phone.click("#app-confirm").await;
    assert!(phone.text("#said").await.contains("confirmed"));
    assert_eq!(walk.chromium.text("#roles").await, "legal_representative");

    // The other operator's app knows the person, never an enterprise.
    walk.chromium.window.delete_all_cookies().await.unwrap();
    walk.to(2, "/sign-in").await;
    walk.chromium.click("#app-iit_app").await;
    let code = walk.chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    for act in ["scan", "confirm"] {
        phone.window.goto(&format!("http://localhost:{}/", port + 4)).await.unwrap();
        let held = "//option[contains(., '李芳')]";
        phone.window.find(Locator::XPath(held)).await.unwrap().click().await.unwrap();
        phone.type_into("input[name=code]", &code).await;
        phone.click(&format!("button[value={act}]")).await;
    }
    phone.picture("iit-app-confirmed").await;
    assert_eq!(walk.chromium.text("#enterprise").await, "–");
}

/// RFC 9470: an application's interface wants more, the person proves only that, and it is open.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_challenges_for_a_higher_level() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let Some(phone) = Chromium::open(500, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let walk = Walk { chromium, port };
    let chromium = &walk.chromium;
    walk.prove(EXAMPLE, "13900139000", PASSWORD).await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");
    let asks = "const done = arguments[0]; fetch('/api?acr=urn:hufu:realname:3').then(answer => \
        done(answer.status + ' ' + answer.headers.get('www-authenticate')))";
    let told = chromium.window.execute_async(asks, Vec::new()).await.unwrap();
    assert!(told.as_str().unwrap().contains("insufficient_user_authentication"), "{told}");
    chromium.click("#step-up").await;
    let code = chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    phone.window.goto(&code).await.unwrap();
    phone.type_into("#number", &chromium.number().await).await;
    phone.click("#phone-confirm").await;
    phone.click("#face-passed").await;
    assert_eq!(chromium.text("#roles").await, "legal_representative");
    let told = chromium.window.execute_async(asks, Vec::new()).await.unwrap();
    assert!(told.as_str().unwrap().starts_with("200"), "{told}");
}
