//! The face for people in their account centres: what an enterprise's managers, handlers and
//! agencies, and what people themselves, see and manage. Who may is asked at [`visit::Visit`].

pub mod agencies;
pub mod authenticator;
pub mod authorisations;
pub mod cancel;
pub mod devices;
pub mod documents;
mod eye;
pub mod handler;
pub mod handlers;
pub mod history;
pub mod home;
pub mod level;
pub mod log;
pub mod maintain;
pub mod messages;
pub mod non_resident;
pub mod passkeys;
pub mod password;
pub mod paths;
pub mod person;
pub mod personal;
pub mod phones;
pub mod second_proof;
pub mod security;
pub mod show;
pub mod switch;
pub mod visit;

use axum::Router;
use axum::routing::{get, post};

use crate::web::app::App;
use crate::web::ops::not_by_head;

/// Every route of the centres, below the realm.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(home::get))
        .route("/account/reveal", post(home::reveal))
        .route("/account/handlers", get(handlers::current))
        .route("/account/handlers/pending", get(handlers::pending))
        .route("/account/handlers/add", get(handlers::get_add).post(handlers::post_add))
        .route(
            "/account/handlers/history",
            get(history::of_enterprise).post(history::clear_enterprise),
        )
        .route("/account/handlers/{id}", get(handler::get).post(handler::post))
        .route("/account/authorisations", get(authorisations::pending).post(authorisations::post))
        .route("/account/authorisations/held", get(authorisations::held))
        .route(
            "/account/authorisations/apply",
            get(authorisations::get_apply).post(authorisations::post_apply),
        )
        .route(
            "/account/authorisations/history",
            get(history::of_person).post(history::clear_person),
        )
        .route("/account/agencies", get(agencies::own))
        .route("/account/clients", get(agencies::clients))
        .route("/account/clients/staff", get(agencies::staff))
        .route("/account/switch", get(switch::get).post(switch::post))
        .route("/account/switch/records", get(switch::records))
        .route("/account/log", get(log::get))
        .route("/account/log.csv", get(log::csv))
        .route("/account/messages", get(messages::get).post(messages::post))
        .route("/account/non-resident", get(non_resident::get).post(non_resident::post))
        .route(
            "/account/non-resident/form",
            get(non_resident::form::get).post(non_resident::form::post),
        )
        .route("/account/non-resident/file", get(non_resident::get).post(non_resident::post_file))
        .route("/account/person", get(person::get).post(person::reveal))
        .route("/account/password", get(password::get).post(password::post))
        .route("/account/phones", get(phones::get).post(phones::post))
        .route("/account/maintain", get(maintain::get).post(maintain::post))
        .route(
            "/account/authenticator",
            get(authenticator::get).post(authenticator::post).head(not_by_head),
        )
        .route("/account/devices", get(devices::get).post(devices::post))
        .route("/account/passkeys", get(passkeys::get).post(passkeys::post).head(not_by_head))
        .route("/account/level", get(level::get).post(level::post))
        .route("/account/documents", get(documents::get))
        .route("/account/documents/add", get(documents::get_add).post(documents::post_add))
        .route("/account/cancel", get(cancel::get).post(cancel::post))
        .route("/account/security", get(security::get).post(security::post))
}
