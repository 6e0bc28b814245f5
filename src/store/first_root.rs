//! What was sealed before there were roots: by the master key itself, which then is root 0. Nothing in the
//! database names that key, so one value that it has sealed is opened before another key may take its place:
//! once root 0 is wrapped for a wrong key, the right one opens nothing any more.

use sea_orm::{ConnectionTrait, Statement};

use super::StoreError;
use super::link::Link;
use crate::base::cipher::{Keeper, Purpose, Ring, Root};
use crate::base::clock::Timestamp;
use crate::base::suite::Suite;

pub(super) const NOT_BEGUN: StoreError = StoreError::Roots("the server has not begun yet");
const BY_A_MASTER_KEY: StoreError = StoreError::Roots(
    "what lies here was sealed by a master key itself, which no program holds: start once with that key, \
     then `hufu secrets rewrap --new-program`",
);

/// A value that was sealed, and its place.
pub(super) struct Sample {
    place: String,
    sealed: Vec<u8>,
}

/// The first that is sealed are a realm's signing keys and its files. `has_files`: the schema keeps files.
pub(super) async fn sample(link: Link<'_>, has_files: bool) -> Result<Option<Sample>, StoreError> {
    let ask = |sql: &str| Statement::from_string(link.get_database_backend(), sql);
    let key = "SELECT kid, private FROM signing_key ORDER BY created_at DESC LIMIT 1";
    if let Some(row) = link.query_one_raw(ask(key)).await? {
        let place = format!("key.{}", row.try_get::<String>("", "kid")?);
        return Ok(Some(Sample { place, sealed: row.try_get("", "private")? }));
    }
    if !has_files {
        return Ok(None);
    }
    let files =
        "SELECT realm, generation, files FROM realm_version WHERE files IS NOT NULL LIMIT 1";
    let Some(row) = link.query_one_raw(ask(files)).await? else { return Ok(None) };
    let (realm, generation): (String, i64) =
        (row.try_get("", "realm")?, row.try_get("", "generation")?);
    let place = format!("realm_version.{realm}.{generation}");
    Ok(Some(Sample { place, sealed: row.try_get("", "files")? }))
}

/// The master key as root 0, refused where it does not open what is there.
pub(super) fn of(keeper: &dyn Keeper, sample: Option<&Sample>) -> Result<Root, StoreError> {
    let missing = if sample.is_some() { BY_A_MASTER_KEY } else { NOT_BEGUN };
    let key = keeper.first_root().ok_or(missing)?;
    let (suite, active_from) = (Suite::International, Timestamp(0));
    let root = || Root { id: 0, suite, key: key.clone(), active_from, is_retired: false };
    if let Some(Sample { place, sealed }) = sample {
        let cipher = Ring::new(vec![root()], active_from)?.cipher(Purpose::Personal);
        let wrong = |_| {
            let right = "the key that it was first served with";
            StoreError::WrongKey(keeper.fingerprint(), right.to_owned())
        };
        cipher.open(place, sealed).map_err(wrong)?;
    }
    Ok(root())
}
