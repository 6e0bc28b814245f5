//! 【日志管理】: one's own sign-ins, and for managers those of every handler (AC-58, PC-27, DEC-11).

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

use super::show::{href, tabs};
use super::visit::Visit;
use crate::base::clock::Day;
use crate::domain::acting::ActingIdentity;
use crate::domain::function::Function;
use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::store::records::{LogQuery, LoginLogEntry, Whose};
use crate::views::account::{LogPage, LogRow};
use crate::web::answer::{Answer, Failure, no_store};
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
    offset: u64,
}

fn asked(visit: &Visit) -> Result<Asked, Refusal> {
    let params = visit.request.query().unwrap_or_default();
    let today = visit.request.ctx.now().day();
    let day = |name: &str, or: Day| params.get(name).and_then(Day::parse).unwrap_or(or);
    let is_enterprise = params.get("of") == Some("enterprise");
    let whose = match (is_enterprise, &visit.identity) {
        (false, _) => Whose::Person(visit.session.person),
        (true, ActingIdentity::Enterprise(one)) if visit.role.may(Function::EnterpriseLog) => {
            Whose::Enterprise(one.enterprise.id)
        }
        (true, _) => return Err(Refusal::Role),
    };
    Ok(Asked {
        whose,
        is_enterprise,
        from: day("from", today.month_before()),
        to: day("to", today),
        offset: params.get("offset").and_then(|text| text.parse().ok()).unwrap_or_default(),
    })
}

async fn rows(visit: &Visit, asked: &Asked) -> Result<Vec<LogRow>, Failure> {
    let store = visit.request.ctx.services.store.rows();
    let query = LogQuery {
        whose: asked.whose,
        since: asked.from.start(),
        until: Some(asked.to.end()),
        offset: asked.offset,
    };
    let mut rows = Vec::new();
    for entry in store.records().log(&query).await? {
        let person = match (asked.is_enterprise, entry.person) {
            (true, Some(id)) => store.people().find(id).await?,
            _ => None,
        };
        let name = person.map(|person| mask::name(&person.name)).unwrap_or_default();
        rows.push(row(&visit.request, &entry, name));
    }
    Ok(rows)
}

fn row(request: &Request, entry: &LoginLogEntry, person: String) -> LogRow {
    let realm = &request.ctx.realm;
    let entrance = realm.entrance(&entry.entrance);
    let entrance = entrance.map(|known| known.title.in_language(request.language()).to_owned());
    let identity = entry.identity_type.clone().map(|name| {
        let known = crate::domain::identity_type::IdentityTypeName(name);
        crate::web::page::view::type_name(request, &known)
    });
    let address = entry.ip.parse().map(mask::address_of_host);
    LogRow {
        at: entry.at.for_people(),
        person,
        way: request.text(&format!("log-way-{}", entry.way.replace('_', "-"))),
        entrance: entrance.unwrap_or_default(),
        identity: identity.unwrap_or_default(),
        address: address.unwrap_or_default(),
        device: entry.device.clone(),
        is_ok: entry.outcome == "ok",
        outcome: match entry.outcome.as_str() {
            "ok" => request.text("log-ok"),
            code => code.to_owned(),
        },
    }
}

pub async fn get(request: Request) -> Answer {
    let visit = match Visit::enter(request, Function::LoginLog).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let asked = match asked(&visit) {
        Ok(asked) => asked,
        Err(refusal) => return visit.refused(&refusal),
    };
    let rows = rows(&visit, &asked).await?;
    let request = &visit.request;
    let mut shown = tabs(request, &[("log-own", PATH), ("log-enterprise", PATH)], "");
    for (tab, of) in shown.iter_mut().zip(["own", "enterprise"]) {
        tab.href = href(request, PATH, &[("of", of)]);
        tab.is_current = (of == "enterprise") == asked.is_enterprise;
    }
    if !visit.role.may(Function::EnterpriseLog) {
        shown.clear();
    }
    let (from, to) = (asked.from.to_string(), asked.to.to_string());
    let of = if asked.is_enterprise { "enterprise" } else { "own" };
    let at = |path: &str, offset: u64| {
        let offset = offset.to_string();
        href(request, path, &[("of", of), ("from", &from), ("to", &to), ("offset", &offset)])
    };
    let is_full = u64::try_from(rows.len()).unwrap_or_default() == A_PAGE;
    let page = LogPage {
        tabs: shown,
        is_enterprise: asked.is_enterprise,
        csv: at("/account/log.csv", asked.offset),
        previous: (asked.offset > 0).then(|| at(PATH, asked.offset.saturating_sub(A_PAGE))),
        next: is_full.then(|| at(PATH, asked.offset + A_PAGE)),
        rows,
        from,
        to,
        notice: None,
    };
    visit.page(None, &page).await
}

/// The same as a table for other programs; a cell never begins a formula.
pub async fn csv(request: Request) -> Answer {
    let visit = match Visit::enter(request, Function::LoginLog).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let asked = match asked(&visit) {
        Ok(asked) => asked,
        Err(refusal) => return visit.refused(&refusal),
    };
    let text = |key: &str| visit.request.text(key);
    let heads = ["log-at", "log-person", "log-way", "log-entrance", "log-identity"];
    let heads = heads.into_iter().chain(["log-address", "log-device", "log-outcome"]);
    let mut table = String::from("\u{feff}");
    table += &line(&heads.map(text).collect::<Vec<_>>());
    let mut asked = Asked { offset: 0, ..asked };
    loop {
        let rows = rows(&visit, &asked).await?;
        let is_last = u64::try_from(rows.len()).unwrap_or_default() < A_PAGE;
        for row in rows {
            let LogRow { at, person, way, entrance, identity, address, device, outcome, .. } = row;
            table += &line(&[at, person, way, entrance, identity, address, device, outcome]);
        }
        asked.offset += A_PAGE;
        if is_last || asked.offset >= MOST_EXPORTED {
            break;
        }
    }
    let mut response = no_store(table.into_response());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"sign-ins.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

fn line(cells: &[String]) -> String {
    let cell = |text: &String| {
        let text = text.trim_start_matches(['=', '+', '-', '@', '\t']);
        format!("\"{}\"", text.replace('"', "\"\""))
    };
    format!("{}\r\n", cells.iter().map(cell).collect::<Vec<_>>().join(","))
}
