//! HTTP: routes, extractors, handlers. A handler extracts, calls one flow, answers. One folder a
//! face: `page` for people, `oauth` for applications, `desk` for the demo, `ops` beside them.

mod abandoned;
pub mod account;
pub mod admin_api;
pub mod answer;
pub mod app;
pub mod app_api;
mod bare;
pub mod certificate;
pub mod client_ip;
pub mod connection;
pub mod console;
pub mod cookies;
pub mod crowd;
pub mod desk;
mod doing;
pub mod events_api;
mod face;
pub mod form;
pub mod headers;
pub mod layers;
pub mod oauth;
pub mod openapi;
pub mod ops;
pub mod page;
pub mod request;
pub mod router;
pub mod self_help;
pub mod sent_file;
pub mod server;
pub mod stopping;
pub mod stream;
pub mod tls;
pub mod transaction;
