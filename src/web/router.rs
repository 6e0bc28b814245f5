//! Every route, grouped by audience.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

use crate::oidc::discovery::path;
use crate::web::app::App;
use crate::web::{account, admin_api, app_api, events_api, layers, oauth, ops, page};

/// The realms' faces: applications and people.
pub fn router(app: App) -> Router {
    router_within(app, layers::TIME_OUT)
}

/// `time_out`: how long a client waits for its answer.
pub fn router_within(app: App, time_out: Duration) -> Router {
    let realm = Router::new()
        .route(path::AUTHORIZE, get(oauth::authorize::get).post(oauth::authorize::post))
        .route(path::TOKEN, post(oauth::token::post))
        .route(path::USERINFO, get(oauth::resource::userinfo).post(oauth::resource::userinfo))
        .route(path::INTROSPECT, post(oauth::resource::introspect))
        .route(path::REVOKE, post(oauth::resource::revoke))
        .route(path::END_SESSION, get(page::logout::get).post(page::logout::post))
        .route("/login", get(page::login::start))
        .route("/login/credentials", get(page::login::get).post(page::login::post))
        .route(
            "/login/second_factor",
            get(page::second_factor::get).post(page::second_factor::post),
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
        .route("/leave", get(page::interaction::get_leave).post(page::interaction::post_leave))
        .route("/login/choose_client_enterprise", get(page::clients::get).post(page::clients::post))
        .route("/login/choose_record", get(page::records::get).post(page::records::post))
        .route("/login/scan", post(page::scan::post))
        .route("/login/scan/state", get(page::scan::state))
        .route("/login/scan/events", get(page::scan::events))
        .route("/q/{id}", get(page::phone::get).post(page::phone::post))
        .route("/q/{id}/face", get(page::phone::face))
        .route("/login/passkey", post(page::login::post_passkey))
        .route("/app/scan", post(app_api::scan))
        .route("/app/codes/{code}/{act}", post(app_api::act))
        .route("/admin/import", post(admin_api::import_lines))
        .merge(account::routes())
        .route(
            "/ssf/stream",
            get(events_api::read)
                .post(events_api::create)
                .put(events_api::change)
                .patch(events_api::change)
                .delete(events_api::remove),
        )
        .route("/ssf/status", get(events_api::status).post(events_api::set_status))
        .route("/ssf/verify", post(events_api::verify))
        .route("/ssf/poll", post(events_api::poll))
        .route("/signed-in", get(page::login::signed_in))
        .route("/language", get(page::login::language))
        .route("/assets/{name}", get(ops::asset));
    let all = Router::new().nest("/realms/{realm}", realm).fallback(ops::not_found);
    layers::around(all, time_out, app.abandoned().clone()).merge(documents()).with_state(app)
}

/// What every relying party fetches again and again: bytes made once, answered before anything
/// that the other routes need is looked at.
fn documents() -> Router<App> {
    Router::new()
        .route("/realms/{realm}/.well-known/openid-configuration", get(oauth::discovery::document))
        .route(&format!("/realms/{{realm}}{}", path::JWKS), get(oauth::discovery::jwks))
        .route("/realms/{realm}/.well-known/ssf-configuration", get(events_api::configuration))
        .route("/.well-known/ssf-configuration/realms/{realm}", get(events_api::configuration))
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
