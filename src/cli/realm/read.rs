//! A realm's folder, read before it is served.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::result::{Failure, remark};
use crate::cli::start::realm_of_data;
use crate::config::variable;
use crate::realm::Realm;
use crate::realm::check::{Surroundings, load};

pub fn read(folder: &Path, is_demo: bool) -> Result<Realm, Failure> {
    let surroundings = Surroundings { is_demo, replace: Vec::new(), environment: &variable };
    match load(&named(folder), &surroundings) {
        Ok(realm) => {
            for one in &realm.remarks {
                remark(format_args!("Remark: {one}\n"));
            }
            Ok(realm)
        }
        Err(complaints) => {
            for complaint in &complaints {
                remark(format_args!("{complaint}\n"));
            }
            Err(format!("{} mistakes", complaints.len()).into())
        }
    }
}

/// For work without a secret of it.
pub fn read_of_data(folder: &Path) -> Result<Arc<Realm>, Failure> {
    realm_of_data(&named(folder))
}

/// `.` and `..` have a name, too; a link is named as it is, like where it is served.
fn named(folder: &Path) -> PathBuf {
    match folder.file_name() {
        Some(_) => folder.to_owned(),
        None => folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
    }
}
