//! The face for people: the sign-in pages.

pub mod clients;
pub mod interaction;
pub mod login;
pub mod logout;
pub mod phone;
pub mod reading;
pub mod records;
pub mod scan;
pub mod scan_view;
pub mod second_factor;
pub mod settle;
pub mod step;
mod turn;
pub mod view;
