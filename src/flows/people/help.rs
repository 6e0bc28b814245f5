//! What the bureau does to an account, each with who and why; `flows::help` decides what goes with it.

use crate::base::id::{AccountId, PersonId};
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;
use crate::domain::person::Account;
use crate::flows::Fault;
use crate::store::Tx;

/// Of somebody (`None`: nobody was found) and, where it was about one, their account.
pub fn note_help(
    tx: &Tx<'_>,
    helper: &Helper,
    act: &str,
    person: Option<PersonId>,
    account: Option<AccountId>,
) {
    tx.note(AuditEvent::HelpGiven {
        person,
        account,
        act: act.to_owned(),
        by: helper.name().to_owned(),
        reason: helper.reason().to_owned(),
    });
}

fn note(tx: &Tx<'_>, helper: &Helper, act: &str, account: &Account) {
    note_help(tx, helper, act, Some(account.person), Some(account.id));
}

/// Nobody signs in to it until it is unlocked; `false`: it was so, or it is cancelled.
pub async fn lock_account(tx: &Tx<'_>, helper: &Helper, account: &Account) -> Result<bool, Fault> {
    let is_new = tx.rows().accounts().lock_account(account.id, tx.now()).await?;
    if is_new {
        note(tx, helper, "lock", account);
    }
    Ok(is_new)
}

/// The bureau's lock ends, and so do those that guesses have begun; `false`: it is cancelled.
pub async fn unlock_account(
    tx: &Tx<'_>,
    helper: &Helper,
    account: &Account,
) -> Result<bool, Fault> {
    let is_open = tx.rows().accounts().unlock_account(account.id, tx.now()).await?;
    if is_open {
        note(tx, helper, "unlock", account);
    }
    Ok(is_open)
}

/// The next sign-in goes on to a new one; `false`: so it does already, or it is cancelled.
pub async fn expire_password(
    tx: &Tx<'_>,
    helper: &Helper,
    account: &Account,
) -> Result<bool, Fault> {
    let is_new = tx.rows().accounts().expire_password(account.id, tx.now()).await?;
    if is_new {
        note(tx, helper, "expire-password", account);
    }
    Ok(is_new)
}
