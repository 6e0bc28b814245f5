//! A forgotten password and a lost phone, by people who are not signed in: what each step wants, what it
//! ends, and that nobody learns by any of it who exists.

mod alike;
mod ended;
mod forgotten;
mod limits;
pub mod lost_phone;
mod outbox;
mod walk;

use std::time::Duration;

use hufu::domain::notice::NoticeKind;
use hufu::domain::number::email::EmailAddress;
use hufu::domain::number::phone::Phone;
use hufu::domain::person::{Account, PhoneBinding};
use hufu::flows::people;
use hufu::outbound::asked::FaceState;

use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, FILING, TestApp, authorize_url};
use crate::login::scan::{face_result, id, number, scan};

pub const WANG: &str = "13800138000";
pub const WANG_ID: &str = "360102199003071236";
pub const CHEN_ID: &str = "360102199912318881";
/// Right, and nobody's; masked it looks like 王小明's but for the end.
pub const NOBODY_ID: &str = "360102199003071252";
pub const NEW: &str = "Spring2026+";
const FORGOT: &str = "/realms/jiangxi/forgot-password";

/// The first page of a forgotten password, sent with this document.
pub async fn begin(browser: &mut Browser, kind: &str, document: &str) -> Shown {
    let page = browser.get(FORGOT).await;
    browser.submit(&page, &[("document_type", kind), ("document", document)]).await
}

pub async fn begin_as(browser: &mut Browser, document: &str) -> Shown {
    let page = begin(browser, "resident_id_card", document).await;
    assert!(page.url.contains("/forgot-password/prove?t="), "{} {}", page.url, page.text);
    page
}

/// A code is asked for to this phone.
pub async fn ask(browser: &mut Browser, page: &Shown, phone: &str) -> Shown {
    browser.submit(page, &[("phone", phone), ("act", "send")]).await
}

pub async fn answer(browser: &mut Browser, page: &Shown, code: &str) -> Shown {
    browser.submit(page, &[("code", code), ("act", "verify")]).await
}

pub async fn set(browser: &mut Browser, page: &Shown, new: &str) -> Shown {
    browser.submit(page, &[("new", new), ("repeated", new)]).await
}

/// Codes that have gone to a phone.
pub fn sent(app: &TestApp, phone: &str) -> usize {
    let to = if phone.starts_with('+') { phone.to_owned() } else { format!("+86{phone}") };
    let all = app.ctx.services.outbound.inbox.messages();
    all.iter().filter(|one| one.to == to && one.template == "login_code").count()
}

/// What is done aside takes a moment.
pub async fn settled() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

/// Until so many codes have gone to a phone.
pub async fn until_sent(app: &TestApp, phone: &str, count: usize) {
    for _ in 0..100 {
        if sent(app, phone) >= count {
            return settled().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no code came to {phone}")
}

/// To the third step by the code of a phone.
pub async fn proved(app: &TestApp, browser: &mut Browser) -> Shown {
    let page = begin_as(browser, WANG_ID).await;
    let before = sent(app, WANG);
    let page = ask(browser, &page, WANG).await;
    until_sent(app, WANG, before + 1).await;
    let page = answer(browser, &page, &app.sms(WANG)).await;
    assert!(page.url.contains("/forgot-password/new?t="), "{} {}", page.url, page.text);
    page
}

/// The page with one of its ways open.
pub async fn by(browser: &mut Browser, page: &Shown, way: &str) -> Shown {
    browser.get(&format!("{}&way={way}", page.url)).await
}

/// A phone scans the code of a page and its face is looked at; what the phone is told at the end.
pub async fn look(app: &TestApp, page: &Shown, state: FaceState) -> Shown {
    let mut phone = app.browser();
    let asked = scan(&mut phone, &format!("/realms/jiangxi/q/{}", id(page))).await;
    let chosen = number(&app.ctx, page).await;
    let fields = [("act", "confirm"), ("number", chosen.as_str()), ("agree", "yes")];
    let left = phone.submit(&asked, &fields).await;
    let handle = left.left_to.unwrap_or_else(|| panic!("{}", left.text));
    let handle = handle.rsplit('/').next().unwrap().to_owned();
    let back = app.ctx.services.outbound.sandbox.decide(&handle, state).unwrap();
    face_result(&mut phone, &back).await
}

pub async fn account_of(app: &TestApp, username: &str) -> Account {
    let name = hufu::domain::number::username::Username::parse(username).unwrap();
    app.ctx.rows().accounts().find_by_username(&name).await.unwrap().unwrap()
}

pub async fn phones_of(app: &TestApp, username: &str) -> Vec<(String, bool)> {
    let account = account_of(app, username).await;
    let all = app.ctx.rows().accounts().phones(account.id).await.unwrap();
    all.iter().map(|one| (one.phone.national().to_owned(), one.is_default)).collect()
}

pub async fn told(app: &TestApp, username: &str, kind: NoticeKind) -> usize {
    let person = account_of(app, username).await.person;
    let all = app.ctx.rows().notices().list(person, 100).await.unwrap();
    all.iter().filter(|one| one.kind == kind).count()
}

/// Notices in the outbox: to whom, and of what.
pub fn notices(app: &TestApp) -> Vec<String> {
    let messages = app.ctx.services.outbound.inbox.messages();
    let notices = messages.iter().filter(|one| one.template == "notice");
    let mut all: Vec<String> = notices.map(|one| format!("{} {}", one.to, one.code)).collect();
    all.sort();
    all
}

/// Somebody has another phone, or an e-mail address, as if they had proved it.
pub async fn reached_by(app: &TestApp, who: &Account, to: &str) {
    let tx = app.ctx.begin().await.unwrap();
    if to.contains('@') {
        let email = EmailAddress::parse(to).unwrap();
        people::change_email(&app.ctx, &tx, who.person, &email).await.unwrap();
    } else {
        let binding = PhoneBinding {
            account: who.id,
            phone: Phone::parse(to).unwrap(),
            is_default: false,
            verified_at: app.ctx.now(),
        };
        people::bind_phone(&app.ctx, &tx, &binding).await.unwrap();
    }
    tx.commit().await.unwrap();
}

pub async fn holder_of(app: &TestApp, phone: &str) -> Option<Account> {
    let phone = Phone::parse(phone).unwrap();
    app.ctx.rows().accounts().find_by_phone(&phone).await.unwrap()
}

/// The outcomes of a way in somebody's sign-in log, newest first.
pub async fn logged(app: &TestApp, username: &str, way: &str) -> Vec<String> {
    let person = account_of(app, username).await.person;
    let since = hufu::base::clock::Timestamp(0);
    let all = app.ctx.rows().records().attempts(person, since).await.unwrap();
    let of_way = all.into_iter().filter(|one| one.way == way);
    of_way.map(|one| one.outcome).collect()
}

/// The sign-in page's answer to a password, at the enterprise's door.
pub async fn sign_in(app: &TestApp, from: &str, person: &str, password: &str) -> (Browser, Shown) {
    let mut browser = app.browser_at(from);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, person, password)).await;
    (browser, page)
}
