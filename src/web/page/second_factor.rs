//! The second factor: three ways on one page, each leads on equally (E-10).

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::login::{at_step, go_on, status_of};
use super::scan;
use crate::domain::entrance::Step;
use crate::domain::factor::{Factor, ScanApp};
use crate::domain::login::LoginTransaction;
use crate::domain::refusal::Refusal;
use crate::domain::scan::Purpose;
use crate::flows::second_factor::{Channel, is_sent, masked, send, verify};
use crate::flows::{Stop, authenticator, devices, passkey};
use crate::oidc::params::Params;
use crate::views::page::{SecondFactorPage, Tab};
use crate::web::answer::{Answer, see_other, with_cookie, with_retry_after};
use crate::web::cookies;
use crate::web::oauth::form;
use crate::web::request::Request;

/// The name of a way in addresses.
fn way_name(way: Factor) -> &'static str {
    match way {
        Factor::Sms => "sms",
        Factor::Email => "email",
        Factor::TaxAppScan => "tax_app",
        Factor::IitAppScan => "iit_app",
        Factor::Totp => "totp",
        Factor::Passkey => "passkey",
    }
}

fn way_of(name: &str) -> Option<Factor> {
    let all = [
        Factor::Sms,
        Factor::Email,
        Factor::TaxAppScan,
        Factor::IitAppScan,
        Factor::Totp,
        Factor::Passkey,
    ];
    all.into_iter().find(|way| way_name(*way) == name)
}

pub async fn get(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    match at_step(&request, &params, Step::SecondFactor).await? {
        Ok(transaction) => {
            let way = way_of(params.get("way").unwrap_or_default());
            show(&request, &transaction, way, None).await
        }
        Err(response) => Ok(response),
    }
}

pub async fn post(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let Ok(form) = form(&headers, &body) else { return request.malformed() };
    let transaction = match at_step(&request, &form, Step::SecondFactor).await? {
        Ok(transaction) => transaction,
        Err(response) => return Ok(response),
    };
    if !request.is_genuine(&form, &transaction.id) {
        return request.forbidden();
    }
    let channel = match form.get("way") {
        Some("email") => Channel::Email,
        _ => Channel::Sms,
    };
    let way = channel.factor();
    if form.get("act") == Some("send") {
        return match Stop::refusal(send(&request.ctx, &transaction, channel).await)? {
            Ok(()) => {
                let to = format!(
                    "{}/login/second_factor?t={}&way={}",
                    request.base(),
                    transaction.id,
                    way_name(way)
                );
                Ok(see_other(&to))
            }
            Err(refusal) => show(&request, &transaction, Some(way), Some(&refusal)).await,
        };
    }
    if form.get("act") == Some("totp") {
        let code = form.get("code").unwrap_or_default();
        return match Stop::refusal(authenticator::verify(&request.ctx, &transaction, code).await)?
        {
            Ok(next) => passed(&request, &form, &next).await,
            Err(refusal) => show(&request, &transaction, Some(Factor::Totp), Some(&refusal)).await,
        };
    }
    if form.get("act") == Some("passkey") {
        let made = form.get("made").unwrap_or_default();
        return match Stop::refusal(passkey::verify(&request.ctx, &transaction, made).await)? {
            Ok(next) => passed(&request, &form, &next).await,
            Err(refusal) => {
                show(&request, &transaction, Some(Factor::Passkey), Some(&refusal)).await
            }
        };
    }
    let code = form.get("code").unwrap_or_default();
    match Stop::refusal(verify(&request.ctx, &transaction, channel, code).await)? {
        Ok(next) => passed(&request, &form, &next).await,
        Err(refusal) => show(&request, &transaction, Some(way), Some(&refusal)).await,
    }
}

/// On to the next step; the browser is remembered where its person asked for it.
async fn passed(request: &Request, form: &Params, next: &LoginTransaction) -> Answer {
    let remembered = match form.get("remember") {
        Some("yes") => devices::remember(&request.ctx, next).await?,
        _ => None,
    };
    let response = go_on(request, next).await?;
    let Some((cookie, lifetime)) = remembered else { return Ok(response) };
    let (realm, value) = (&request.ctx.realm, cookie.expose().to_owned());
    let cookie = cookies::set(realm, cookies::device_name(realm), value, Some(lifetime));
    Ok(with_cookie(response, cookie))
}

/// `way`: the one that is open; by default the realm's first.
pub async fn show(
    request: &Request,
    transaction: &LoginTransaction,
    way: Option<Factor>,
    refusal: Option<&Refusal>,
) -> Answer {
    let entrance = transaction.entrance.as_deref().and_then(|id| request.ctx.realm.entrance(id));
    let (Some(entrance), Some(proved)) = (entrance, &transaction.proved) else {
        return go_on(request, transaction).await;
    };
    let mut ways = entrance.entrance.second_factors.clone();
    if ways.contains(&Factor::Totp)
        && !authenticator::is_enrolled(&request.ctx, proved.account).await?
    {
        ways.retain(|way| *way != Factor::Totp);
    }
    if ways.contains(&Factor::Passkey) && !passkey::is_enrolled(&request.ctx, proved).await? {
        ways.retain(|way| *way != Factor::Passkey);
    }
    let open = way.filter(|way| ways.contains(way)).or(ways.first().copied());
    let channel = match open {
        Some(Factor::Sms) => Some(Channel::Sms),
        Some(Factor::Email) => Some(Channel::Email),
        _ => None,
    };
    let (sent_to, is_sent) = match channel {
        Some(channel) => (
            masked(&request.ctx, transaction, channel).await?,
            is_sent(&request.ctx, transaction, channel).await?,
        ),
        None => (None, false),
    };
    let app = match open {
        Some(Factor::TaxAppScan) => Some(ScanApp::TaxApp),
        Some(Factor::IitAppScan) => Some(ScanApp::IitApp),
        _ => None,
    };
    let question = match open {
        Some(Factor::Passkey) => passkey::challenge(&request.ctx, transaction).await?,
        _ => None,
    };
    let scan = match app {
        Some(app) => scan::view(request, transaction, app, Purpose::Verify(proved.person)).await?,
        None => None,
    };
    let tab = |way: &Factor| Tab {
        id: way_name(*way).to_owned(),
        title: request.text(&format!("way-{}", way_name(*way).replace('_', "-"))),
        href: format!(
            "{}/login/second_factor?t={}&way={}",
            request.base(),
            transaction.id,
            way_name(*way)
        ),
        is_current: Some(*way) == open,
    };
    let notice = refusal.map(|refusal| request.notice(refusal));
    let status = status_of(notice.as_ref());
    let retry_after = notice.as_ref().and_then(|notice| notice.retry_after);
    let page = SecondFactorPage {
        transaction: transaction.id.clone(),
        ways: ways.iter().map(tab).collect(),
        sent_by: channel.map(|channel| way_name(channel.factor())),
        is_totp: open == Some(Factor::Totp),
        passkey: question.map(|question| question.to_string()),
        remember_days: match transaction.raises {
            None => entrance.entrance.remember_device_days.map(|days| days.to_string()),
            Some(_) => None,
        },
        sent_to,
        is_sent,
        scan,
        notice,
    };
    Ok(with_retry_after(request.page(status, &transaction.id, &page)?, retry_after))
}
