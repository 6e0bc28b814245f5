//! The sign-in page, and what all its steps share: the transaction behind the cookie, and the
//! redirect to whatever step is due.

use axum::http::{HeaderValue, StatusCode};

use crate::base::secret::Secret;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{
    Audience, EnterpriseNumber, Entrance, PersonalIdKind, Step, Subject,
};
use crate::domain::factor::ScanApp;
use crate::domain::login::{LoginTransaction, TRANSACTION_SECONDS, Then};
use crate::domain::refusal::Refusal;
use crate::domain::scan::Purpose;
use crate::flows::sign_in::credentials::{new_slider, verify_credentials};
use crate::flows::sign_in::factor::passkey;
use crate::flows::sign_in::transaction::audience;
use crate::flows::sign_in::typed::Credentials;
use crate::flows::{Fault, Stop};
use crate::oidc::params::Params;
use crate::realm::RealmEntrance;
use crate::realm::file::InitialPassword;
use crate::views::page::{LoginPage, Notice, PasskeyQuestion, Tab, WaitingPage, WrongFields};
use crate::web::answer::{Answer, see_other, status_of, with_cookie, with_retry_after};
use crate::web::cookies;
use crate::web::page::scan_view;
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::request::Request;
use crate::web::transaction::{begin, bound_to_browser, ended_why};

/// A longer address is none that a portal has made.
const LONGEST_PAGE: usize = 1000;

/// The plain link of the portal: `return_to` is one of the realm's portals.
pub async fn start(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let portal = params.get("return_to").map(str::to_owned);
    let own = ["/q/", "/account/", "/account"].map(|path| format!("{}{path}", request.base()));
    let known = |to: &String| {
        let portals = &request.ctx.realm.portals;
        own.iter().any(|own| to.starts_with(own))
            || portals.iter().any(|own| to.starts_with(own.as_str()))
    };
    let short = |to: &String| to.len() <= LONGEST_PAGE;
    let then = portal.filter(short).filter(known).map_or(Then::Nowhere, Then::Page);
    let transaction = begin(&request, then).await?;
    let why = ended_why(&request).await?;
    // A door that there is not is passed over where the page is shown.
    let door = params.get("entrance").filter(|door| request.ctx.realm.entrance(door).is_some());
    let door = door.map(|door| format!("&entrance={door}")).unwrap_or_default();
    let to = format!("{}/login/credentials?t={}{door}{why}", request.base(), transaction.id);
    Ok(bound_to_browser(see_other(&to), &request, &transaction, TRANSACTION_SECONDS))
}

/// Whoever comes when the queue for passwords is full waits before anything is typed.
fn waiting(request: &Request) -> Answer {
    let notice = request.notice(&Refusal::Busy);
    let seconds = notice.retry_after;
    let page = request.page(StatusCode::SERVICE_UNAVAILABLE, "", &WaitingPage { busy: notice })?;
    let mut page = with_retry_after(page, seconds);
    page.headers_mut().insert("refresh", HeaderValue::from(seconds.unwrap_or(2)));
    Ok(page)
}

pub async fn get(AtStep { request, form: params, transaction, .. }: AtStep) -> Answer {
    if request.ctx.services.hashing.is_full() {
        return waiting(&request);
    }
    let asked = |name: &str| {
        transaction.request().and_then(|asked| asked.get(name)).cloned().unwrap_or_default()
    };
    let typed = Credentials {
        entrance: params.get("entrance").unwrap_or_default().to_owned(),
        scan_app: params.get("app").unwrap_or_default().to_owned(),
        personal_id: asked("login_hint"),
        enterprise_number: asked("identity_hint"),
        ..Credentials::default()
    };
    let tells = match params.get("why") {
        Some("another_person") => Some(request.text("login-another-person")),
        Some("begin_again") => Some(request.text("login-begin-again")),
        Some("relation_ended") => Some(request.text("login-relation-ended")),
        Some("session_ended") => Some(request.text("login-session-ended")),
        _ => None,
    };
    show_telling(&request, &transaction, &typed, None, tells).await
}

pub async fn post(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let typed = typed(&request, &form);
    match Stop::refusal(verify_credentials(&request.ctx, &transaction, &typed).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let shown = show(&request, &transaction, &typed, Some(&refusal));
            unless_gone_on(&request, &transaction, shown).await
        }
    }
}

fn typed(request: &Request, form: &Params) -> Credentials {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    Credentials {
        entrance: text("entrance"),
        enterprise_number: text("enterprise_number"),
        personal_id: text("personal_id"),
        password: form.get("password").map(|password| Secret::new(password.to_owned())),
        slider_id: text("slider_id"),
        slider: text("slider"),
        record_kind: text("record_kind"),
        scan_app: text("shown_app"),
        device: request
            .cookies
            .get(&cookies::device_name(&request.ctx.realm))
            .map(|cookie| Secret::new(cookie.clone())),
    }
}

/// A passkey instead of password and second factor.
pub async fn post_passkey(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let typed = typed(&request, &form);
    let text = |name| form.get(name).unwrap_or_default();
    let given = passkey::Given { made: text("made"), challenge: text("challenge") };
    match Stop::refusal(passkey::sign_in(&request.ctx, &transaction, &typed, given).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let shown = show(&request, &transaction, &typed, Some(&refusal));
            unless_gone_on(&request, &transaction, shown).await
        }
    }
}

/// The page again after a scan that led nowhere.
pub async fn show_again(
    request: &Request,
    transaction: &LoginTransaction,
    (entrance, app): (&str, &str),
    refusal: &Refusal,
) -> Answer {
    let typed = Credentials {
        entrance: entrance.to_owned(),
        scan_app: app.to_owned(),
        ..Credentials::default()
    };
    show(request, transaction, &typed, Some(refusal)).await
}

/// Ways in that the server must remember are left out of the page while strangers fill the store;
/// whoever types numbers and password goes on.
fn if_there_is_room<T>(made: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(fault) if fault.is_want_of_room() => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    typed: &Credentials,
    refusal: Option<&Refusal>,
) -> Answer {
    show_telling(request, transaction, typed, refusal, None).await
}

/// The way from the door that is shown to another one.
fn tab(
    request: &Request,
    transaction: &LoginTransaction,
    current: &Entrance,
    known: &RealmEntrance,
) -> Tab {
    let (id, page) = (&known.entrance.id, page_of(&known.entrance));
    Tab {
        id: id.clone(),
        title: known.title.in_language(request.language()).to_owned(),
        href: format!("{}/login/{page}?t={}&entrance={id}", request.base(), transaction.id),
        is_current: *id == current.id,
        is_closed: false,
    }
}

fn asks_for_code(door: &RealmEntrance) -> bool {
    door.entrance.enterprise_number == EnterpriseNumber::NonResidentCode
}

/// The other doors as they stand beside this one. Where it leads to the person, a non-resident comes as
/// themself: the door that asks for a code is the enterprises' (N-07).
fn others<'r>(
    request: &Request,
    current: &Entrance,
    doors: impl Iterator<Item = &'r RealmEntrance>,
    tab: impl Fn(&RealmEntrance) -> Tab,
) -> Vec<Tab> {
    let realm = &request.ctx.realm;
    let own = realm.own_door_by_email().filter(|_| current.leads_to_person());
    let own = own.map(|door| &door.entrance.id);
    let of_codes = realm.doors().find(|door| asks_for_code(door));
    let (Some(own), Some(of_codes)) = (own, of_codes) else { return doors.map(tab).collect() };
    let title = of_codes.title.in_language(request.language());
    let shown = |door: &RealmEntrance| {
        let shown = tab(door);
        if shown.id == *own { Tab { title: title.to_owned(), ..shown } } else { shown }
    };
    doors.filter(|door| !asks_for_code(door)).map(shown).collect()
}

/// `tells`: why the page is shown to somebody who did not expect it.
async fn show_telling(
    request: &Request,
    transaction: &LoginTransaction,
    typed: &Credentials,
    refusal: Option<&Refusal>,
    tells: Option<String>,
) -> Answer {
    let realm = &request.ctx.realm;
    let wanted = audience(&request.ctx, transaction);
    let fits = |door: &&RealmEntrance| wanted.is_none_or(|wanted| wanted == door.entrance.audience);
    let current = realm.doors().filter(fits).find(|door| door.entrance.id == typed.entrance);
    let Some(door) = current.or(realm.doors().find(fits)) else { return request.forbidden() };
    let current = &door.entrance;
    let app = ScanApp::parse(&typed.scan_app).filter(|app| current.scan.contains(app));
    let scan = match app.or(current.scan.first().copied()) {
        Some(app) => {
            let code = scan_view::view(request, transaction, app, Purpose::SignIn, &current.id);
            if_there_is_room(code.await)?
        }
        None => None,
    };
    let passkey = match current.passkey {
        true => Some(passkey::sign_in_challenge(&request.ctx, transaction)?),
        false => None,
    };
    let tab = |known: &RealmEntrance| tab(request, transaction, current, known);
    // Doors of one kind are tabs, the others stand below.
    let kind = |door: &RealmEntrance| (door.entrance.audience, door.is_other);
    let doors = |is_same: bool| {
        let doors = realm.ways_in().filter(fits);
        doors.filter(move |known| (kind(known) == kind(door)) == is_same)
    };
    let asks_code = asks_for_code(door);
    let to_code = realm.own_door_by_email().filter(|door| asks_code && fits(door)).map(tab);
    let wrong = wrong_fields(request, current, refusal);
    let notice = refusal.map(|refusal| notice(request, current, refusal, &wrong));
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    // Nothing was sent to the checker: the slider's proof is not used up either.
    let is_kept = !wrong.first.is_empty() && !typed.slider_id.is_empty();
    // Who has drawn it once need not draw it again for a wrong password; the proof is a new one.
    let is_drawn = refusal.is_some_and(|why| *why != Refusal::Slider) && !typed.slider.is_empty();
    let page = LoginPage {
        transaction: transaction.id.clone(),
        tabs: doors(true).map(tab).collect(),
        others: others(request, current, doors(false), tab),
        scan_apps: current.scan.iter().map(|app| app.name().to_owned()).collect(),
        scan,
        entrance: current.id.clone(),
        asks_enterprise_number: current.asks_enterprise_number(),
        asks_code,
        to_code,
        asks_email: current.personal_ids.contains(&PersonalIdKind::Email),
        record_kinds: match current.subject {
            Subject::SpecificEntity => RecordKind::ALL.map(RecordKind::name).to_vec(),
            _ => Vec::new(),
        },
        record_kind: typed.record_kind.clone(),
        passkey: passkey.map(|asked| PasskeyQuestion {
            options: asked.options.to_string(),
            challenge: asked.sealed,
        }),
        slider_id: match current.slider {
            true if is_kept => Some(typed.slider_id.clone()),
            true => Some(new_slider(&request.ctx, transaction)),
            false => None,
        },
        slider: if is_drawn { typed.slider.clone() } else { "0".to_owned() },
        has_initial: realm.initial_password != InitialPassword::Off,
        is_own: current.leads_to_person(),
        asks_unit: current.audience == Audience::SocialInsurance,
        wrong,
        enterprise_number: typed.enterprise_number.clone(),
        personal_id: typed.personal_id.clone(),
        tells,
        notice,
    };
    Ok(with_retry_after(request.page(status, &transaction.id, &page)?, retry_after))
}

/// Where a door's first step has its page.
fn page_of(door: &Entrance) -> &'static str {
    match door.steps.first() {
        Some(Step::Certificate) => "certificate",
        _ => "credentials",
    }
}

/// The refusal above the form, with the words of this door for its fields.
fn notice(request: &Request, door: &Entrance, refusal: &Refusal, wrong: &WrongFields) -> Notice {
    let notice = match refusal {
        Refusal::Credentials if !door.asks_enterprise_number() => {
            request.notice_as(refusal, "refusal-credentials-person")
        }
        Refusal::State => request.notice_as(refusal, "refusal-state-scan"),
        refusal => request.notice(refusal),
    };
    let said = [
        ("record_kind", &wrong.record_kind),
        ("enterprise_number", &wrong.enterprise_number),
        ("personal_id", &wrong.personal_id),
        ("password", &wrong.password),
    ];
    let said = said.into_iter().filter_map(|(id, text)| Some((id.to_owned(), text.clone()?)));
    match refusal {
        Refusal::Slider => {
            let text = notice.text.clone();
            notice.at_fields([("slider".to_owned(), text)])
        }
        _ => notice.at_fields(said),
    }
}

/// At which fields something is wrong, in the words of this door.
fn wrong_fields(request: &Request, entrance: &Entrance, refusal: Option<&Refusal>) -> WrongFields {
    let Some(Refusal::Format { fields }) = refusal else { return WrongFields::default() };
    let text = |field: &str, named: &str| {
        fields.contains(&field).then(|| request.text(&Refusal::text_key_of(named)))
    };
    let number = match (entrance.enterprise_number, entrance.audience) {
        (EnterpriseNumber::NonResidentCode, _) => "non_resident_code",
        (_, Audience::SocialInsurance) => "unit_number",
        _ => "enterprise_number",
    };
    let has_email = entrance.personal_ids.contains(&PersonalIdKind::Email);
    WrongFields {
        first: fields.first().copied().unwrap_or_default(),
        record_kind: text("record_kind", "record_kind"),
        enterprise_number: text("enterprise_number", number),
        personal_id: text(
            "personal_id",
            if has_email { "personal_id_email" } else { "personal_id" },
        ),
        password: text("password", "password"),
    }
}

/// Remembers the language and returns to the page it was chosen on.
pub async fn language(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let to = if params.get("to") == Some("en") { "en" } else { "zh-CN" };
    let back = params.get("back").filter(|back| back.starts_with(&format!("{}/", request.base())));
    let back = back.map_or_else(|| format!("{}/login", request.base()), str::to_owned);
    let realm = &request.ctx.realm;
    let cookie =
        cookies::set(realm, cookies::language_name(realm), to.to_owned(), Some(31_536_000));
    Ok(with_cookie(see_other(&back), cookie))
}
