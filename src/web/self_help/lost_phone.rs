//! 【找回手机号码】: one form, a face where the realm wants one, and the way to stop what waits (PH-02 to
//! PH-06).

use axum::http::StatusCode;
use axum::response::Response;

use crate::base::secret::Secret;
use crate::domain::factor::ScanApp;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::phone::Phone;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::self_help::awaited;
use crate::flows::self_help::document::Document;
use crate::flows::self_help::lost_phone::{self, Form, LostPhone, Reached, Step};
use crate::flows::self_help::progress::Begun;
use crate::flows::sign_in::scan::code::cancel_shown;
use crate::views::page::MessagePage;
use crate::views::self_help::{LostPhoneFacePage, LostPhonePage, StopPhonePage};
use crate::web::answer::{Answer, Failure, see_other, status_of, with_retry_after};
use crate::web::cookies;
use crate::web::request::Request;
use crate::web::self_help::Helping;
use crate::web::self_help::part::{APPS, document_types, from, scan_view, tab, to_sign_in, wrong};

const FIRST: &str = "/recover-phone";
/// A longer password is none.
const LONGEST: usize = 128;

/// What has come of it so far; `None`: nothing, or nothing any more.
async fn found(helping: &Helping) -> Result<Option<LostPhone>, Failure> {
    Ok(lost_phone::find(&helping.request.ctx, &helping.begun).await?)
}

async fn at(helping: &Helping) -> Result<LostPhone, Failure> {
    match found(helping).await? {
        Some(at) => Ok(at),
        None => Err(Failure::instead(helping.expired(FIRST)?)),
    }
}

fn address(request: &Request, step: &str, id: &str) -> String {
    format!("{}{FIRST}{step}?t={id}", request.base())
}

fn due(helping: &Helping, at: &LostPhone) -> Response {
    let step = if at.step == Step::Reached { "/face" } else { "" };
    see_other(&address(&helping.request, step, &helping.begun.id))
}

pub async fn get(helping: Helping) -> Answer {
    if helping.begun.id.is_empty() {
        return show(&helping, None, None);
    }
    let at = at(&helping).await?;
    match at.step {
        Step::Sent => show(&helping, Some(&at), None),
        Step::Reached => Ok(due(&helping, &at)),
    }
}

pub async fn post(helping: Helping) -> Answer {
    let text = |name| helping.form.get(name).unwrap_or_default();
    if text("act") == "begin" {
        let begun = helping.new_journey();
        return match Stop::refusal(begin(&helping, &begun).await)? {
            Ok(()) => {
                let to = address(&helping.request, "", &begun.id);
                Ok(helping.remembered(see_other(&to)))
            }
            Err(refusal) => show(&helping, None, Some(&refusal)),
        };
    }
    let (ctx, begun) = (&helping.request.ctx, &helping.begun);
    let before = at(&helping).await?;
    let outcome = match text("act") {
        "again" => lost_phone::send_again(ctx, begun, &before).await.map(|()| None),
        _ => lost_phone::verify(ctx, begun, &before, text("code")).await.map(Some),
    };
    match Stop::refusal(outcome)? {
        Ok(None) => Ok(due(&helping, &before)),
        Ok(Some(Reached::Face)) => Ok(see_other(&address(&helping.request, "/face", &begun.id))),
        Ok(Some(Reached::Bound)) => done(&helping, &before, "phone-bound"),
        Ok(Some(Reached::Awaited { is_told })) => done(&helping, &before, awaited(is_told)),
        Err(refusal) => match found(&helping).await? {
            Some(now) if now != before => Ok(due(&helping, &now)),
            Some(_) => show(&helping, Some(&before), Some(&refusal)),
            None => helping.expired(FIRST),
        },
    }
}

/// Every field that is empty or malformed is told at once.
async fn begin(helping: &Helping, begun: &Begun) -> Result<(), Stop> {
    let text = |name| helping.form.get(name).unwrap_or_default();
    let ctx = &helping.request.ctx;
    let mut fields = Vec::new();
    let document = Document::typed(ctx, text("document_type"), text("document"));
    if let Err(Refusal::Format { fields: wrong }) = &document {
        fields.extend(wrong);
    }
    let password = text("password");
    if password.is_empty() || password.chars().count() > LONGEST {
        fields.push("password");
    }
    let phone = Phone::parse(text("phone"));
    if phone.is_err() {
        fields.push("phone");
    }
    let (Ok(document), Ok(phone), true) = (document, phone, fields.is_empty()) else {
        return Err(Refusal::Format { fields }.into());
    };
    let device = helping.request.cookies.get(&cookies::device_name(&ctx.realm));
    let form = Form {
        document,
        password: Secret::new(password.to_owned()),
        phone,
        device: device.map(|cookie| Secret::new(cookie.clone())),
        from: from(&helping.form),
    };
    lost_phone::begin(ctx, begun, form).await
}

fn show(helping: &Helping, at: Option<&LostPhone>, refusal: Option<&Refusal>) -> Answer {
    let request = &helping.request;
    let text = |name| helping.form.get(name).unwrap_or_default().to_owned();
    let notice = refusal.map(|refusal| match (refusal, at) {
        // Before anything is begun nothing else can stand in the way.
        (Refusal::State, None) => request.notice_as(refusal, "recover-phone-full"),
        (Refusal::Credentials, _) => request.notice_as(refusal, "refusal-credentials-lost-phone"),
        _ => request.notice(refusal),
    });
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    let kind = at.map_or_else(|| text("document_type"), |at| at.document.kind.name().to_owned());
    let page = LostPhonePage {
        transaction: at.map(|_| helping.begun.id.clone()).unwrap_or_default(),
        document_types: document_types(request, &kind),
        document: at.map_or_else(
            || text("document"),
            |at| mask::document(&at.document.number, Viewer::Own),
        ),
        phone: text("phone"),
        sent_to: at.map(masked),
        minutes: (request.ctx.realm.sms.lifetime / 60).to_string(),
        from: at.map_or_else(|| from(&helping.form), |at| at.from.clone()),
        wrong: wrong(request, refusal),
        notice,
    };
    Ok(with_retry_after(helping.page(status, &page)?, retry_after))
}

fn masked(at: &LostPhone) -> String {
    let phone = Phone::parse(&at.phone);
    phone.map(|phone| mask::phone(phone.national(), Viewer::Own)).unwrap_or_default()
}

/// What is said of one that waits, to whoever has been told and to whoever could not be.
fn awaited(is_told: bool) -> &'static str {
    if is_told { "phone-awaited" } else { "phone-awaited-untold" }
}

/// The word that it is done: bound, or waiting.
fn done(helping: &Helping, at: &LostPhone, key: &str) -> Answer {
    let request = &helping.request;
    let page = MessagePage {
        title: request.text(&format!("{key}-title")),
        text: request.text_with(&format!("{key}-text"), &masked(at)),
        code: None,
        link: Some((to_sign_in(request, &at.from), request.text("back-to-login"))),
    };
    request.page(StatusCode::OK, "", &page)
}

fn app(name: &str) -> ScanApp {
    ScanApp::parse(name).unwrap_or(ScanApp::TaxApp)
}

pub async fn get_face(helping: Helping) -> Answer {
    let at = at(&helping).await?;
    if at.step != Step::Reached {
        return Ok(due(&helping, &at));
    }
    let way = app(helping.form.get("way").unwrap_or_default());
    show_face(&helping, &at, way, None).await
}

async fn show_face(
    helping: &Helping,
    at: &LostPhone,
    app: ScanApp,
    refusal: Option<&Refusal>,
) -> Answer {
    let (request, begun) = (&helping.request, &helping.begun);
    let page = address(request, "/face", &begun.id);
    let action = format!("{}{FIRST}/scan", request.base());
    let made = lost_phone::code(&request.ctx, begun, at, app).await;
    let scan = scan_view(helping, app, made, (&page, &action))?;
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let shown = LostPhoneFacePage {
        transaction: begun.id.clone(),
        phone: masked(at),
        ways: APPS.map(|one| tab(request, one.name(), &page, one == app)).into(),
        is_full: scan.is_none(),
        scan,
        notice,
    };
    helping.page(status, &shown)
}

/// 【无法进行人脸验证】: a day's patience instead.
pub async fn post_face(helping: Helping) -> Answer {
    let before = at(&helping).await?;
    let (ctx, begun) = (&helping.request.ctx, &helping.begun);
    match Stop::refusal(lost_phone::wait_instead(ctx, begun, &before).await)? {
        Ok(is_told) => done(&helping, &before, awaited(is_told)),
        Err(Refusal::State) => helping.expired(FIRST),
        Err(refusal) => show_face(&helping, &before, ScanApp::TaxApp, Some(&refusal)).await,
    }
}

/// 【继续】 fetches what the phone has said, 【取消】 ends the code.
pub async fn post_scan(helping: Helping) -> Answer {
    let before = at(&helping).await?;
    let text = |name| helping.form.get(name).unwrap_or_default();
    let (ctx, begun, app) = (&helping.request.ctx, &helping.begun, app(text("app")));
    let (id, verifier) = (text("q"), text("v"));
    let outcome = match text("act") {
        "cancel" => cancel_shown(ctx, begun.key(), id, verifier).await.map(|()| false),
        _ => lost_phone::scanned(ctx, begun, &before, (id, verifier)).await.map(|()| true),
    };
    match Stop::refusal(outcome)? {
        Ok(true) => done(&helping, &before, "phone-bound"),
        Ok(false) => {
            let page = address(&helping.request, "/face", &begun.id);
            Ok(see_other(&format!("{page}&way={}", app.name())))
        }
        Err(refusal) => match found(&helping).await? {
            Some(now) if now != before => Ok(due(&helping, &now)),
            Some(_) => show_face(&helping, &before, app, Some(&refusal)).await,
            None => helping.expired(FIRST),
        },
    }
}

/// The address in a message: it asks before it stops anything, since a link preview may read it.
pub async fn get_stop(helping: Helping) -> Answer {
    let token = helping.form.get("c").unwrap_or_default().to_owned();
    helping.page(StatusCode::OK, &StopPhonePage { token })
}

pub async fn post_stop(helping: Helping) -> Answer {
    let token = Secret::new(helping.form.get("c").unwrap_or_default().to_owned());
    let request = &helping.request;
    let login = Some((format!("{}/login", request.base()), "back-to-login"));
    match Stop::refusal(awaited::stop(&request.ctx, &token).await)? {
        Ok(()) => request.message(StatusCode::OK, "phone-stopped", login),
        Err(_) => request.message(StatusCode::GONE, "phone-not-stopped", login),
    }
}
