//! Registration by its pages: the ways through, what is refused on them, what nobody learns, and the hall's
//! records that spare a face.

mod hall;
mod known;
mod limits;
mod pages;
mod steps;
mod ways;

use hufu::base::id::PersonId;
use hufu::domain::number::document::{DocumentNumber, DocumentType};
use hufu::domain::person::Account;
use hufu::outbound::asked::FaceState;

use crate::kit::browser::Shown;
use crate::kit::{Browser, TestApp};
use crate::login::scan::{code, face_result, number, scan};

pub const NEW_PASSWORD: &str = "Spring2026!";

/// Somebody who registers, as they type themself into the pages.
#[derive(Clone, Copy)]
pub struct Registrant {
    pub way: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    pub number: &'static str,
    pub sex: &'static str,
    pub nationality: &'static str,
    pub contact: &'static str,
}

/// Nobody knows her.
pub const XU: Registrant = Registrant {
    way: "domestic",
    name: "许佳",
    kind: "resident_id_card",
    number: "360104198502030023",
    sex: "",
    nationality: "",
    contact: "13911139111",
};

/// A number that is one.
pub const FANG: Registrant =
    Registrant { name: "方宇", number: "360102199505180037", contact: "13922239222", ..XU };

/// In a hall's record, with portrait and phone.
pub const LIN: Registrant =
    Registrant { name: "林婷", number: "360102198703140023", contact: "13811138111", ..XU };

/// In a hall's record, without a portrait.
pub const GUO: Registrant =
    Registrant { name: "郭亮", number: "36010319901126005X", contact: "13822238222", ..XU };

/// In a hall's record, by a foreign passport.
pub const ANNA: Registrant = Registrant {
    way: "overseas",
    name: "Anna Schmidt",
    kind: "foreign_passport",
    number: "C01X00T47",
    sex: "female",
    nationality: "DEU",
    contact: "+4915123456789",
};

pub fn url(page: &str) -> String {
    format!("/realms/jiangxi/register{page}")
}

/// The newest code sent to a phone or an address.
pub fn sent(app: &TestApp, to: &str) -> String {
    let to = if to.starts_with('1') { format!("+86{to}") } else { to.to_owned() };
    let messages = app.ctx.services.outbound.inbox.messages();
    messages.into_iter().find(|one| one.to == to).expect("no code was sent").code
}

/// The first page with its agreement ticked: the page of step 2.
pub async fn agreed(browser: &mut Browser, way: &str) -> Shown {
    let page = browser.get(&url(&format!("?way={way}"))).await;
    browser.submit(&page, &[("accept-user-agreement", "yes")]).await
}

pub async fn name(browser: &mut Browser, page: &Shown, who: Registrant) -> Shown {
    let mut typed = vec![
        ("name", who.name),
        ("document_type", who.kind),
        ("document", who.number),
        ("sex", who.sex),
    ];
    if who.way == "overseas" {
        typed.push(("nationality", who.nationality));
    }
    browser.submit(page, &typed).await
}

/// Agreed and named: the page of step 3.
pub async fn named(app: &TestApp, who: Registrant) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = agreed(&mut browser, who.way).await;
    let page = name(&mut browser, &page, who).await;
    (browser, page)
}

pub async fn send(browser: &mut Browser, page: &Shown, contact: &str) -> Shown {
    let typed = [
        ("password", NEW_PASSWORD),
        ("repeated", NEW_PASSWORD),
        ("contact", contact),
        ("act", "send"),
    ];
    browser.submit(page, &typed).await
}

/// The code was typed: whatever comes then.
pub async fn reached(app: &TestApp, who: Registrant) -> (Browser, Shown) {
    let (mut browser, page) = named(app, who).await;
    let page = send(&mut browser, &page, who.contact).await;
    let code = sent(app, who.contact);
    let page = browser.submit(&page, &[("act", "verify"), ("code", &code)]).await;
    (browser, page)
}

/// Both parts before the face check.
pub async fn agree_to_face(browser: &mut Browser, page: &Shown) -> Shown {
    let ticks =
        [("accept-personal-information", "yes"), ("accept-face-service", "yes"), ("act", "accept")];
    browser.submit(page, &ticks).await
}

/// The page with a code to scan.
pub async fn at_face(app: &TestApp, who: Registrant) -> (Browser, Shown) {
    let (mut browser, page) = reached(app, who).await;
    let page = agree_to_face(&mut browser, &page).await;
    assert!(page.text.contains("data-scan"), "{} {}", page.url, page.text);
    (browser, page)
}

/// A phone scans the code of the page and looks at its holder; what it shows at the end.
pub async fn show_face(app: &TestApp, page: &Shown, outcome: FaceState) -> Shown {
    let mut phone = app.browser();
    let asked = scan(&mut phone, &code(page)).await;
    let typed = number(&app.ctx, page).await;
    let left = phone.submit(&asked, &[("act", "confirm"), ("number", &typed)]).await;
    let Some(handle) = left.left_to.clone() else { return left };
    let handle = handle.rsplit('/').next().unwrap().to_owned();
    let sandbox = &app.ctx.services.outbound.sandbox;
    let back = sandbox.check(&handle).unwrap().return_url;
    sandbox.decide(&handle, outcome);
    face_result(&mut phone, &back).await
}

/// 【我已在手机上确认】
pub async fn go_on(browser: &mut Browser, page: &Shown) -> Shown {
    let app =
        if page.text.contains("name=\"app\" value=\"iit_app\"") { "iit_app" } else { "tax_app" };
    browser.submit(page, &[("app", app)]).await
}

/// All of it, by a face.
pub async fn registered(app: &TestApp, who: Registrant) -> (Browser, Shown) {
    let (mut browser, page) = at_face(app, who).await;
    show_face(app, &page, FaceState::Passed).await;
    let done = go_on(&mut browser, &page).await;
    assert!(done.text.contains("id=\"register-done\""), "{} {}", done.url, done.text);
    (browser, done)
}

pub fn document(app: &TestApp, who: Registrant) -> DocumentNumber {
    let kind = DocumentType::parse(who.kind).unwrap();
    DocumentNumber::parse(kind, who.number, app.ctx.now().day()).unwrap()
}

pub async fn person(app: &TestApp, who: Registrant) -> Option<PersonId> {
    app.ctx.rows().people().find_by_document(&document(app, who)).await.unwrap()
}

pub async fn account(app: &TestApp, who: Registrant) -> Option<Account> {
    match person(app, who).await {
        Some(person) => app.ctx.rows().accounts().find_by_person(person).await.unwrap(),
        None => None,
    }
}

/// Level and how, lowest first.
pub async fn levels(app: &TestApp, who: Registrant) -> Vec<(u8, String)> {
    let person = person(app, who).await.unwrap();
    let steps = app.ctx.rows().people().level_steps(person).await.unwrap();
    steps.into_iter().map(|(level, how, _)| (level, how)).collect()
}

pub async fn actions(app: &TestApp) -> Vec<String> {
    let all = app.audit().await;
    all.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
}

/// The sign-in by number and password through the door of natural persons, to its end.
pub async fn signs_in(app: &TestApp, who: Registrant, password: &str) -> Shown {
    let mut browser = app.browser();
    let page = browser.at_entrance("/realms/jiangxi/login", "natural_person").await;
    let typed = [("personal_id", who.number), ("password", password), ("slider", "100")];
    let page = browser.submit(&page, &typed).await;
    if !page.url.contains("second_factor") {
        return page;
    }
    app.clock.advance(61);
    browser.pass_second_factor(app, &page, who.contact).await
}
