//! The second factor: three ways on one page, each leads on equally (E-10).

use crate::domain::authorisation::Authorisation;
use crate::domain::enterprise::Enterprise;
use crate::domain::factor::Factor;
use crate::domain::login::{Errand, LoginTransaction, Second};
use crate::domain::proof::Question;
use crate::domain::refusal::Refusal;
use crate::domain::scan::Purpose;
use crate::flows::centre::known::masked_name;
use crate::flows::relations::person::to_be_confirmed;
use crate::flows::sign_in::factor::code::{masked, standing};
use crate::flows::sign_in::factor::{self, Given, device, passkey};
use crate::flows::sign_in::new_document;
use crate::flows::{Fault, Stop};
use crate::oidc::params::Params;
use crate::views::page::{Notice, Tab};
use crate::views::sign_in::{ErrandView, SecondFactorPage, SentView};
use crate::web::answer::{Answer, Failure, see_other, status_of, with_cookie, with_retry_after};
use crate::web::cookies;
use crate::web::page::scan_view;
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::page::view;
use crate::web::request::Request;
use crate::web::transaction::anew;

pub async fn get(AtStep { request, form: params, transaction, .. }: AtStep) -> Answer {
    let way = params.get("way").and_then(Factor::parse);
    show(&request, &transaction, way, None).await
}

pub async fn post(AtStep { request, form, transaction, .. }: AtStep) -> Answer {
    let sent_by = match form.get("way") {
        Some("email") => Factor::Email,
        _ => Factor::Sms,
    };
    let (ctx, act) = (&request.ctx, form.get("act").unwrap_or_default());
    if act == "send" {
        return match Stop::refusal(factor::send(ctx, &transaction, sent_by).await)? {
            Ok(()) => Ok(see_other(&address(&request, &transaction, sent_by))),
            Err(refusal) => show(&request, &transaction, Some(sent_by), Some(&refusal)).await,
        };
    }
    let code = form.get("code").unwrap_or_default();
    let (way, given) = match act {
        "totp" => (Factor::Totp, Given::Totp(code)),
        "passkey" => (Factor::Passkey, Given::Passkey(form.get("made").unwrap_or_default())),
        _ => (sent_by, Given::Sent(sent_by, code)),
    };
    match Stop::refusal(factor::answer(ctx, &transaction, given).await)? {
        Ok(next) => passed(&request, &form, &next).await,
        Err(refusal) => {
            let shown = show(&request, &transaction, Some(way), Some(&refusal));
            unless_gone_on(&request, &transaction, shown).await
        }
    }
}

/// The page with this way open.
fn address(request: &Request, transaction: &LoginTransaction, way: Factor) -> String {
    let (base, name) = (request.base(), way.name());
    format!("{base}/login/second_factor?t={}&way={name}", transaction.id)
}

/// On to the next step; the browser is remembered where its person asked for it.
async fn passed(request: &Request, form: &Params, next: &LoginTransaction) -> Answer {
    let remembered = match form.get("remember") {
        Some("yes") => device::remember(&request.ctx, next).await?,
        _ => None,
    };
    let response = go_on(request, next).await?;
    let Some((cookie, lifetime)) = remembered else { return Ok(response) };
    let (realm, value) = (&request.ctx.realm, cookie.expose().to_owned());
    let cookie = cookies::set(realm, cookies::device_name(realm), value, Some(lifetime));
    Ok(with_cookie(response, cookie))
}

/// The ways of a code that cannot reach this person, and why (E-11).
async fn closed(
    request: &Request,
    transaction: &LoginTransaction,
    ways: &[Factor],
) -> Result<Vec<(Factor, Refusal)>, Failure> {
    let mut closed = Vec::new();
    for (way, why) in [(Factor::Sms, Refusal::NoPhone), (Factor::Email, Refusal::NoEmail)] {
        if !ways.contains(&way) {
            continue;
        }
        let Some(question) = factor::question(&request.ctx, transaction, way).await? else {
            continue;
        };
        if masked(&request.ctx, &question).await?.is_none() {
            closed.push((way, why));
        }
    }
    Ok(closed)
}

/// What somebody without a phone is told, by the other ways that they have.
fn no_phone(ways: &[Factor]) -> &'static str {
    let has_face = ways.iter().any(|way| way.is_face());
    if !has_face && ways.contains(&Factor::Email) {
        "no-phone-but-email"
    } else {
        "refusal-no-phone"
    }
}

fn told(request: &Request, refusal: &Refusal, no_phone: &str) -> Notice {
    match refusal {
        Refusal::NoPhone => request.notice_as(refusal, no_phone),
        refusal => request.notice(refusal),
    }
}

/// Who is signing in, masked, with the enterprise that was typed; the password is proved by now.
async fn whose(request: &Request, transaction: &LoginTransaction) -> Result<Option<String>, Fault> {
    let Some(proved) = transaction.proved() else { return Ok(None) };
    let name = masked_name(&request.ctx, proved.person).await?;
    if transaction.errand().is_some() {
        return Ok(Some(name));
    }
    let title = request.ctx.realm.entrance(&proved.entrance);
    let title = title.map(|door| door.title.in_language(request.language()));
    Ok(Some(title.map_or_else(|| name.clone(), |title| format!("{name} · {title}"))))
}

/// The last part of the keys of what an errand is called.
fn key_of(errand: &Errand) -> &'static str {
    match errand {
        Errand::Raise => "raise",
        Errand::Renew => "renew",
        Errand::Handler => "handler",
        Errand::Lift | Errand::Phone => "lift",
        Errand::Confirm(_) => "authorise",
        Errand::Password(_) => "new-password",
        Errand::FirstPhone(_) => "new-phone",
        Errand::Document(_) => "document",
        Errand::Cancel => "cancel",
    }
}

/// What is done once this is passed, and the way back; a step within a session is no sign-in.
async fn errand(
    request: &Request,
    transaction: &LoginTransaction,
) -> Result<Option<ErrandView>, Fault> {
    let Some(errand) = transaction.errand() else { return Ok(None) };
    let ctx = &request.ctx;
    let confirmed = to_be_confirmed(ctx, transaction).await?;
    let line = |(one, enterprise): &(Authorisation, Enterprise)| {
        format!("{} · {}", enterprise.name, view::type_name(request, &one.identity_type))
    };
    let document = new_document::shown(ctx, transaction);
    let key = key_of(errand);
    Ok(Some(ErrandView {
        title: request.text(&format!("phone-matter-{key}")),
        text: request.text(&format!("errand-{key}")),
        authorisations: confirmed.iter().map(line).collect(),
        document: document.map(|(kind, no)| format!("{} {no}", view::document(request, kind))),
        leads_back: transaction.request().is_none(),
    }))
}

/// Where somebody else begins the same sign-in; a step within a session is its person's.
fn not_you(request: &Request, transaction: &LoginTransaction) -> Option<String> {
    transaction.errand().is_none().then(|| anew(request, transaction).0)
}

/// The code that is on its way, as the page counts it down.
async fn sent(request: &Request, question: &Question) -> Result<Option<SentView>, Fault> {
    let sent = standing(&request.ctx, question).await?;
    Ok(sent.map(|sent| SentView {
        valid_for: sent.valid_for.to_string(),
        valid_minutes: ((sent.valid_for + 59) / 60).to_string(),
        wait: (sent.wait > 0).then(|| sent.wait.to_string()),
        tries_left: sent.tries_left.to_string(),
    }))
}

/// `way`: the one that is open; by default the realm's first that can reach the person.
pub async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    way: Option<Factor>,
    refusal: Option<&Refusal>,
) -> Answer {
    let ctx = &request.ctx;
    let mut ways = factor::offered(ctx, transaction).await?;
    let closed = closed(request, transaction, &ways).await?;
    let is_closed = |way: &Factor| closed.iter().any(|(known, _)| known == way);
    // What cannot be used does not come first.
    ways.sort_by_key(is_closed);
    let open = way.filter(|way| ways.contains(way)).or(ways.first().copied());
    let question = match open {
        Some(open) => factor::question(ctx, transaction, open).await?,
        None => None,
    };
    let Some(question) = question else {
        // A form of a step that is no longer due leads on; a step that offers nothing ends here.
        let is_due = transaction.proved().is_some_and(|proved| proved.second == Second::Due);
        return if is_due { request.forbidden() } else { go_on(request, transaction).await };
    };
    let no_phone = no_phone(&ways);
    let open = question.factor;
    let (sent_by, sent_to, sent) = match open {
        Factor::Sms | Factor::Email => {
            (Some(open.name()), masked(ctx, &question).await?, sent(request, &question).await?)
        }
        _ => (None, None, None),
    };
    let passkey = match open {
        Factor::Passkey => Some(passkey::challenge(ctx, &question).await?.to_string()),
        _ => None,
    };
    let scan = match open.scan_app() {
        Some(app) => {
            Some(scan_view::view(request, transaction, app, Purpose::Verify(question), "").await?)
        }
        None => None,
    };
    let tab = |way: &Factor| Tab {
        id: way.name().to_owned(),
        title: request.text(&format!("way-{}", way.name().replace('_', "-"))),
        href: address(request, transaction, *way),
        is_current: *way == open,
        is_closed: is_closed(way),
    };
    // The page of a closed way says so itself.
    let hints = closed.iter().filter(|(known, _)| *known != open);
    let hints = hints.map(|(_, why)| told(request, why, no_phone)).collect();
    let notice = refusal.map(|refusal| match refusal {
        Refusal::State => request.notice_as(refusal, "refusal-state-scan"),
        refusal => request.notice(refusal),
    });
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    let page = SecondFactorPage {
        transaction: transaction.id.clone(),
        whose: whose(request, transaction).await?,
        not_you: not_you(request, transaction),
        errand: errand(request, transaction).await?,
        ways: ways.iter().map(tab).collect(),
        sent_by,
        is_totp: open == Factor::Totp,
        is_code_wrong: sent.is_some() && refusal == Some(&Refusal::Otp),
        passkey,
        remember_days: device::days(ctx, transaction).map(|days| days.to_string()),
        sent_to,
        hints,
        no_phone,
        sent,
        scan,
        notice,
    };
    Ok(with_retry_after(request.page(status, &transaction.id, &page)?, retry_after))
}
