//! How a non-resident enterprise gets its identity code (N-05 to N-11): an overseas person who is signed in
//! as themself applies, officers review, and an approval makes enterprise, code and relation at once. The
//! states are `domain::non_resident`'s; whoever calls has seen to who the applicant and the officer are.

mod apply;
mod duplicates;
mod issue;
mod review;

pub use apply::{
    Mine, add_file, mine, remove_file, save, submit, take_part, withdraw, withdraw_open_in,
};
pub use duplicates::{Alike, Likeness};
pub use review::{
    Applicant, Case, Waiting, approve, file, hand_in, look, reject, return_for_correction, waiting,
};

use crate::domain::non_resident::Application;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::store::Tx;

/// Of two changes at once one is `E_STATE`.
async fn keep(tx: &Tx<'_>, next: &Application) -> Result<(), Stop> {
    match tx.rows().non_residents().save(next).await? {
        true => Ok(()),
        false => Err(Refusal::State.into()),
    }
}
