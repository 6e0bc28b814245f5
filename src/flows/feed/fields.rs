//! Fields that several kinds of lines have: terms, and the enterprises and people that numbers name.

use crate::base::clock::Day;
use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::feed::Wrong;
use crate::domain::identity_type::Permissions;
use crate::domain::number::division::Division;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::flows::feed::not_taken::NotTaken;
use crate::flows::relations::writer::check_age;
use crate::flows::{Ctx, Stop};
use crate::store::Tx;

/// Of somebody who is to work for an enterprise.
pub(super) const TOO_YOUNG: &str = "is too young to be a handler";

pub(super) fn term(from: &str, to: Option<&str>) -> Result<(Day, Option<Day>), Wrong> {
    let day = |field: &str, text: &str| {
        Day::parse(text).ok_or_else(|| Wrong::field(field, "a day such as 2026-11-24 is needed"))
    };
    let valid_from = day("valid_from", from)?;
    let valid_to = to.map(|to| day("valid_to", to)).transpose()?;
    if valid_to.is_some_and(|end| end < valid_from) {
        return Err(Wrong::field("valid_to", "is before valid_from"));
    }
    Ok((valid_from, valid_to))
}

pub(super) async fn enterprise(
    tx: &Tx<'_>,
    field: &str,
    number: &str,
) -> Result<EnterpriseId, NotTaken> {
    let found = tx.rows().enterprises().find_by_number(&TaxpayerNumber::asked(number)).await?;
    let unknown = || Wrong::field(field, format!("no enterprise answers to {number}"));
    Ok(found.map(|found| found.id).ok_or_else(unknown)?)
}

/// Numbers of people never stand in a report. By a void one, too: it is for life, and what its person does is to
/// be ended by it.
pub(super) async fn person(tx: &Tx<'_>, field: &str, number: &str) -> Result<PersonId, NotTaken> {
    let numbers = DocumentNumber::referred_to(number, tx.now().day());
    match tx.rows().people().named_by_documents(&numbers).await?[..] {
        [only] => Ok(only),
        [] => Err(Wrong::field(field, "nobody is known by this document number").into()),
        _ => {
            let reason = "several people have these digits: write the kind in front, as in \
                          `chinese_passport:E12345678`";
            Err(Wrong::field(field, reason).into())
        }
    }
}

pub fn division(field: &str, text: &str) -> Result<String, Wrong> {
    let known = Division::parse(text).map(|known| known.as_str().to_owned());
    known.ok_or_else(|| Wrong::field(field, "six digits of a division are needed"))
}

/// Those of a line that no identity type bounds.
pub(super) fn permissions(ctx: &Ctx, codes: &[String]) -> Result<Permissions, Wrong> {
    match codes.iter().find(|code| !ctx.realm.permissions.contains_key(*code)) {
        Some(unknown) => {
            let why = format!("the realm has no permission `{unknown}`");
            Err(Wrong::field("permissions", why))
        }
        None => Ok(codes.iter().cloned().collect()),
    }
}

/// Those who are to work for an enterprise; children do not.
pub async fn people(
    ctx: &Ctx,
    tx: &Tx<'_>,
    field: &str,
    numbers: &[String],
) -> Result<Vec<PersonId>, NotTaken> {
    let mut found = Vec::new();
    for number in numbers {
        let person = person(tx, field, number).await?;
        match check_age(ctx, tx, person).await {
            Err(Stop::Refused(_)) => return Err(Wrong::field(field, TOO_YOUNG).into()),
            judged => judged?,
        }
        if !found.contains(&person) {
            found.push(person);
        }
    }
    Ok(found)
}

/// Those of them whom somebody knows: for what is over, which nobody holds up.
pub async fn known_people(
    tx: &Tx<'_>,
    field: &str,
    numbers: &[String],
) -> Result<Vec<PersonId>, NotTaken> {
    let mut found = Vec::new();
    for number in numbers {
        match person(tx, field, number).await {
            Ok(person) if !found.contains(&person) => found.push(person),
            Ok(_) | Err(NotTaken::Wrong(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(found)
}
