//! 【忘记密码】: three pages and the word that it is done (F-01 to F-07).

use axum::http::StatusCode;
use axum::response::Response;

use crate::base::secret::Secret;
use crate::domain::factor::ScanApp;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::phone::Phone;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::flows::self_help::document::Document;
use crate::flows::self_help::forgotten::{self, FORGOTTEN, Forgotten, Step};
use crate::flows::sign_in::scan::code::cancel_shown;
use crate::views::page::MessagePage;
use crate::views::self_help::{ForgotNewPage, ForgotPage, ForgotProvePage};
use crate::web::answer::{Answer, Failure, see_other, status_of, with_retry_after};
use crate::web::page::view::password_rule;
use crate::web::request::Request;
use crate::web::self_help::Helping;
use crate::web::self_help::part::{APPS, document_types, from, scan_view, tab, to_sign_in, wrong};

const FIRST: &str = "/forgot-password";

pub async fn get(helping: Helping) -> Answer {
    show_first(&helping, None)
}

pub async fn post(helping: Helping) -> Answer {
    let text = |name| helping.form.get(name).unwrap_or_default();
    let ctx = &helping.request.ctx;
    let begun = helping.new_journey();
    let started = async {
        let document = Document::typed(ctx, text("document_type"), text("document"))?;
        forgotten::start(ctx, &begun, document, &from(&helping.form)).await
    };
    match Stop::refusal(started.await)? {
        Ok(()) => {
            let to = address(&helping.request, "prove", &begun.id);
            Ok(helping.remembered(see_other(&to)))
        }
        Err(refusal) => show_first(&helping, Some(&refusal)),
    }
}

fn show_first(helping: &Helping, refusal: Option<&Refusal>) -> Answer {
    let request = &helping.request;
    let text = |name| helping.form.get(name).unwrap_or_default();
    let notice = refusal.map(|refusal| request.notice(refusal));
    let (status, retry_after) =
        (status_of(notice.as_ref()), notice.as_ref().and_then(|notice| notice.retry_after));
    let page = ForgotPage {
        document_types: document_types(request, text("document_type")),
        document: text("document").to_owned(),
        from: from(&helping.form),
        wrong: wrong(request, refusal),
        notice,
    };
    Ok(with_retry_after(helping.page(status, &page)?, retry_after))
}

fn address(request: &Request, step: &str, id: &str) -> String {
    format!("{}{FIRST}/{step}?t={id}", request.base())
}

fn is_proved(at: &Forgotten) -> bool {
    matches!(at.step, Step::Proved(_))
}

/// To the page of the step that is due.
fn due(helping: &Helping, at: &Forgotten) -> Response {
    let step = if is_proved(at) { "new" } else { "prove" };
    see_other(&address(&helping.request, step, &helping.begun.id))
}

/// How far this browser has come; instead of what is over, the page to begin again.
async fn at(helping: &Helping) -> Result<Forgotten, Failure> {
    match FORGOTTEN.find(&helping.request.ctx, &helping.begun).await? {
        Some(at) => Ok(at),
        None => Err(Failure::instead(helping.expired(FIRST)?)),
    }
}

/// The step that was taken, or its page again; where the same browser has come further meanwhile, by
/// the first of two clicks, it goes on from there.
async fn taken(
    helping: &Helping,
    before: &Forgotten,
    outcome: Result<Forgotten, Stop>,
    way: &str,
) -> Answer {
    match Stop::refusal(outcome)? {
        Ok(next) => Ok(due(helping, &next)),
        Err(refusal) => match FORGOTTEN.find(&helping.request.ctx, &helping.begun).await? {
            Some(now) if now != *before || is_proved(&now) => Ok(due(helping, &now)),
            _ => show_prove(helping, before, way, Some(&refusal)).await,
        },
    }
}

pub async fn get_prove(helping: Helping) -> Answer {
    let at = at(&helping).await?;
    if is_proved(&at) {
        return Ok(due(&helping, &at));
    }
    let way = helping.form.get("way").unwrap_or_default().to_owned();
    show_prove(&helping, &at, &way, None).await
}

pub async fn post_prove(helping: Helping) -> Answer {
    let before = at(&helping).await?;
    let text = |name| helping.form.get(name).unwrap_or_default();
    let (ctx, begun) = (&helping.request.ctx, &helping.begun);
    let outcome = match text("act") {
        "send" => forgotten::send(ctx, begun, &before, text("phone")).await,
        _ => forgotten::verify(ctx, begun, &before, text("code")).await,
    };
    taken(&helping, &before, outcome, "sms").await
}

/// 【继续】 fetches what the phone has said, 【取消】 ends the code.
pub async fn post_scan(helping: Helping) -> Answer {
    let before = at(&helping).await?;
    let text = |name| helping.form.get(name).unwrap_or_default();
    let (ctx, begun) = (&helping.request.ctx, &helping.begun);
    let (id, verifier) = (text("q"), text("v"));
    let outcome = match text("act") {
        "cancel" => match cancel_shown(ctx, begun.key(), id, verifier).await {
            Ok(()) => {
                let page = address(&helping.request, "prove", &begun.id);
                return Ok(see_other(&format!("{page}&way={}", app(text("app")).name())));
            }
            Err(stop) => Err(stop),
        },
        _ => forgotten::scanned(ctx, begun, &before, (id, verifier)).await,
    };
    taken(&helping, &before, outcome, app(text("app")).name()).await
}

fn app(name: &str) -> ScanApp {
    ScanApp::parse(name).unwrap_or(ScanApp::TaxApp)
}

/// `way`: `sms`, or an app's name.
async fn show_prove(
    helping: &Helping,
    at: &Forgotten,
    way: &str,
    refusal: Option<&Refusal>,
) -> Answer {
    let (request, begun) = (&helping.request, &helping.begun);
    let page = address(request, "prove", &begun.id);
    let app = APPS.into_iter().find(|app| app.name() == way);
    let scan = match app {
        Some(app) => {
            let made = forgotten::code(&request.ctx, begun, at, app).await;
            let action = format!("{}{FIRST}/scan", request.base());
            scan_view(helping, app, made, (&page, &action))?
        }
        None => None,
    };
    let asked = match &at.step {
        Step::Asked { phone, .. } => Phone::kept(phone).ok(),
        _ => None,
    };
    let typed = helping.form.get("phone").map(str::to_owned);
    let names = ["sms"].into_iter().chain(APPS.map(ScanApp::name));
    let current = app.map_or("sms", ScanApp::name);
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    let shown = ForgotProvePage {
        transaction: begun.id.clone(),
        document: mask::document(&at.document.number, Viewer::Own),
        from: at.from.clone(),
        ways: names.map(|name| tab(request, name, &page, name == current)).collect(),
        is_full: app.is_some() && scan.is_none(),
        scan,
        phone: typed
            .or(asked.as_ref().map(|phone| phone.national().to_owned()))
            .unwrap_or_default(),
        asked: asked.map(|phone| mask::phone(phone.national(), Viewer::Own)),
        minutes: (request.ctx.realm.sms.lifetime / 60).to_string(),
        wrong: wrong(request, refusal),
        notice,
    };
    Ok(with_retry_after(helping.page(status, &shown)?, retry_after))
}

pub async fn get_new(helping: Helping) -> Answer {
    let at = at(&helping).await?;
    match is_proved(&at) {
        true => show_new(&helping, None),
        false => Ok(due(&helping, &at)),
    }
}

fn show_new(helping: &Helping, refusal: Option<&Refusal>) -> Answer {
    let request = &helping.request;
    let rules = &request.ctx.realm.password;
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let page = ForgotNewPage {
        transaction: helping.begun.id.clone(),
        min_length: rules.min_length,
        max_length: rules.max_length,
        rule: password_rule(request),
        wrong: wrong(request, refusal),
        notice,
    };
    helping.page(status, &page)
}

pub async fn post_new(helping: Helping) -> Answer {
    let at = at(&helping).await?;
    if !is_proved(&at) {
        return Ok(due(&helping, &at));
    }
    let secret = |name| Secret::new(helping.form.get(name).unwrap_or_default().to_owned());
    let request = &helping.request;
    let (new, repeated) = (secret("new"), secret("repeated"));
    let set = forgotten::set(&request.ctx, &helping.begun, &at, &new, &repeated).await;
    match Stop::refusal(set)? {
        Ok(()) => {
            let page = MessagePage {
                title: request.text("forgot-done-title"),
                text: request.text("forgot-done-text"),
                code: None,
                link: Some((to_sign_in(request, &at.from), request.text("back-to-login"))),
            };
            request.page(StatusCode::OK, "", &page)
        }
        // Another tab has ended it, or the account is gone.
        Err(Refusal::State | Refusal::Credentials) => helping.expired(FIRST),
        Err(refusal) => show_new(&helping, Some(&refusal)),
    }
}
