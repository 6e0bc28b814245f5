//! A realm's folder, read before it is served.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::result::{CliResult, Failure, remark};
use crate::cli::start::realm_of_data;
use crate::config::variable;
use crate::realm::Realm;
use crate::realm::check::{Surroundings, load, load_version};
use crate::realm::complaint::Complaint;
use crate::realm::files::Files;

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
            tell(&complaints);
            Err(format!("{} mistakes", complaints.len()).into())
        }
    }
}

/// Whether a realm could be served of these files, which are not a folder yet.
pub fn check_mixed(realm: &str, files: &Files) -> CliResult {
    let surroundings = Surroundings { is_demo: false, replace: Vec::new(), environment: &variable };
    let Err(complaints) = load_version(realm, files, &surroundings) else { return Ok(()) };
    tell(&complaints);
    let n = complaints.len();
    Err(format!("{n} mistakes beside the files that would stay there; --prune removes those")
        .into())
}

fn tell(complaints: &[Complaint]) {
    for complaint in complaints {
        remark(format_args!("{complaint}\n"));
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
