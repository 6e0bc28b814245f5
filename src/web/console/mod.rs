//! The face for officers of the bureau, on a listener of its own: the door, and behind it what each role
//! has to do. Who may is asked at [`on_duty::OnDuty`].

pub mod applications;
pub mod audit;
pub mod enterprises;
pub mod entrance;
pub mod handler;
pub mod home;
pub mod invitation;
pub mod officers;
pub mod on_duty;
pub mod paths;
pub mod people;
pub mod records;
pub mod relations;

use axum::Router;
use axum::routing::get;

use crate::web::app::App;
use crate::web::{ops, page};

/// Every route of the console, below the realm.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/console", get(home::get))
        .route("/console/login", get(entrance::get).post(entrance::post))
        .route("/console/leave", get(home::get).post(entrance::leave))
        .route("/console/invitation", get(invitation::get).post(invitation::post))
        .route("/console/matter", get(home::get_matter).post(home::post_matter))
        .route("/console/officers", get(officers::get).post(officers::post))
        .route("/console/people", get(people::get).post(people::post))
        .route("/console/people/{id}", get(people::get_one).post(people::post_one))
        .route("/console/records", get(records::get).post(records::post))
        .route("/console/records/new", get(records::get_new).post(records::post_new))
        .route("/console/records/{id}", get(records::get_one))
        .route("/console/records/{id}/correct", get(records::get_correct))
        .route("/console/records/{id}/portrait", get(records::get_portrait))
        .route("/console/enterprises", get(enterprises::get).post(enterprises::post))
        .route("/console/enterprises/{id}", get(enterprises::get_one))
        .route(
            "/console/enterprises/{id}/add",
            get(enterprises::get_add).post(enterprises::post_add),
        )
        .route("/console/enterprises/{id}/history", get(enterprises::history))
        .route("/console/relations", get(relations::get).post(relations::post))
        .route("/console/relations/{id}", get(relations::get_one))
        .route("/console/handlers/{id}", get(handler::get).post(handler::post))
        .route("/console/applications", get(applications::get))
        .route(
            "/console/applications/{id}",
            get(applications::get_one).post(applications::post_one),
        )
        .route("/console/applications/{id}/files/{file}", get(applications::get_file))
        .route("/console/audit", get(audit::get).post(audit::post))
        .route("/language", get(page::login::language))
        .route("/look", get(page::reading::look))
        .route("/accessibility", get(page::reading::accessibility))
        .route("/assets/{name}", get(ops::asset))
}
