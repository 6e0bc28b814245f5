//! The second factor: three ways on one page, each leads on equally (E-10).

use crate::domain::factor::Factor;
use crate::domain::login::{LoginTransaction, Second};
use crate::domain::refusal::Refusal;
use crate::domain::scan::Purpose;
use crate::flows::Stop;
use crate::flows::sign_in::factor::code::{is_sent, masked};
use crate::flows::sign_in::factor::{self, Given, device, passkey};
use crate::oidc::params::Params;
use crate::views::page::{SecondFactorPage, Tab};
use crate::web::answer::{Answer, Failure, see_other, status_of, with_cookie, with_retry_after};
use crate::web::cookies;
use crate::web::page::scan_view;
use crate::web::page::step::{AtStep, go_on, unless_gone_on};
use crate::web::request::Request;

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
    let is_open = |way: &&Factor| closed.iter().all(|(known, _)| known != *way);
    // What cannot reach the person comes last.
    ways.sort_by_key(|way| !is_open(&way));
    let open = way.filter(|way| ways.contains(way));
    let open = open.or(ways.iter().find(is_open).or(ways.first()).copied());
    let question = match open {
        Some(open) => factor::question(ctx, transaction, open).await?,
        None => None,
    };
    let Some(question) = question else {
        // A form of a step that is no longer due leads on; a step that offers nothing ends here.
        let is_due = transaction.proved().is_some_and(|proved| proved.second == Second::Due);
        return if is_due { request.forbidden() } else { go_on(request, transaction).await };
    };
    let open = question.factor;
    let (sent_by, sent_to, is_sent) = match open {
        Factor::Sms | Factor::Email => {
            (Some(open.name()), masked(ctx, &question).await?, is_sent(ctx, &question).await?)
        }
        _ => (None, None, false),
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
        is_closed: closed.iter().any(|(known, _)| known == way),
    };
    // The page of a closed way says so itself.
    let hints = closed.iter().filter(|(known, _)| *known != open);
    let hints = hints.map(|(_, refusal)| request.notice(refusal)).collect();
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    let page = SecondFactorPage {
        transaction: transaction.id.clone(),
        ways: ways.iter().map(tab).collect(),
        sent_by,
        is_totp: open == Factor::Totp,
        is_code_wrong: matches!(
            refusal,
            Some(Refusal::Otp | Refusal::OtpExpired | Refusal::Format { .. })
        ),
        passkey,
        remember_days: device::days(ctx, transaction).map(|days| days.to_string()),
        sent_to,
        hints,
        is_sent,
        scan,
        notice,
    };
    Ok(with_retry_after(request.page(status, &transaction.id, &page)?, retry_after))
}
