//! The way of a non-resident enterprise to its identity code, and what officers may do on it.

mod hostile;
mod review;
mod story;

pub use story::invoices;

use hufu::base::id::ApplicationId;
use hufu::domain::help::Helper;
use hufu::domain::refusal::Refusal;
use hufu::flows::Stop;
use hufu::flows::non_resident as flow;

use crate::kit::browser::Shown;
use crate::kit::{Browser, TestApp};
use crate::registration::{NEW_PASSWORD, Registrant, XU, registered};

/// With an e-mail address alone.
pub const CHAN: Registrant = Registrant {
    way: "overseas",
    name: "CHAN Tai Man",
    kind: "hk_macao_residence_permit",
    number: "810000199003071237",
    contact: "tai.man@example.hk",
    ..XU
};

/// With a phone alone.
pub const MILLER: Registrant = Registrant {
    name: "John Miller-O'Neil",
    kind: "foreign_permanent_resident_id",
    number: "936840199203150033",
    contact: "+12025550147",
    ..CHAN
};

pub const PAGE: &str = "/realms/jiangxi/account/non-resident";
pub const FORM: &str = "/realms/jiangxi/account/non-resident/form";
pub const FILE: &str = "/realms/jiangxi/account/non-resident/file";

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";
pub const PDF: &[u8] = b"%PDF-1.7\n%%EOF";

pub const GOOD: [(&str, &str); 10] = [
    ("name_zh", "泰文贸易有限公司"),
    ("name_foreign", "Tai Man Trading Ltd."),
    ("residence", "HKG"),
    ("number_kind", "tax"),
    ("home_number", "22-334 455"),
    ("address_abroad", "1 Queen's Road, Hong Kong"),
    ("contact_name", "Amy Chan"),
    ("contact_email", "amy@example.hk"),
    ("contact_phone", "+85225550147"),
    ("declared", "person_in_charge"),
];

/// The same with other values.
pub fn but<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<(&str, &str)> = GOOD.to_vec();
    for (name, value) in changes {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    fields
}

pub fn officer(name: &str) -> Helper {
    Helper::new(name, "the certificate shows it").unwrap()
}

pub fn refused<T>(outcome: Result<T, Stop>) -> Refusal {
    match outcome {
        Err(Stop::Refused(refusal)) => refusal,
        Err(Stop::Fault(fault)) => fault.refusal().expect("a refusal"),
        _ => panic!("it was not refused"),
    }
}

/// The newest code that was sent to somebody, who may be anywhere.
pub fn code_for(app: &TestApp, to: &str) -> String {
    let messages = app.ctx.services.outbound.inbox.messages();
    let is_code = |text: &str| text.len() == 6 && text.chars().all(|c| c.is_ascii_digit());
    messages.into_iter().find(|one| one.to == to && is_code(&one.code)).expect("no code").code
}

/// In English, through a door: credentials and the second factor that is offered first.
pub async fn at_door(app: &TestApp, door: &str, number: &str, who: Registrant) -> (Browser, Shown) {
    app.clock.advance(61);
    let mut browser = app.browser();
    browser.get("/realms/jiangxi/language?to=en").await;
    let page = browser.get("/realms/jiangxi/login").await;
    let t = page.hidden()["t"].clone();
    let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance={door}");
    let page = browser.get(&door).await;
    let page = browser.type_credentials(&page, (number, who.contact, NEW_PASSWORD)).await;
    let way = if who.contact.contains('@') { "email" } else { "sms" };
    let second = format!("/realms/jiangxi/login/second_factor?t={t}&way={way}");
    let page = match page.url.contains("second_factor") {
        true => browser.get(&second).await,
        false => return (browser, page),
    };
    let page = browser.submit(&page, &[("act", "send")]).await;
    let code = code_for(app, who.contact);
    let page = browser.submit(&page, &[("act", "verify"), ("code", &code)]).await;
    (browser, page)
}

/// Registered, and signed in as themself.
pub async fn overseas(app: &TestApp, who: Registrant) -> Browser {
    registered(app, who).await;
    signed_in(app, who).await
}

pub async fn signed_in(app: &TestApp, who: Registrant) -> Browser {
    let (browser, page) = at_door(app, "non_resident_person", "", who).await;
    assert!(page.url.ends_with("/signed-in"), "{} {}", page.url, page.text);
    browser
}

/// Of the page's current application.
pub fn id_of(page: &Shown) -> ApplicationId {
    let rest = page.text.split("data-application=\"").nth(1).expect("an application");
    rest.split('"').next().unwrap().parse().unwrap()
}

pub fn state_of(page: &Shown) -> &str {
    page.text.split("data-state=\"").nth(1).expect("a state").split('"').next().unwrap()
}

pub async fn add_file(browser: &mut Browser, page: &Shown, name: &str, content: &[u8]) -> Shown {
    let hidden = page.hidden_of_form("multipart/form-data");
    let fields = [("csrf", &*hidden["csrf"]), ("application", &*hidden["application"])];
    browser.send_file(FILE, &fields, (name, content)).await
}

/// A form that was saved, and a file: the page before it is handed in.
pub async fn drafted(browser: &mut Browser, form: &[(&str, &str)]) -> Shown {
    let page = browser.get(FORM).await;
    let page = browser.submit(&page, form).await;
    assert_eq!(page.code(), None, "{}", page.text);
    let page = add_file(browser, &page, "certificate.png", PNG).await;
    assert!(page.text.contains("certificate.png"), "{}", page.text);
    page
}

/// Handed in: its id.
pub async fn applied(browser: &mut Browser, form: &[(&str, &str)]) -> ApplicationId {
    let page = drafted(browser, form).await;
    let page = browser.submit(&page, &[("act", "submit")]).await;
    assert_eq!(state_of(&page), "submitted", "{}", page.text);
    id_of(&page)
}

/// Approved by an officer of this name: the code.
pub async fn approved(app: &TestApp, by: &str, id: ApplicationId) -> Option<String> {
    let identity = hufu::domain::non_resident::Declared::PersonInCharge;
    let code = flow::approve(&app.ctx, &officer(by), id, identity).await.unwrap();
    code.map(String::from)
}

/// What the audit has of reviews, as (act, by).
pub async fn reviews(app: &TestApp) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let audit = app.audit().await;
    let all = audit.iter().filter(|event| event["action"] == "non_resident_reviewed");
    all.map(|one| (text(&one["act"]), text(&one["by"]))).collect()
}
