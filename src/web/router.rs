//! Every route, grouped by audience.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tower::util::MapResponseLayer;

use crate::oidc::discovery::path;
use crate::web::app::App;
use crate::web::ops::{by_get_alone, not_by_head};
use crate::web::{
    account, admin_api, app_api, certificate, console, events_api, headers, layers, oauth, ops,
    page, self_help,
};

/// The realms' faces: applications and people.
pub fn router(app: App) -> Router {
    router_within(app, layers::TIME_OUT)
}

/// `time_out`: how long a client waits for its answer.
pub fn router_within(app: App, time_out: Duration) -> Router {
    let realm = Router::new()
        .route(
            path::AUTHORIZE,
            get(oauth::authorize::get).post(oauth::authorize::post).head(not_by_head),
        )
        .route(path::END_SESSION, get(page::logout::get).post(page::logout::post).head(not_by_head))
        .route("/login", get(page::login::start).head(by_get_alone))
        .route(
            "/login/credentials",
            get(page::login::get).post(page::login::post).head(not_by_head),
        )
        .route(
            "/login/second_factor",
            get(page::second_factor::get).post(page::second_factor::post).head(not_by_head),
        )
        .route("/login/new_password", get(page::settle::get).post(page::settle::post_password))
        .route("/login/agreements", get(page::settle::get).post(page::settle::post_agreements))
        .route(
            "/login/confirm_pending_authorisation",
            get(page::settle::get).post(page::settle::post_pending),
        )
        .route("/login/choose_identity", get(page::settle::get).post(page::settle::post_choice))
        .route("/choose", get(page::interaction::get_choose).post(page::interaction::post_choose))
        .route(
            "/consent",
            get(page::interaction::get_consent).post(page::interaction::post_consent),
        )
        .route("/raise", get(page::interaction::get_raise).post(page::interaction::post_raise))
        .route("/leave", get(page::interaction::get_leave).post(page::interaction::post_leave))
        .route("/login/choose_client_enterprise", get(page::clients::get).post(page::clients::post))
        .route("/login/choose_record", get(page::records::get).post(page::records::post))
        .route("/login/scan", post(page::scan::post))
        .route("/login/scan/state", get(page::scan::state))
        .route("/login/scan/events", get(page::scan::events))
        .route("/q/{id}", get(page::phone::get).post(page::phone::post))
        .route("/q/{id}/face", get(page::phone::face).post(page::phone::post_face))
        .route("/q/{id}/state", get(page::phone::state))
        .route("/q/{id}/events", get(page::phone::events))
        .route("/login/passkey", post(page::login::post_passkey))
        .route("/app/scan", post(app_api::scan))
        .route("/app/codes/{code}/{act}", post(app_api::act))
        .route("/app/card", post(app_api::card::begin))
        .route("/app/card/{order}", post(app_api::card::finish))
        .route("/admin/import", post(admin_api::import_lines))
        .route(
            "/admin/history",
            get(admin_api::history::get).post(admin_api::history::post).head(not_by_head),
        )
        .merge(account::routes())
        .merge(certificate::routes())
        .merge(self_help::routes())
        .merge(self_help::register::routes())
        .merge(event_streams())
        .route("/signed-in", get(account::home::signed_in))
        .route("/", get(page::reading::to_sign_in))
        .route("/language", get(page::login::language))
        .route("/look", get(page::reading::look))
        .route("/accessibility", get(page::reading::accessibility))
        .route("/assets/{name}", get(ops::asset));
    let limited = |router, time_out| layers::limited(router, time_out, app.clone());
    let pages = Router::new()
        .route("/", get(page::reading::root))
        .route("/realms/{realm}/", get(page::reading::to_sign_in))
        .nest("/realms/{realm}", realm)
        .fallback(ops::not_found);
    let scripts = Router::new().nest("/realms/{realm}", for_scripts());
    // A page must be able to read also that it is to come again later.
    let scripts = limited(scripts, layers::time_out_of_scripts(time_out));
    let all = limited(pages, time_out).merge(scripts.layer(headers::cross_origin(&app)));
    let stopping = app.stopping().clone();
    layers::around(all, app.clone())
        .merge(documents().layer(MapResponseLayer::new(headers::of_document)))
        .layer(MapResponseLayer::new(move |response| stopping.applied_to(response)))
        .with_state(app)
}

/// Shared Signals: an application's own stream (`docs/applications.md`).
fn event_streams() -> Router<App> {
    Router::new()
        .route(
            "/ssf/stream",
            get(events_api::read)
                .post(events_api::create)
                .put(events_api::replace)
                .patch(events_api::update)
                .delete(events_api::remove),
        )
        .route("/ssf/status", get(events_api::status).post(events_api::set_status))
        .route("/ssf/verify", post(events_api::verify))
        .route("/ssf/poll", post(events_api::poll))
}

/// [`headers::BY_SCRIPT`].
fn for_scripts() -> Router<App> {
    Router::new()
        .route(path::TOKEN, post(oauth::token::post))
        .route(
            path::USERINFO,
            get(oauth::resource::userinfo).post(oauth::resource::userinfo).head(not_by_head),
        )
        .route(path::INTROSPECT, post(oauth::resource::introspect))
        .route(path::REVOKE, post(oauth::resource::revoke))
}

/// What every relying party fetches again and again: bytes made once, answered before anything
/// that the other routes need is looked at, for pages of whichever origin.
fn documents() -> Router<App> {
    Router::new()
        .route("/realms/{realm}/.well-known/openid-configuration", get(oauth::discovery::document))
        // RFC 8414 §3 has it before the issuer's path; some libraries look behind it.
        .route(
            "/.well-known/oauth-authorization-server/realms/{realm}",
            get(oauth::discovery::document),
        )
        .route(
            "/realms/{realm}/.well-known/oauth-authorization-server",
            get(oauth::discovery::document),
        )
        .route(&format!("/realms/{{realm}}{}", path::JWKS), get(oauth::discovery::jwks))
        .route(&format!("/realms/{{realm}}{}", path::JWKS_SM2), get(oauth::discovery::jwks_sm2))
        .route("/realms/{realm}/.well-known/ssf-configuration", get(events_api::configuration))
        .route("/.well-known/ssf-configuration/realms/{realm}", get(events_api::configuration))
}

/// The officers' listener: nothing of it is served to taxpayers, and nothing of theirs here. Who is inside
/// there is in no officer's way.
pub fn console_within(app: &App, time_out: Duration) -> Router {
    let app = app.at_console();
    let pages = Router::new()
        .route("/", get(console::entrance::root))
        .nest("/realms/{realm}", console::routes())
        .fallback(ops::not_found);
    let stopping = app.stopping().clone();
    layers::around(layers::limited(pages, time_out, app.clone()), app.clone())
        .layer(MapResponseLayer::new(move |response| stopping.applied_to(response)))
        .with_state(app)
}

/// The second listener, for machines of the bureau alone. `render`: the counters as Prometheus
/// reads them.
pub fn operations(app: App, render: impl Fn() -> String + Clone + Send + Sync + 'static) -> Router {
    Router::new()
        .route("/metrics", get(move || std::future::ready(render())))
        .route("/health/live", get(ops::live))
        .route("/health/ready", get(ops::ready))
        .with_state(app)
}
