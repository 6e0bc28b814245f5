//! A number is bound to one account alone (PC-14): whoever proved it last has it, whenever it comes to be bound,
//! and whoever had it is told. What the registry says of numbers is weighed in `flows::feed::phones`.

use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::domain::audit::AuditEvent;
use crate::domain::notice::NoticeKind;
use crate::domain::number::phone::Phone;
use crate::domain::person::PhoneBinding;
use crate::flows::notify::person::warn_person;
use crate::flows::{Ctx, Fault};
use crate::store::{StoreError, Tx};

/// How often one looks again where others bind the same number at the same moment.
const LOOKS: usize = 5;

/// The number is this account's from now on and nobody else's (R-14, PH-01, PC-14); whoever had it is
/// told by what they have left. The first of an account is its default, a later one where `binding`
/// says so. `false`: somebody else has proved it since `binding` did, and keeps it.
pub async fn bind_phone(ctx: &Ctx, tx: &Tx<'_>, binding: &PhoneBinding) -> Result<bool, Fault> {
    let accounts = tx.rows().accounts();
    for _ in 0..LOOKS {
        let holder = accounts.find_by_phone(&binding.phone).await?.map(|holder| holder.id);
        let held: Vec<AccountId> = holder.into_iter().chain([binding.account]).collect();
        accounts.hold(&held).await?;
        // Whose it is once nobody can change that any more.
        let now = accounts.find_by_phone(&binding.phone).await?.map(|holder| holder.id);
        if now != holder {
            continue;
        }
        match holder {
            Some(holder) if holder == binding.account => {
                accounts.verify_phone(binding, false).await?;
                if binding.is_default {
                    accounts.make_default(binding.account, &binding.phone).await?;
                }
                return Ok(true);
            }
            Some(_) if is_proved_since(tx, binding).await? => return Ok(false),
            Some(holder) => take_phone(ctx, tx, holder, binding).await?,
            None => {}
        }
        let is_first = accounts.phones(binding.account).await?.is_empty();
        if binding.is_default {
            accounts.no_default(binding.account).await?;
        }
        let is_default = is_first || binding.is_default;
        let binding = PhoneBinding { is_default, ..binding.clone() };
        if accounts.add_phone(ctx.new_row_id(), &binding).await? {
            accounts.settle_phone(&binding.phone).await?;
            tx.note(AuditEvent::PhoneBound { account: binding.account });
            return Ok(true);
        }
    }
    Err(StoreError::Conflict("several people bind one phone at once".to_owned()).into())
}

/// Whether a code has reached whoever has the number later than `binding` says.
async fn is_proved_since(tx: &Tx<'_>, binding: &PhoneBinding) -> Result<bool, Fault> {
    let known = tx.rows().accounts().binding_of(&binding.phone).await?;
    Ok(known.is_some_and(|known| !known.is_told && known.binding.verified_at > binding.verified_at))
}

/// The same of a number that nobody has, or that is better known to be this account's, by the word of
/// the registry. What it told before of this account is no longer so.
pub async fn bind_told_phone(ctx: &Ctx, tx: &Tx<'_>, binding: &PhoneBinding) -> Result<(), Fault> {
    let accounts = tx.rows().accounts();
    accounts.hold(&[binding.account]).await?;
    for told in accounts.told_phones(binding.account).await? {
        if told.phone != binding.phone {
            accounts.drop_phone(binding.account, &told.phone).await?;
            tx.note(AuditEvent::PhoneRemoved { account: binding.account });
        }
    }
    keep_a_default(tx, binding.account).await?;
    if !bind_phone(ctx, tx, binding).await? {
        // Since it was weighed: the line is weighed anew.
        return Err(StoreError::Conflict("a number that was proved meanwhile".to_owned()).into());
    }
    Ok(accounts.verify_phone(binding, true).await?)
}

/// Several people have the number by the registry's word, and nobody knows whose it is (PC-15): it is
/// nobody's. `from`: who had it until now. `used_at`: when each of them used it.
pub async fn contest_phone(
    ctx: &Ctx,
    tx: &Tx<'_>,
    phone: &Phone,
    used_at: Timestamp,
    from: Option<AccountId>,
) -> Result<(), Fault> {
    let accounts = tx.rows().accounts();
    accounts.hold(from.as_slice()).await?;
    if let Some(from) = from
        && accounts.drop_phone(from, phone).await?
    {
        keep_a_default(tx, from).await?;
        tx.note(AuditEvent::PhoneRemoved { account: from });
        tell_holder(ctx, tx, from).await?;
    }
    Ok(accounts.contest_phone(phone, used_at).await?)
}

/// `from`: who had the number until now.
async fn take_phone(
    ctx: &Ctx,
    tx: &Tx<'_>,
    from: AccountId,
    binding: &PhoneBinding,
) -> Result<(), Fault> {
    if !tx.rows().accounts().drop_phone(from, &binding.phone).await? {
        return Ok(());
    }
    keep_a_default(tx, from).await?;
    tx.note(AuditEvent::PhoneTaken { account: from, by: binding.account });
    tell_holder(ctx, tx, from).await
}

/// By the person: `false` where it is not theirs, or their default (PC-10, PC-11).
pub async fn remove_phone(tx: &Tx<'_>, account: AccountId, phone: &Phone) -> Result<bool, Fault> {
    let accounts = tx.rows().accounts();
    accounts.hold(&[account]).await?;
    let is_default = |one: &PhoneBinding| one.phone == *phone && one.is_default;
    if accounts.phones(account).await?.iter().any(is_default)
        || !accounts.drop_phone(account, phone).await?
    {
        return Ok(false);
    }
    tx.note(AuditEvent::PhoneRemoved { account });
    Ok(true)
}

/// `false` where it is not theirs.
pub async fn set_default_phone(
    tx: &Tx<'_>,
    account: AccountId,
    phone: &Phone,
) -> Result<bool, Fault> {
    let accounts = tx.rows().accounts();
    accounts.hold(&[account]).await?;
    let is_theirs = |one: &PhoneBinding| one.phone == *phone;
    if !accounts.phones(account).await?.iter().any(is_theirs) {
        return Ok(false);
    }
    accounts.make_default(account, phone).await?;
    tx.note(AuditEvent::DefaultPhoneSet { account });
    Ok(true)
}

/// A phone that waits for this account, if one does, will not be bound (DEC-23).
pub async fn drop_awaited_phone(tx: &Tx<'_>, account: AccountId) -> Result<(), Fault> {
    if tx.rows().awaited_phones().drop_of(account).await? {
        tx.note(AuditEvent::AwaitedPhoneDropped { account });
    }
    Ok(())
}

/// Of those that are left the one that was verified last (DEC-14).
async fn keep_a_default(tx: &Tx<'_>, account: AccountId) -> Result<(), Fault> {
    let accounts = tx.rows().accounts();
    let phones = accounts.phones(account).await?;
    if let Some(first) = phones.first().filter(|first| !first.is_default) {
        accounts.make_default(account, &first.phone).await?;
    }
    Ok(())
}

/// By all that they have left.
async fn tell_holder(ctx: &Ctx, tx: &Tx<'_>, account: AccountId) -> Result<(), Fault> {
    match tx.rows().accounts().find(account).await? {
        Some(holder) => warn_person(ctx, tx, holder.person, NoticeKind::PhoneTaken, None).await,
        None => Ok(()),
    }
}
