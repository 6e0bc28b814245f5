//! A person's own data, as their centre shows it (AC-41 to AC-43).

use crate::domain::number::address::PostalAddress;
use crate::domain::person::{Account, IdentityDocument, Person, PhoneBinding};
use crate::domain::session::Session;
use crate::flows::{Ctx, Fault};

pub struct OwnData {
    pub person: Person,
    pub account: Option<Account>,
    pub documents: Vec<IdentityDocument>,
    pub phones: Vec<PhoneBinding>,
    pub address: Option<PostalAddress>,
}

/// `None` where the person is gone.
pub async fn find(ctx: &Ctx, session: &Session) -> Result<Option<OwnData>, Fault> {
    let rows = ctx.rows();
    let Some(person) = rows.people().find(session.person).await? else { return Ok(None) };
    Ok(Some(OwnData {
        account: rows.accounts().find(session.account).await?,
        documents: rows.people().documents(person.id).await?,
        phones: rows.accounts().phones(session.account).await?,
        address: rows.people().address(person.id).await?,
        person,
    }))
}
