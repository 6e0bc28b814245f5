//! The hall's day, walked: an old handler without account is recorded, registers without a face, is added, works
//! and is removed; a non-resident enterprise comes from its application to its first invoice.

use hufu::domain::authorisation::{Origin, State};

use super::records::{JPEG, collect};
use super::{AtDesk, acts};
use crate::kit::{Browser, EXAMPLE, TestApp, on_each_database};
use crate::non_resident::{CHAN, GOOD, applied, overseas};
use crate::registration::{NEW_PASSWORD, Registrant, XU, person, reached};

/// Somebody of seventy who has never had an account.
const HAN: Registrant =
    Registrant { name: "韩国栋", number: "360102195602030016", contact: "13711137111", ..XU };

/// Signs in for the example enterprise, confirming what waits.
async fn at_work(app: &TestApp) -> Browser {
    app.clock.advance(61);
    let mut browser = app.browser();
    let page = browser.get("/realms/jiangxi/login").await;
    let page = browser.type_credentials(&page, (EXAMPLE, HAN.contact, NEW_PASSWORD)).await;
    let page = browser.pass_second_factor(app, &page, HAN.contact).await;
    assert_eq!(page.code(), None, "{}", page.text);
    let mut page = page;
    for _ in 0..4 {
        let confirms = page.text.split("name=\"confirm\" value=\"").nth(1);
        if let Some(id) = confirms.map(|rest| rest.split('"').next().unwrap().to_owned()) {
            page = browser.submit(&page, &[("confirm", &id)]).await;
        } else if page.text.contains("name=\"accept-") {
            let all = ["user-agreement", "personal-information", "face-service"];
            let names: Vec<String> = all.iter().map(|id| format!("accept-{id}")).collect();
            let mut values: Vec<(&str, &str)> =
                names.iter().map(|name| (name.as_str(), "yes")).collect();
            values.push(("act", "accept"));
            page = browser.submit(&page, &values).await;
        }
    }
    assert!(page.url.ends_with("/signed-in"), "{} {}", page.url, page.text);
    browser
}

/// Covers, E-14, E-16: recorded at the counter, registered online without a face, added at the
/// counter, confirmed at the first sign-in, ended at the counter, and out at once.
#[test]
fn an_old_handler_comes_and_goes() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut hall = AtDesk::start(&app, "zhou", "hall").await;
        let record = [
            ("name", HAN.name),
            ("document_type", HAN.kind),
            ("document", HAN.number),
            ("phone", HAN.contact),
            ("by_sight", "yes"),
        ];
        let page = collect(&mut hall, "/records/new", &record, JPEG).await;
        assert!(page.text.contains("已实名（肉眼比对）"), "{}", page.text);

        let (mut han, page) = reached(&app, HAN).await;
        assert!(page.text.contains("id=\"register-hall\"") && !page.text.contains("data-scan"));
        let values = [("accept-personal-information", "yes"), ("act", "accept")];
        let done = han.submit(&page, &values).await;
        assert!(done.text.contains("id=\"register-done\""), "{}", done.text);

        let why = ("reason", "窗口受理，叫号 D011");
        let page = hall.send("/enterprises", &[("enterprise", EXAMPLE), why]).await;
        let form = hall.browser.get(&format!("{}/add", page.url)).await;
        let new = [
            ("name", HAN.name),
            ("document_type", HAN.kind),
            ("document", HAN.number),
            ("identity_type", "tax_clerk"),
            ("p-TAX_FILING", "yes"),
            ("term", "long"),
            ("act", "add"),
            why,
        ];
        let page = hall.browser.submit(&form, &new).await;
        assert!(page.text.contains("已添加"), "{}", page.text);
        let id = person(&app, HAN).await.unwrap();
        let held = async || app.ctx.rows().standings().held(id).await.unwrap();
        let [(added, _)] = &held().await[..] else { panic!("one") };
        assert_eq!((added.origin, added.state()), (Origin::Hall, State::PendingByPerson));
        let path = format!("/handlers/{}", added.id);

        let mut han = at_work(&app).await;
        assert_eq!(held().await[0].0.state(), State::Active, "confirmed at the sign-in");
        let page = han.get("/realms/jiangxi/account/handlers").await;
        assert!(page.url.contains("/account/handlers"), "{} {}", page.url, page.text);

        let form = hall.get(&path).await;
        let page = hall.browser.submit(&form, &[("act", "end"), why]).await;
        assert!(page.text.contains("已解除"), "{}", page.text);
        let page = han.get("/realms/jiangxi/account/handlers").await;
        assert!(page.url.contains("/login"), "out at once: {}", page.url);
        let done: Vec<String> = acts(&app, "officer_acted")
            .await
            .into_iter()
            .map(|(_, act)| act)
            .filter(|act| !act.starts_with("look") && !act.starts_with("find"))
            .collect();
        assert_eq!(done, ["collect-hall-record", "add-handler", "end-relation"]);
    });
}

/// Covers N-05, N-06, N-07, N-08, N-09: applied, approved at the console, signed in with the code, and the
/// application for invoices has its token.
#[test]
fn a_non_resident_enterprise_issues_its_first_invoice() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut chan = overseas(&app, CHAN).await;
        let id = applied(&mut chan, &GOOD).await;
        let mut wu = AtDesk::start(&app, "wuli", "reviewer").await;
        wu.state("材料齐全，核对无误").await;
        let page = wu.get("/applications").await;
        assert!(page.text.contains("泰文贸易有限公司"), "{}", page.text);
        let page = wu.get(&format!("/applications/{id}")).await;
        let approve = [
            ("act", "approve"),
            ("declared", "person_in_charge"),
            ("reason", "材料齐全，核对无误"),
        ];
        let page = wu.browser.submit(&page, &approve).await;
        assert!(page.text.contains("已通过"), "{}", page.text);
        let page = chan.get(crate::non_resident::PAGE).await;
        let code = page.text.split("data-nr-code=\"").nth(1).expect("a code");
        let code = code.split('"').next().unwrap().to_owned();
        crate::non_resident::invoices(&app, &code).await;
    });
}
