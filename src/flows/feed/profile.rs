//! An enterprise's profile as the registry tells it, into what is kept: names, numbers and phones of
//! its people in the same forms as everywhere.

use crate::base::clock::Day;
use crate::domain::feed::Wrong;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::name::PersonName;
use crate::domain::number::normalise;
use crate::domain::number::phone::Phone;
use crate::domain::profile::{EnterpriseProfile, Investor, KeyPerson};

pub fn parsed(told: &EnterpriseProfile, today: Day) -> Result<EnterpriseProfile, Wrong> {
    let people = (0..).zip(&told.key_persons);
    let investors = (0..).zip(&told.investors);
    Ok(EnterpriseProfile {
        key_persons: people
            .map(|(at, one)| key_person(&format!("profile.key_persons[{at}]"), one, today))
            .collect::<Result<_, _>>()?,
        investors: investors
            .map(|(at, one)| investor(&format!("profile.investors[{at}]"), one))
            .collect::<Result<_, _>>()?,
        ..told.clone()
    })
}

fn key_person(field: &str, told: &KeyPerson, today: Day) -> Result<KeyPerson, Wrong> {
    let phone = told.phone.as_deref().map(Phone::parse).transpose();
    let phone = phone.map_err(|error| Wrong::field(&format!("{field}.phone"), error))?;
    let document = told.document.as_deref();
    if document.is_some_and(|text| DocumentNumber::candidates(text, today).is_empty()) {
        return Err(Wrong::field(&format!("{field}.document"), "no document has such a number"));
    }
    Ok(KeyPerson {
        role: told.role.clone(),
        name: person_name(&format!("{field}.name"), &told.name)?,
        document: document.map(normalise),
        phone: phone.map(|phone| phone.as_str().to_owned()),
    })
}

fn investor(field: &str, told: &Investor) -> Result<Investor, Wrong> {
    let name = match told.is_enterprise {
        true => told.name.clone(),
        false => person_name(&format!("{field}.name"), &told.name)?,
    };
    Ok(Investor { name, ..told.clone() })
}

fn person_name(field: &str, text: &str) -> Result<String, Wrong> {
    let name = PersonName::parse(text).map_err(|error| Wrong::field(field, error))?;
    Ok(name.as_str().to_owned())
}
