//! The demo's desk: the test people, the SMS inbox, the clock. Exists in the demo alone, and
//! answers programs as well as people.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::clock::{Clock, Timestamp};
use crate::outbound::asked::FaceState;
use crate::outbound::inbox::Inbox;
use crate::outbound::sandbox::face::Sandbox;
use crate::realm::fixtures::{Fixtures, PersonFixture};

/// What the desk shows and moves.
#[derive(Clone)]
pub struct Desk {
    pub inbox: Inbox,
    pub sandbox: Sandbox,
    pub names: crate::outbound::sandbox::names::Sandbox,
    /// What the demo's subscriber was told, newest last.
    pub relations: Arc<Mutex<Vec<String>>>,
    pub clock: Clock,
    pub people: std::sync::Arc<Vec<(String, Fixtures)>>,
    /// The application whose sign-in the people's links begin.
    pub sign_in: String,
    /// (words, address)
    pub links: std::sync::Arc<Vec<(String, String)>>,
}

pub fn router(desk: Desk) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/api/people", get(people))
        .route("/api/sms", get(sms))
        .route("/api/clock/advance", post(advance))
        .route("/api/face/down", post(face_down))
        .route("/api/real-name/down", post(real_name_down))
        .route("/api/newest-code", get(newest_code))
        .route("/relation-events", get(relations).post(take_relation))
        .route("/face/{handle}", get(face).post(decide_face))
        .route("/downloads/key-agent", get(elsewhere))
        .route("/inspection", get(elsewhere))
        .route("/inspection/account", get(elsewhere))
        .with_state(desk)
}

async fn people(State(desk): State<Desk>) -> Json<Value> {
    let realms = desk.people.iter().map(|(realm, fixtures)| (realm.clone(), json!(fixtures)));
    Json(Value::Object(realms.collect()))
}

async fn sms(State(desk): State<Desk>) -> Json<Value> {
    Json(json!(desk.inbox.messages()))
}

#[derive(Deserialize)]
struct Advance {
    seconds: i64,
}

async fn advance(State(desk): State<Desk>, Query(by): Query<Advance>) -> Redirect {
    desk.clock.advance(by.seconds.clamp(0, 366 * 86_400));
    Redirect::to("/")
}

#[derive(Deserialize)]
struct Down {
    is: bool,
}

/// As if the provider of the face check were away.
async fn face_down(State(desk): State<Desk>, Query(down): Query<Down>) -> Redirect {
    desk.sandbox.set_down(down.is);
    Redirect::to("/")
}

/// As if the authority that knows names were away.
async fn real_name_down(State(desk): State<Desk>, Query(down): Query<Down>) -> Redirect {
    desk.names.set_down(down.is);
    Redirect::to("/")
}

/// The demo's own subscriber of relations.
async fn take_relation(State(desk): State<Desk>, body: String) -> StatusCode {
    let mut told = desk.relations.lock().unwrap_or_else(PoisonError::into_inner);
    told.push(body);
    let excess = told.len().saturating_sub(50);
    told.drain(..excess);
    StatusCode::NO_CONTENT
}

async fn relations(State(desk): State<Desk>) -> Json<Value> {
    Json(json!(*desk.relations.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// For a telephone without a camera.
async fn newest_code(State(desk): State<Desk>) -> String {
    desk.sandbox.newest_code().unwrap_or_default()
}

/// The provider's page on the phone: the tester is the camera.
async fn face(State(desk): State<Desk>, Path(handle): Path<String>) -> Html<String> {
    let name = desk.sandbox.check(&handle).map(|check| check.name).unwrap_or_default();
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>人脸验证（模拟）</title>\
         <style>body{{font:16px/1.6 system-ui,sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem}}\
         button{{display:block;width:100%;min-height:48px;margin:.5rem 0;font:inherit}}</style>\
         <h1>人脸验证（模拟） · Face check (simulated)</h1><p>{}</p><form method=\"post\">\
         <button id=\"face-passed\" name=\"state\" value=\"passed\">是本人 · It is this person</button>\
         <button id=\"face-failed\" name=\"state\" value=\"failed\">是别人 · It is somebody else</button></form>",
        escape(&name)
    ))
}

/// Where the realms' files link to pages of a bureau's portal that the demo does not have.
async fn elsewhere() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>门户页面（演示）</title>\
         <style>body{font:16px/1.6 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}</style>\
         <h1>门户页面（演示） · A page of the portal (demo)</h1>\
         <p>正式使用时，此处是税务局门户上的页面：下载证书驱动与签名助手，或登记跨区域涉税事项。</p>\
         <p lang=\"en\">In production this link leads to the bureau's portal: the driver and the key agent to download, \
         or a cross-region matter to register.</p><p><a href=\"/\">返回演示台 · Back to the desk</a></p>",
    )
}

#[derive(Deserialize)]
struct Decided {
    state: FaceState,
}

async fn decide_face(
    State(desk): State<Desk>,
    Path(handle): Path<String>,
    Form(decided): Form<Decided>,
) -> Redirect {
    let back = desk.sandbox.decide(&handle, decided.state);
    Redirect::to(back.as_deref().unwrap_or("/"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// How a person's words, passwords and enterprises stand on the desk, with the way in.
fn person_row(desk: &Desk, realm: &str, fixtures: &Fixtures, one: &PersonFixture) -> String {
    let held = fixtures.authorisation.iter().filter(|held| held.person == one.document);
    let mut enterprises: Vec<&str> = held.map(|held| held.enterprise.as_str()).collect();
    let engaged = fixtures.engagement.iter();
    let engaged = engaged.filter(|engagement| engagement.staff.contains(&one.document));
    enterprises.extend(engaged.map(|engagement| engagement.agency.as_str()));
    enterprises.dedup();
    let last_six = one.document.get(12..).unwrap_or_default();
    let way_in = |number: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("person", &one.document);
        if !number.is_empty() {
            query.append_pair("enterprise", number);
        }
        let words = if number.is_empty() { "以本人登录 · as themself" } else { number };
        format!("<a href=\"{}/sign-in?{}\">{words}</a>", desk.sign_in, query.finish())
    };
    // The applications of this demo are the first realm's.
    let ways: Vec<String> = match (realm == FIRST, enterprises.is_empty()) {
        (false, _) => enterprises.iter().map(|&number| escape(number)).collect(),
        (true, true) => vec![way_in("")],
        (true, false) => enterprises.iter().map(|&number| way_in(number)).collect(),
    };
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}<br>{}<br>{}</td><td><code>{}</code></td><td>{}</td></tr>",
        escape(&one.name),
        escape(&one.note),
        one.document,
        one.phone.as_deref().unwrap_or("–"),
        one.username.as_deref().unwrap_or("–"),
        one.password.as_deref().unwrap_or(last_six),
        ways.join("<br>"),
    )
}

/// The realm whose applications run here.
const FIRST: &str = "jiangxi";

async fn page(State(desk): State<Desk>) -> Html<String> {
    let link = |(words, to): &(String, String)| format!("<li><a href=\"{to}\">{words}</a></li>");
    let links: String = desk.links.iter().map(link).collect();
    let message = |one: &crate::outbound::inbox::SentMessage| {
        let at = Timestamp(one.at).for_people();
        format!("<tr><td>{}</td><td><strong>{}</strong></td><td>{at}</td></tr>", one.to, one.code)
    };
    let messages: String = desk.inbox.messages().iter().take(10).map(message).collect();
    let mut realms: Vec<&(String, Fixtures)> = desk.people.iter().collect();
    realms.sort_by_key(|(realm, _)| realm != FIRST);
    let people = |(realm, fixtures): &&(String, Fixtures)| {
        let rows = fixtures.person.iter().map(|one| person_row(&desk, realm, fixtures, one));
        format!(
            "<h3>{realm}</h3><div><table><thead><tr><th>姓名</th><th>故事 · Story</th><th>证件 / 手机 / 用户名</th>\
             <th>密码</th><th>登录 · Sign in as</th></tr></thead><tbody>{}</tbody></table></div>",
            rows.collect::<String>()
        )
    };
    let people: String = realms.iter().map(people).collect();
    let collected = desk
        .people
        .iter()
        .flat_map(|(realm, fixtures)| fixtures.hall_record.iter().map(move |one| (realm, one)));
    let hall: String = collected
        .map(|(realm, one)| {
            format!(
                "<tr><td>{realm}</td><td>{}</td><td>{} {}</td><td>{}</td><td>{}</td></tr>",
                escape(&one.name),
                one.document_type,
                one.document,
                one.phone.as_deref().unwrap_or("–"),
                if one.portrait.is_some() { "有人像 · portrait" } else { "–" },
            )
        })
        .collect();
    let provider = |(words, path, is_down): (&str, &str, bool)| {
        let (state, act) = match is_down {
            true => ("不可用 · down", "恢复 · Bring back"),
            false => ("可用 · up", "停用 · Take down"),
        };
        format!(
            "<form method=\"post\" action=\"{path}?is={}\"><p>{words}: {state} \
             <button>{act}</button></p></form>",
            !is_down
        )
    };
    let providers: String = [
        ("人脸比对 · Face check", "/api/face/down", desk.sandbox.is_down()),
        ("姓名核验 · Real names", "/api/real-name/down", desk.names.is_down()),
    ]
    .map(provider)
    .concat();
    let now = desk.clock.now().for_people();
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>演示台 · Hufu desk</title><style>{STYLE}</style><h1>演示台 · Demo desk</h1>\
         <section><h2>应用与入口 · Applications</h2><ul>{links}<li><a href=\"/relation-events\">人企关系推送 · Relation events</a></li></ul></section>\
         <section><h2>短信 · SMS</h2><div><table><thead><tr><th>手机</th><th>验证码</th><th>时间</th></tr></thead><tbody id=\"sms\">{messages}</tbody></table></div></section>\
         <section><h2>人员 · People</h2>{people}</section>\
         <section><h2>办税服务厅采集，可注册 · Collected in the hall, may register</h2><div><table><tbody>{hall}</tbody></table></div></section>\
         <section><h2>外部服务 · Providers</h2>{providers}</section><section><h2>时钟 · Clock</h2><p>{now}</p>\
         <form method=\"post\" action=\"/api/clock/advance?seconds=600\"><button>+10 min</button></form></section><script>{RENEWS}</script>"
    ))
}

const STYLE: &str = "body{font:16px/1.6 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',system-ui,sans-serif;max-width:76rem;margin:1.5rem auto;padding:0 1rem;color:#1c2430;background:#f4f2ee}\
    section{background:#fff;border:1px solid #d8d4cb;border-radius:14px;padding:1rem 1.5rem;margin:1rem 0}h2{margin:.25rem 0 .5rem;font-size:1.2rem}h3{margin:1rem 0 .25rem;font-size:1rem}\
    ul{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;padding:0;list-style:none;margin:0}a{color:#0b4f8a}table{border-collapse:collapse;width:100%}\
    td,th{border-bottom:1px solid #e6e2da;padding:.4rem .75rem .4rem 0;text-align:left;vertical-align:top}div{overflow-x:auto}\
    button{font:inherit;min-height:44px;padding:0 1rem;border-radius:10px;border:1px solid #0b4f8a;background:#fff;color:#0b4f8a}";

/// The box of messages looks for itself whether something has come.
const RENEWS: &str = "setInterval(async()=>{const answer=await fetch('/').catch(()=>null);if(!answer?.ok)return;\
    const page=new DOMParser().parseFromString(await answer.text(),'text/html');\
    document.getElementById('sms').replaceWith(page.getElementById('sms'))},3000)";
