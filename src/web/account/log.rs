//! 【日志管理】: one's own sign-ins, and for managers those of every handler (AC-58, PC-27, DEC-11).

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

use crate::base::clock::Day;
use crate::domain::acting::ActingIdentity;
use crate::domain::claims::NAMED_HANDLER;
use crate::domain::function::Function;
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::flows::centre::known::masked_name;
use crate::flows::centre::log::{Line, LogQuery, LoginLogEntry, Whose, page};
use crate::views::account::{LogPage, LogRow, OptionView};
use crate::web::account::show::{href, tabs};
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, Failure, no_store};
use crate::web::page::view::type_name;
use crate::web::request::Request;

const PATH: &str = "/account/log";
const A_PAGE: u64 = 200;
/// More lines than these are exported range by range.
const MOST_EXPORTED: u64 = 20_000;

/// What was asked for, and who may see it.
struct Asked {
    whose: Whose,
    is_enterprise: bool,
    from: Day,
    to: Day,
    /// No such days, or the last before the first: a month is shown all the same.
    wrong: Option<Refusal>,
    /// A way's name; empty is any.
    way: String,
    /// `ok`, `refused` or empty.
    outcome: String,
    offset: u64,
}

/// Ways in, and the second factors that fail by themselves.
const WAYS: [&str; 12] = [
    "password",
    "tax_app_scan",
    "iit_app_scan",
    "passkey",
    "certificate",
    "sms",
    "email",
    "totp",
    "tax_app",
    "iit_app",
    "forgot_password",
    "recover_phone",
];
/// What stops an attempt, by its code without `E_`.
const WHYS: [&str; 20] = [
    "CREDENTIALS",
    "SLIDER",
    "LOCKED",
    "ACCOUNT_LOCKED",
    "OTP",
    "OTP_EXPIRED",
    "OTP_RATE",
    "OTP_UNAVAILABLE",
    "NO_PHONE",
    "NO_EMAIL",
    "STEPUP_FAILED",
    "STEPUP_REQUIRED",
    "FACE_UNAVAILABLE",
    "PASSKEY",
    "SCAN_EXPIRED",
    "NO_IDENTITY",
    "AGREEMENT",
    "ROLE",
    "STATE",
    "BUSY",
];
const OUTCOMES: [&str; 2] = ["ok", "refused"];
const FURTHEST: u64 = 1_000_000;

fn asked(visit: &Visit) -> Result<Asked, Refusal> {
    let params = visit.request.query().unwrap_or_default();
    let today = visit.request.ctx.now().day();
    let day = |name: &str, or: Day| match params.get(name).filter(|text| !text.is_empty()) {
        Some(text) => Day::parse(text),
        None => Some(or),
    };
    let range = day("from", today.month_before()).zip(day("to", today));
    let range = range.filter(|(from, to)| from <= to);
    let is_enterprise = params.get("of") == Some("enterprise");
    let whose = match (is_enterprise, &visit.identity) {
        (false, _) => Whose::Person(visit.session.person),
        (true, ActingIdentity::Enterprise(one)) if visit.role.may(Function::EnterpriseLog) => {
            Whose::Enterprise(one.enterprise.id)
        }
        (true, _) => return Err(Refusal::Role),
    };
    let one_of = |name: &str, known: &[&str]| {
        let value = params.get(name).filter(|value| known.contains(value));
        value.unwrap_or_default().to_owned()
    };
    let offset = params.get("offset").and_then(|text| text.parse::<u64>().ok());
    Ok(Asked {
        whose,
        is_enterprise,
        wrong: range.is_none().then(|| Refusal::format("range")),
        from: range.map_or(today.month_before(), |(from, _)| from),
        to: range.map_or(today, |(_, to)| to),
        way: one_of("way", &WAYS),
        outcome: one_of("outcome", &OUTCOMES),
        offset: offset.unwrap_or_default().min(FURTHEST),
    })
}

async fn rows(visit: &Visit, asked: &Asked) -> Result<Vec<LogRow>, Failure> {
    let query = LogQuery {
        whose: asked.whose,
        since: asked.from.start(),
        until: Some(asked.to.end()),
        way: asked.way.clone(),
        is_ok: (!asked.outcome.is_empty()).then(|| asked.outcome == "ok"),
        offset: asked.offset,
    };
    let lines = page(&visit.request.ctx, &query).await?;
    let enterprise = match (&visit.identity, asked.is_enterprise) {
        (ActingIdentity::Enterprise(one), true) => one.enterprise.name.clone(),
        _ => String::new(),
    };
    let own = masked_name(&visit.request.ctx, visit.session.person).await?;
    let row = |line: Line| {
        let (person, enterprise) = match asked.is_enterprise {
            true => (line.name, enterprise.clone()),
            false => (own.clone(), line.name),
        };
        LogRow { person, enterprise, ..row(&visit.request, &line.entry) }
    };
    Ok(lines.into_iter().map(row).collect())
}

fn row(request: &Request, entry: &LoginLogEntry) -> LogRow {
    let realm = &request.ctx.realm;
    let entrance = realm.entrance(&entry.entrance);
    let entrance = entrance.map(|known| known.title.in_language(request.language()).to_owned());
    let address = entry.ip.parse().map(mask::address_of_host);
    LogRow {
        at: entry.at.for_people(),
        person: String::new(),
        enterprise: String::new(),
        way: match &entry.second {
            Some(second) => format!(
                "{} + {}",
                way_title(request, &entry.way),
                request.text(&format!("log-second-{}", second.replace('_', "-")))
            ),
            None => way_title(request, &entry.way),
        },
        entrance: entrance.unwrap_or_default(),
        identity: identity_title(request, entry),
        address: address.unwrap_or_default(),
        device: entry.device.clone(),
        is_ok: entry.outcome == "ok",
        outcome: match entry.outcome.as_str() {
            "ok" => request.text("log-ok"),
            code => request.text_with("log-refused-why", &why(request, code)),
        },
    }
}

/// What stopped an attempt, in words; the code is for help desks and stands in no list.
fn why(request: &Request, code: &str) -> String {
    let known = code.trim_start_matches("E_");
    let key = if WHYS.contains(&known) { known } else { "other" };
    request.text(&format!("log-why-{}", key.to_ascii_lowercase().replace('_', "-")))
}

/// As whom they came in: an identity type, a member of an agency's staff, a handler whom a record
/// names, or the person themself. Empty where they have not come in.
fn identity_title(request: &Request, entry: &LoginLogEntry) -> String {
    match entry.identity_type.as_deref() {
        Some("agent") => request.text("acting-agent"),
        Some(NAMED_HANDLER) => request.text("acting-named-handler"),
        Some(name) => type_name(request, &IdentityTypeName(name.to_owned())),
        None if entry.outcome == "ok" => request.text("acting-personal"),
        None => String::new(),
    }
}

fn way_title(request: &Request, way: &str) -> String {
    request.text(&format!("log-way-{}", way.replace('_', "-")))
}

/// A filter's values, with an empty one for all.
fn options(
    request: &Request,
    known: &[&str],
    chosen: &str,
    title: impl Fn(&Request, &str) -> String,
) -> Vec<OptionView> {
    let option = |value: &str, title| OptionView {
        value: value.to_owned(),
        title,
        is_chosen: value == chosen,
    };
    let all = option("", request.text("all"));
    let known = known.iter().map(|value| option(value, title(request, value)));
    std::iter::once(all).chain(known).collect()
}

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::LoginLog).await?;
    let asked = match asked(&visit) {
        Ok(asked) => asked,
        Err(refusal) => return visit.refused(&refusal),
    };
    let rows = rows(&visit, &asked).await?;
    let request = &visit.request;
    let mut tabs = tabs(request, &[("log-own", PATH), ("log-enterprise", PATH)], "");
    for (tab, of) in tabs.iter_mut().zip(["own", "enterprise"]) {
        tab.href = href(request, PATH, &[("of", of)]);
        tab.is_current = (of == "enterprise") == asked.is_enterprise;
    }
    if !visit.role.may(Function::EnterpriseLog) {
        tabs.clear();
    }
    let (from, to) = (asked.from.to_string(), asked.to.to_string());
    let of = if asked.is_enterprise { "enterprise" } else { "own" };
    let at = |path: &str, offset: u64| {
        let offset = offset.to_string();
        let range = [("of", of), ("from", &from), ("to", &to)];
        let more = [("way", &*asked.way), ("outcome", &*asked.outcome), ("offset", &*offset)];
        href(request, path, &[&range[..], &more[..]].concat())
    };
    let is_full = u64::try_from(rows.len()).unwrap_or_default() == A_PAGE;
    let shown = LogPage {
        tabs,
        is_enterprise: asked.is_enterprise,
        csv: at("/account/log.csv", asked.offset),
        previous: (asked.offset > 0).then(|| at(PATH, asked.offset.saturating_sub(A_PAGE))),
        next: is_full.then(|| at(PATH, asked.offset + A_PAGE)),
        rows,
        ways: options(request, &WAYS, &asked.way, way_title),
        outcomes: options(request, &OUTCOMES, &asked.outcome, |request, outcome| {
            request.text(&format!("log-{outcome}"))
        }),
        from,
        to,
        notice: asked.wrong.as_ref().map(|refusal| request.notice(refusal)),
    };
    visit.page(asked.wrong.as_ref(), &shown).await
}

/// The same as a table for other programs; a cell never begins a formula.
pub async fn csv(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::LoginLog).await?;
    let asked = match asked(&visit) {
        Ok(asked) => asked,
        Err(refusal) => return visit.refused(&refusal),
    };
    if let Some(refusal) = &asked.wrong {
        return visit.refused(refusal);
    }
    let text = |key: &str| visit.request.text(key);
    let heads = ["log-at", "log-person", "log-way", "log-entrance", "log-enterprise-name"];
    let heads = heads.into_iter().chain(["log-identity", "log-address", "log-device"]);
    let heads = heads.chain(["log-outcome"]);
    let mut table = String::from("\u{feff}");
    table += &line(&heads.map(text).collect::<Vec<_>>());
    let mut asked = Asked { offset: 0, ..asked };
    loop {
        let rows = rows(&visit, &asked).await?;
        let is_last = u64::try_from(rows.len()).unwrap_or_default() < A_PAGE;
        for row in rows {
            let LogRow { at, person, way, entrance, enterprise, identity, .. } = row;
            let LogRow { address, device, outcome, .. } = row;
            let who = [at, person, way, entrance, enterprise, identity];
            table += &line(&[&who[..], &[address, device, outcome]].concat());
        }
        asked.offset += A_PAGE;
        if is_last || asked.offset >= MOST_EXPORTED {
            break;
        }
    }
    let mut response = no_store(table.into_response());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    // What it is and of which days, also for who keeps several (RFC 6266 §4.3).
    let days = format!("{}-{}", asked.from, asked.to);
    let title: String =
        form_urlencoded::byte_serialize(visit.request.text("menu-log").as_bytes()).collect();
    let title = title.replace('+', "%20");
    let name = format!(
        "attachment; filename=\"sign-ins-{days}.csv\"; filename*=UTF-8''{title}-{days}.csv"
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn line(cells: &[String]) -> String {
    let cell = |text: &String| {
        let text = text.trim_start_matches(['=', '+', '-', '@', '\t']);
        format!("\"{}\"", text.replace('"', "\"\""))
    };
    format!("{}\r\n", cells.iter().map(cell).collect::<Vec<_>>().join(","))
}
