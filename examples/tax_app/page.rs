//! What the application shows: each claim with what to do with it, what an API answered, and a way on from
//! whatever went wrong.

use axum::response::Html;
use serde_json::Value;

use super::{Settings, SignedIn};

const STYLE: &str = "body{font:17px/1.7 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',system-ui,sans-serif;\
    margin:0;color:#1c2430;background:#f4f2ee}main,header div{max-width:60rem;margin:0 auto;padding:0 1rem}\
    header{background:#0b4f8a;color:#fff;padding:.9rem 0}h1{font-size:1.35rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}\
    section{background:#fff;border:1px solid #d8d4cb;border-radius:14px;padding:1rem 1.5rem 1.5rem;margin:1.5rem 0;overflow-wrap:anywhere}\
    table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.5rem .75rem .5rem 0;border-bottom:1px solid #e6e2da}\
    th{white-space:nowrap;font-weight:600}td+td{color:#566072;font-size:.9rem}code,pre{font:14px/1.6 ui-monospace,monospace}\
    pre{background:#f4f2ee;border-radius:8px;padding:1rem;white-space:pre-wrap}\
    .row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center;margin-top:1rem}.row form{margin:0}\
    a.button,button{display:inline-flex;align-items:center;min-height:44px;padding:0 1.1rem;border-radius:10px;border:1px solid #0b4f8a;\
    background:#fff;color:#0b4f8a;font:inherit;font-weight:600;text-decoration:none;cursor:pointer}.main{background:#0b4f8a!important;color:#fff!important}\
    .good{border-left:5px solid #1a6b3c}.bad{border-left:5px solid #9a1f1b}a{color:#0b4f8a}footer{color:#566072;font-size:.9rem;padding:1rem 0 2rem}\
    @media(max-width:44rem){tr,th,td{display:block;border:0;padding:0}tr{border-bottom:1px solid #e6e2da;padding:.5rem 0}}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn whole(title: &str, body: &str) -> Html<String> {
    let title = escape(title);
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><header><div><h1>{title}</h1></div></header><main>{body}</main></body></html>"
    ))
}

/// The application's own page. `done`: what a refresh came to.
pub(super) fn home(
    settings: &Settings,
    signed_in: Option<&SignedIn>,
    done: Option<&str>,
) -> Html<String> {
    let done = match done {
        Some("refreshed") => {
            "<section class=\"good\" id=\"done\" role=\"status\">令牌已刷新：旧的刷新令牌不能再用。 · Refreshed: the former refresh token is used up.</section>"
        }
        Some("ended") => {
            "<section class=\"bad\" id=\"done\" role=\"status\">刷新被拒绝：身份或登录已经结束，本应用的会话随之结束。请重新登录。 · Refused: the identity or sign-in has ended, and so has the session here. Sign in again.</section>"
        }
        _ => "",
    };
    let shown = signed_in.map_or_else(nobody, |signed_in| somebody(settings, signed_in));
    let link = |(words, to): &(String, String)| {
        format!("<a href=\"{}\">{}</a>", escape(to), escape(words))
    };
    let links: Vec<String> = settings.links.iter().map(link).collect();
    let body = format!(
        "{done}{shown}<footer>{}<br>源代码 · Source: <code>examples/tax_app</code> \
         (<code>sign_in.rs</code>: <code>sign_in</code>, <code>callback</code>; <code>session.rs</code>: <code>refresh</code>; \
         <code>sign_out.rs</code>: <code>backchannel_logout</code>); \
         文档 · Documentation: <code>docs/applications.md</code></footer>",
        links.join(" · ")
    );
    whole(&settings.title, &body)
}

fn nobody() -> String {
    "<section><h2>尚未登录 · Not signed in</h2><p>登录由统一身份登录完成，本应用看不到密码。 · \
     The bureau's sign-on does it; this application never sees a password.</p>\
     <div class=\"row\"><a class=\"button main\" id=\"sign-in\" href=\"/sign-in\">登录 · Sign in</a></div></section>"
        .to_owned()
}

/// (claim, id of its cell, value, what to do with it)
type Row<'a> = (&'a str, &'a str, String, &'a str);

/// The identity that somebody works in.
fn identity_rows(signed_in: &SignedIn) -> [Row<'_>; 6] {
    let claims = &signed_in.claims;
    let identity = &claims.tax_identity;
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let permissions: Vec<&str> = claims.permissions.iter().map(String::as_str).collect();
    [
        (
            "企业 · enterprise.name",
            "enterprise",
            text(&identity["enterprise"]["name"]),
            "显示给用户看，不要用作键 · To show; no key",
        ),
        (
            "税号 · enterprise.tin",
            "number",
            text(&identity["enterprise"]["tin"]),
            "业务数据按它归属 · Whose data it is",
        ),
        (
            "身份 · roles",
            "roles",
            claims.roles.join(", "),
            "决定显示哪些功能 · Which functions to show",
        ),
        (
            "权限 · permissions",
            "permissions",
            permissions.join(", "),
            "每次操作前检查 · Check before each act",
        ),
        (
            "授权 · authorisation_id",
            "authorisation",
            text(&identity["authorisation_id"]),
            "写入业务日志，可追溯到授权 · Write it into your records",
        ),
        (
            "有效期止 · valid_to",
            "valid-to",
            text(&identity["valid_to"]),
            "空为长期；到期由登录系统结束会话 · Absent: long-term",
        ),
    ]
}

/// The person, and how they were proved.
fn session_rows(signed_in: &SignedIn) -> [Row<'_>; 6] {
    let claims = &signed_in.claims;
    [
        (
            "用户 · sub",
            "sub",
            signed_in.subject.clone(),
            "本应用内稳定的用户编号，用作键 · Your key for this person",
        ),
        (
            "会话 · sid",
            "sid",
            claims.sid.clone(),
            "后台退出通知按它结束本地会话 · Ends your session by back-channel logout",
        ),
        (
            "等级 · acr",
            "acr",
            signed_in.acr.clone(),
            "敏感操作要求更高等级（acr_values） · Ask for more where it matters",
        ),
        (
            "方式 · amr",
            "amr",
            signed_in.amr.clone(),
            "用了哪些验证方式，仅供记录 · By what it was proved; for your records",
        ),
        (
            "认证时间 · auth_time",
            "auth-time",
            signed_in.auth_time.to_string(),
            "太久时用 max_age 要求重新验证 · Too long ago: ask with max_age",
        ),
        (
            "刷新 · refresh_token",
            "has-refresh",
            if signed_in.refresh_token.is_some() { "✓".to_owned() } else { "–".to_owned() },
            "只保存在服务器上，每次刷新都会更换 · Kept on the server alone, new each time",
        ),
    ]
}

fn somebody(settings: &Settings, signed_in: &SignedIn) -> String {
    let row = |(claim, id, value, meaning): &Row<'_>| {
        format!(
            "<tr><th scope=\"row\">{claim}</th><td id=\"{id}\">{}</td><td>{meaning}</td></tr>",
            escape(value)
        )
    };
    let rows = identity_rows(signed_in).into_iter().chain(session_rows(signed_in));
    let table: String = rows.map(|one| row(&one)).collect();
    let invoices = match settings.invoices {
        Some(_) => {
            "<a class=\"button\" id=\"invoices\" href=\"/invoices\">发票接口 · Invoice API</a>"
        }
        None => "",
    };
    format!(
        "<section><h2>已登录 · Signed in</h2><table><tbody>{table}</tbody></table><div class=\"row\">\
         <form method=\"post\" action=\"/refresh\"><button id=\"refresh\">刷新令牌 · Refresh</button></form>\
         <a class=\"button\" href=\"/api\">用户信息接口 · Userinfo</a>{invoices}\
         <a class=\"button\" href=\"/sign-in?prompt=select_account\">切换身份 · Switch identity</a>\
         <a class=\"button\" id=\"step-up\" href=\"/sign-in?acr=urn:hufu:realname:3\">提升验证等级 · Prove more</a>\
         <form method=\"post\" action=\"/sign-out\"><button id=\"sign-out\">退出 · Sign out</button></form></div></section>"
    )
}

/// What an API said, to be read.
pub(super) fn answer(asked: &str, status: u16, body: &str) -> Html<String> {
    let pretty = serde_json::from_str::<Value>(body).ok();
    let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let pretty = pretty.unwrap_or_else(|| body.to_owned());
    let body = format!(
        "<section class=\"{}\"><h2>{} · {status}</h2><pre id=\"answer\">{}</pre>\
         <div class=\"row\"><a class=\"button\" href=\"/\">返回 · Back</a></div></section>",
        if status < 400 { "good" } else { "bad" },
        escape(asked),
        escape(&pretty)
    );
    whole("接口调用结果 · API answer", &body)
}

/// What went wrong, and how to go on.
pub(super) fn refused(why: &str) -> Html<String> {
    let body = format!(
        "<section class=\"bad\"><h2>没有完成 · Not done</h2><p>登录系统或本应用拒绝了这次请求，原因如下。可以重新登录，或返回首页。 · \
         The sign-on or this application refused, for this reason. Sign in again, or go back.</p><pre id=\"why\">{}</pre>\
         <div class=\"row\"><a class=\"button main\" href=\"/sign-in\">重新登录 · Sign in again</a>\
         <a class=\"button\" href=\"/\">返回首页 · Home</a></div></section>",
        escape(why)
    );
    whole("没有完成 · Not done", &body)
}
