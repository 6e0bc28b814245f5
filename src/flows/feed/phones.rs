//! What the registry says of somebody's phone (PC-15). It may say one number of several people; then it
//! is that of whoever used it last, and nobody's while that is not known. A number that a code has
//! reached here is known to be its holder's from that moment.

use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::domain::feed::{PersonLine, Wrong};
use crate::domain::notice::NoticeKind;
use crate::domain::number::phone::Phone;
use crate::domain::person::{Account, PhoneBinding};
use crate::flows::notify::person::tell_person;
use crate::flows::people::{bind_told_phone, contest_phone};
use crate::flows::{Ctx, Fault};
use crate::store::Tx;

/// A number, and when its holder used it last.
pub(super) struct ToldPhone {
    pub(super) phone: Phone,
    used_at: Timestamp,
}

impl ToldPhone {
    pub(super) fn parse(line: &PersonLine, now: Timestamp) -> Result<Option<Self>, Wrong> {
        let used_at = match line.phone_used_at.as_deref().map(Timestamp::parse) {
            None => PhoneBinding::NOBODY_KNOWS,
            Some(Some(at)) if at <= now && at > PhoneBinding::NOBODY_KNOWS => at,
            Some(_) => {
                let reason = "a day or a moment (RFC 3339) that has been is needed";
                return Err(Wrong::field("phone_used_at", reason));
            }
        };
        let Some(text) = &line.phone else { return Ok(None) };
        let phone = Phone::parse(text).map_err(|error| Wrong::field("phone", error))?;
        Ok(Some(Self { phone, used_at }))
    }

    pub(super) fn binding(&self, account: &Account, is_default: bool) -> PhoneBinding {
        PhoneBinding {
            account: account.id,
            phone: self.phone.clone(),
            is_default,
            verified_at: self.used_at,
        }
    }
}

/// Whose a number is to be.
enum Weighed {
    Theirs,
    Anothers,
    /// Nobody knows. Who has it until now, and when each of them used it.
    Nobodys(Option<AccountId>, Timestamp),
}

async fn weigh(tx: &Tx<'_>, account: AccountId, told: &ToldPhone) -> Result<Weighed, Fault> {
    let accounts = tx.rows().accounts();
    let Some(known) = accounts.binding_of(&told.phone).await? else {
        return Ok(match accounts.phone_contested(&told.phone).await? {
            Some(used_at) if used_at >= told.used_at => Weighed::Nobodys(None, used_at),
            _ => Weighed::Theirs,
        });
    };
    let (holder, used_at) = (known.binding.account, known.binding.verified_at);
    Ok(match told.used_at.cmp(&used_at) {
        _ if holder == account => Weighed::Theirs,
        std::cmp::Ordering::Greater => Weighed::Theirs,
        std::cmp::Ordering::Equal if known.is_told => Weighed::Nobodys(Some(holder), used_at),
        std::cmp::Ordering::Equal | std::cmp::Ordering::Less => Weighed::Anothers,
    })
}

/// The account's phone as the line tells it, or why it is not: for the report, and the line is taken.
pub(super) async fn follow(
    ctx: &Ctx,
    tx: &Tx<'_>,
    account: &Account,
    told: &ToldPhone,
) -> Result<Option<Wrong>, Fault> {
    let accounts = tx.rows().accounts();
    let before = accounts.phones(account.id).await?;
    match weigh(tx, account.id, told).await? {
        Weighed::Theirs => {}
        Weighed::Anothers => {
            let reason = "not bound: somebody else has used this number later";
            return Ok(Some(Wrong::field("phone", reason)));
        }
        Weighed::Nobodys(from, used_at) => {
            contest_phone(ctx, tx, &told.phone, used_at, from).await?;
            let reason = "bound to nobody: several people have this number, and nothing says who \
                          used it last";
            return Ok(Some(Wrong::field("phone", reason)));
        }
    }
    if let Some(own) = before.iter().find(|one| one.phone == told.phone) {
        // What a code has reached here needs no other word.
        let is_told = accounts.binding_of(&told.phone).await?.is_some_and(|known| known.is_told);
        if is_told && own.verified_at < told.used_at {
            bind_told_phone(ctx, tx, &told.binding(account, own.is_default)).await?;
        }
        return Ok(None);
    }
    let n_own = before.len() - accounts.told_phones(account.id).await?.len();
    if n_own >= PhoneBinding::MOST {
        let reason = "not bound: the person has as many phones as one may have";
        return Ok(Some(Wrong::field("phone", reason)));
    }
    bind_told_phone(ctx, tx, &told.binding(account, false)).await?;
    if !before.is_empty() {
        tell_person(ctx, tx, account.person, NoticeKind::ContactChanged, None).await?;
    }
    Ok(None)
}
