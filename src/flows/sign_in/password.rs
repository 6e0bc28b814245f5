//! A person's password in place of the one before: what a new one must be (DEC-1), and what the change
//! ends. Who may change it is decided by whoever asks: the initial one's and a taken one's successor in
//! `steps`, a forgotten one in `self_help`, a known one in the account centre.

use crate::base::id::{AccountId, SessionId};
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Removable;
use crate::domain::notice::NoticeKind;
use crate::domain::number::document::initial_password;
use crate::domain::password::PasswordFault;
use crate::domain::person::{Account, PasswordState};
use crate::domain::refusal::Refusal;
use crate::flows::notify::cause::Cause;
use crate::flows::notify::person::tell_person;
use crate::flows::notify::tell::end_session;
use crate::flows::sign_in::factor::change::remove_all;
use crate::flows::sign_in::throttle;
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::Tx;

/// A password that the rules take for one account, hashed.
pub struct NewPassword {
    account: AccountId,
    hash: String,
}

impl NewPassword {
    /// `E_PASSWORD_POLICY` with the rule that it breaks. Takes a hashing lane's time: before the
    /// transaction that saves it begins, which may hold up everybody.
    pub async fn check(
        ctx: &Ctx,
        account: &Account,
        new: &Secret,
        repeated: &Secret,
    ) -> Result<Self, Stop> {
        if new.expose() != repeated.expose() {
            return Err(Refusal::PasswordPolicy(PasswordFault::NotEqual).into());
        }
        let personal = personal(ctx, account).await?;
        if let Err(fault) = ctx.realm.password.check(new, &personal) {
            return Err(Refusal::PasswordPolicy(fault).into());
        }
        let hashing = &ctx.services.hashing;
        if let PasswordState::Set(old) = &account.password
            && hashing.verify(new, old).await?.ok_or(Refusal::Busy)?
        {
            return Err(Refusal::PasswordPolicy(PasswordFault::Unchanged).into());
        }
        let hash = hashing.hash(new, ctx.random()).await?.ok_or(Refusal::Busy)?;
        Ok(Self { account: account.id, hash })
    }

    /// One that was checked, and kept as [`Self::hash`] since.
    pub fn kept(account: AccountId, hash: String) -> Self {
        Self { account, hash }
    }

    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// What a password must not hold: username, phones, the last six of the documents, which is the initial
/// password, too.
async fn personal(ctx: &Ctx, account: &Account) -> Result<Vec<String>, Fault> {
    let rows = ctx.rows();
    let documents = rows.people().documents(account.person).await?;
    let phones = rows.accounts().phones(account.id).await?;
    let initial = documents.iter().map(|document| initial_password(&document.number).to_owned());
    let phones = phones.iter().map(|binding| binding.phone.national().to_owned());
    let username = account.username.iter().map(|name| name.as_str().to_owned());
    Ok(initial.chain(phones).chain(username).collect())
}

/// Saves it. `account`: as it was when the password was checked; `E_STATE` where another change was
/// faster. Every session but `keep` ends with its tokens, and applications hear of it; no browser is
/// remembered any more, and no phone awaited; the locks on the person's names end (F-06, E-09); the person is told.
pub async fn change(
    ctx: &Ctx,
    tx: &Tx<'_>,
    account: &Account,
    new: &NewPassword,
    keep: Option<SessionId>,
) -> Result<(), Stop> {
    let rows = tx.rows();
    let is_saved = new.account == account.id
        && rows.accounts().set_password(account.id, &account.password, &new.hash).await?;
    if !is_saved {
        return Err(Refusal::State.into());
    }
    for session in rows.sessions().unended_of(account.id).await? {
        if Some(session) != keep {
            end_session(ctx, tx, session, Cause::PasswordChanged).await?;
        }
    }
    remove_all(tx, account.id, Removable::Browsers, ctx.now()).await?;
    // Whoever asked for it knew the password before.
    people::drop_awaited_phone(tx, account.id).await?;
    throttle::end_locks(ctx, rows.reading(), account).await?;
    tell_person(ctx, tx, account.person, NoticeKind::PasswordChanged, None).await?;
    tx.note(AuditEvent::PasswordSet { account: account.id, person: account.person });
    Ok(())
}
