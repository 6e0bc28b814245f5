//! Where the pages of 【个人信息管理】 are, for each of them and the menu.

pub const PERSON: &str = "/account/person";
pub const PASSWORD: &str = "/account/password";
pub const PHONES: &str = "/account/phones";
pub const MAINTAIN: &str = "/account/maintain";
pub const NON_RESIDENT: &str = "/account/non-resident";
/// Where files are sent to.
pub const NON_RESIDENT_FILE: &str = "/account/non-resident/file";
pub const CANCEL: &str = "/account/cancel";

/// In the guide's order.
pub const PERSONAL: [&str; 5] = [PERSON, PASSWORD, PHONES, MAINTAIN, CANCEL];
