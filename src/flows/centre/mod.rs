//! What account centres show and what is done in them by nobody but their visitor: fields and the eye,
//! the sign-in log, messages, agencies. Who may enter is asked by `web::account::visit`; relations are
//! changed in `flows::relations`.

pub mod agencies;
pub mod cancel;
pub mod consents;
pub mod contact;
pub mod copy;
pub mod documents;
pub mod events;
pub mod fields;
pub mod known;
pub mod log;
pub mod messages;
pub mod own;
mod own_work;
pub mod password;
pub mod phones;
mod sent;
pub mod sessions;
