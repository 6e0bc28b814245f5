//! The account centres: who may do what, both sides of authorisations, switching, and what
//! applications are told.

mod applications;
mod bureau;
mod cancelling;
mod children;
mod contact;
pub mod contract;
mod corrected;
mod days;
mod document_kinds;
mod documents;
mod endings;
mod entering;
pub mod enterprise;
mod foreign;
mod forms;
mod held;
mod history;
mod insurance;
mod invited;
mod lanes;
mod leases;
mod log;
mod looks;
mod matrix;
mod moment;
mod notices;
mod order;
mod own_rows;
mod password;
mod person;
pub mod phones;
mod receivers;
mod registry;
mod security;
mod silenced;
mod spent;
mod stopped;
mod streams;
mod switching;
mod take_over;
mod traces;
mod within;

pub use person::{confirm, invite};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hufu::base::id::AuthorisationId;
use hufu::base::secret::{Hashed, keyed_hash};
use hufu::domain::authorisation::{Authorisation, By, Event, New, Terms};
use hufu::domain::identity_type::IdentityTypeName;
use hufu::domain::number::phone::Phone;
use hufu::flows::Ctx;
use hufu::flows::feed::{Format, import};
use hufu::flows::relations::writer::begin_in;
use hufu::outbound::asked::FaceState;

use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url};
use crate::login::scan::{face_result, go_on, id, number, scan};

pub const LI: &str = "13900139000";
pub const WANG: &str = "13800138000";
pub const AGENCY: &str = "52360100MA3AGENT12";

/// What the session's forms carry.
pub fn csrf(app: &TestApp, browser: &Browser) -> String {
    let cookie = &browser.cookies["__Host-hufu-session-jiangxi"];
    let binding = Hashed::of(cookie).to_text();
    let parts: [&[u8]; 2] = [b"jiangxi", binding.as_bytes()];
    BASE64_URL_SAFE_NO_PAD.encode(keyed_hash(&app.ctx.services.secrets.csrf, &parts))
}

pub async fn post(
    app: &TestApp,
    browser: &mut Browser,
    path: &str,
    fields: &[(&str, &str)],
) -> Shown {
    let csrf = csrf(app, browser);
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("csrf", &csrf)
        .extend_pairs(fields)
        .finish();
    browser.send("POST", &format!("/realms/jiangxi{path}"), Some(body)).await
}

pub async fn get(browser: &mut Browser, path: &str) -> Shown {
    browser.get(&format!("/realms/jiangxi{path}")).await
}

/// Credentials typed at a door, from an address of their own.
pub async fn typed(app: &TestApp, door: &str, who: (&str, &str, &str)) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), door).await;
    let (enterprise, person, password) = who;
    let mut values = vec![
        ("enterprise_number", enterprise),
        ("personal_id", person),
        ("password", password),
        ("slider", "100"),
    ];
    if door == "specific_entity" {
        values.push(("record_kind", "inspection"));
    }
    values.retain(|(_, value)| !value.is_empty());
    let page = browser.submit(&page, &values).await;
    (browser, page)
}

/// Signed in at a door; where several identities are offered, as the one whose page says `as_what`.
pub async fn at_door(
    app: &TestApp,
    door: &str,
    (enterprise, phone, password): (&str, &str, &str),
    as_what: &str,
) -> Browser {
    app.clock.advance(61);
    let (mut browser, page) = typed(app, door, (enterprise, phone, password)).await;
    let page = browser.pass_second_factor(app, &page, phone).await;
    let page = settle(&mut browser, page).await;
    for name in ["identity", "client", "record"] {
        let offered = format!("name=\"{name}\" value=\"");
        let mut choices = page.text.split(&offered).skip(1);
        if let Some(choice) = choices.find(|choice| choice.contains(as_what)) {
            let id = choice.split('"').next().unwrap();
            browser.submit(&page, &[(name, id)]).await;
            break;
        }
    }
    assert!(browser.cookies.contains_key("__Host-hufu-session-jiangxi"), "{}", page.text);
    browser
}

/// A first sign-in: a new password, the agreements.
async fn settle(browser: &mut Browser, page: Shown) -> Shown {
    if !page.text.contains("name=\"repeated\"") {
        return page;
    }
    let values = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
    let page = browser.submit(&page, &values).await;
    let all = ["user-agreement", "personal-information", "face-service"];
    let names: Vec<String> = all.iter().map(|id| format!("accept-{id}")).collect();
    let mut values: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "yes")).collect();
    values.push(("act", "accept"));
    browser.submit(&page, &values).await
}

pub async fn as_li(app: &TestApp) -> Browser {
    at_door(app, "enterprise", (EXAMPLE, LI, PASSWORD), "").await
}

pub async fn as_wang(app: &TestApp, as_what: &str) -> Browser {
    at_door(app, "enterprise", (EXAMPLE, WANG, PASSWORD), as_what).await
}

pub async fn as_person(app: &TestApp, phone: &str) -> Browser {
    at_door(app, "natural_person", ("", phone, PASSWORD), "").await
}

/// Every authorisation of somebody, by phone.
pub async fn held(ctx: &Ctx, phone: &str) -> Vec<Authorisation> {
    let rows = ctx.rows();
    let phone = Phone::parse(phone).unwrap();
    let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
    let held = rows.standings().held(account.person).await.unwrap();
    held.into_iter().map(|(one, _)| one).collect()
}

/// The scan that a page asks for, passed with the right face.
pub async fn pass_scan(app: &TestApp, browser: &mut Browser, page: &Shown) -> Shown {
    let mut phone = app.browser();
    let asked = scan(&mut phone, &format!("/realms/jiangxi/q/{}", id(page))).await;
    let chosen = number(&app.ctx, page).await;
    let fields = [("act", "confirm"), ("number", chosen.as_str()), ("agree", "yes")];
    let left = phone.submit(&asked, &fields).await;
    let handle = left.left_to.expect("the provider").rsplit('/').next().unwrap().to_owned();
    let back = app.ctx.services.outbound.sandbox.decide(&handle, FaceState::Passed).unwrap();
    face_result(&mut phone, &back).await;
    go_on(browser, page).await
}

/// The form of a new handler.
pub const NEW: [(&str, &str); 7] = [
    ("name", "陈静"),
    ("document_type", "resident_id_card"),
    ("document", "360102199912318881"),
    ("identity_type", "tax_clerk"),
    ("p-TAX_FILING", "yes"),
    ("p-TAX_QUERY", "yes"),
    ("term", "long"),
];

/// The id at the end of an address such as `…/handlers/<id>?done=added`.
pub fn id_of(url: &str) -> String {
    url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned()
}

/// Asks the person of `like` in the same enterprise for an identity of this type.
pub async fn begin(
    app: &TestApp,
    (like, identity_type): (&Authorisation, &str),
    by: By,
    permissions: &[&str],
) -> Authorisation {
    let known = app.ctx.realm.identity_type(&IdentityTypeName(identity_type.to_owned()));
    let new = New {
        id: AuthorisationId::new(&app.clock, app.ctx.random()),
        enterprise: like.enterprise,
        person: like.person,
        identity_type: known.unwrap(),
        valid_from: app.ctx.now().day(),
        invited_by: None,
    };
    let permissions = permissions.iter().map(|code| (*code).to_owned()).collect();
    let add = Event::Add(Terms { permissions, valid_to: None });
    let tx = app.ctx.begin().await.unwrap();
    let begun = begin_in(&app.ctx, &tx, new, &add, by).await.unwrap();
    tx.commit().await.unwrap();
    begun
}

/// Somebody's relation of a type with the example enterprise that is not over.
pub async fn relation(app: &TestApp, phone: &str, identity_type: &str) -> Authorisation {
    let number = hufu::domain::number::taxpayer::TaxpayerNumber::asked(EXAMPLE);
    let example = app.ctx.rows().enterprises().find_by_number(&number).await.unwrap().unwrap().id;
    let fits = |one: &Authorisation| {
        (one.enterprise, one.identity_type.0.as_str()) == (example, identity_type)
            && !one.state().is_terminal()
    };
    let all = held(&app.ctx, phone).await;
    all.into_iter().find(fits).unwrap_or_else(|| panic!("{phone} is no {identity_type}"))
}

/// The lines of a feed, all of them right.
pub async fn feed(app: &TestApp, lines: &[serde_json::Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
}

/// What a list of relations says of each: name, identity type, state.
pub fn listed(page: &Shown) -> Vec<(String, String, String)> {
    let Some(list) = page.text.split("<ul class=\"people\">").nth(1) else { return Vec::new() };
    let list = list.split("</ul>").next().unwrap();
    let part = |text: &str, from: &str, to: &str| {
        let rest = text.split(from).nth(1).unwrap_or_else(|| panic!("{from}: {text}"));
        rest.split(to).next().unwrap().trim().to_owned()
    };
    let one = |item: &str| {
        let kind = part(item, "<br>", " · ");
        (part(item, "<strong>", "</strong>"), kind, part(item, "class=\"state\">", "</span>"))
    };
    list.split("<li>").skip(1).map(one).collect()
}

/// The cells of a page's table, row by row.
pub fn rows(page: &Shown) -> Vec<Vec<String>> {
    let rows = page.text.split("<tr><td>").skip(1).map(|row| row.split("</tr>").next().unwrap());
    let cell = |cell: &str| {
        let cell = cell.split_once('>').map_or(cell, |(_, cell)| cell);
        crate::kit::browser::unescape(cell.split("</td>").next().unwrap())
    };
    let row = |row: &str| {
        let first = std::iter::once(row).map(|row| row.split("</td>").next().unwrap().to_owned());
        first.chain(row.split("<td").skip(1).map(cell)).collect()
    };
    rows.map(row).collect()
}
