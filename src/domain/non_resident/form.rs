//! What the collection form says of a non-resident enterprise (N-07): each text parsed once, and every
//! field that is wrong named in the order of the form.

use serde::{Deserialize, Serialize};

use crate::domain::identity_type::IdentityTypeName;
use crate::domain::number::NumberError;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::country::{Country, residences};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::enterprise_name::EnterpriseName;
use crate::domain::number::home_number::{HomeNumber, HomeNumberKind};
use crate::domain::number::name::PersonName;
use crate::domain::number::phone::Phone;
use crate::domain::number::taxpayer::{TaxpayerNumber, TaxpayerNumberKind};
use crate::domain::refusal::Refusal;

/// What the applicant says that they are in the enterprise (N-09).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declared {
    PersonInCharge,
    TaxClerk,
}

impl Declared {
    pub const ALL: [Self; 2] = [Self::PersonInCharge, Self::TaxClerk];

    pub fn name(self) -> &'static str {
        match self {
            Self::PersonInCharge => "person_in_charge",
            Self::TaxClerk => "tax_clerk",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The person in charge is treated as a legal representative.
    pub fn identity_type(self) -> IdentityTypeName {
        let name = match self {
            Self::PersonInCharge => "legal_representative",
            Self::TaxClerk => "tax_clerk",
        };
        IdentityTypeName(name.to_owned())
    }
}

/// As typed; empty texts where nothing was.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Typed {
    pub name_zh: String,
    pub name_foreign: String,
    pub residence: String,
    pub number_kind: String,
    pub home_number: String,
    pub address: String,
    pub contact_name: String,
    pub contact_email: String,
    pub contact_phone: String,
    pub declared: String,
    pub former_code: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Form {
    pub name_zh: EnterpriseName,
    pub name_foreign: EnterpriseName,
    /// ISO 3166-1 alpha-3.
    pub residence: String,
    pub number_kind: HomeNumberKind,
    pub home_number: HomeNumber,
    pub address: PostalAddress,
    pub contact_name: PersonName,
    pub contact_email: EmailAddress,
    pub contact_phone: Option<Phone>,
    pub declared: Declared,
    /// A code that it had before (`F…`).
    pub former_code: Option<TaxpayerNumber>,
}

impl Form {
    /// `E_FORMAT` names every field that is wrong.
    pub fn parse(typed: &Typed) -> Result<Self, Refusal> {
        let name_zh = EnterpriseName::chinese(&typed.name_zh);
        let name_foreign = EnterpriseName::foreign(&typed.name_foreign);
        let residence = residence(&typed.residence);
        let number_kind = HomeNumberKind::parse(&typed.number_kind);
        let home_number = HomeNumber::parse(&typed.home_number);
        let address = PostalAddress::parse(&typed.address);
        let contact_name = PersonName::parse(&typed.contact_name);
        let contact_email = EmailAddress::parse(&typed.contact_email);
        let contact_phone = optional(&typed.contact_phone, Phone::parse);
        let declared = Declared::parse(&typed.declared);
        let former_code = optional(&typed.former_code, former_code);
        let wrong = [
            ("name_zh", name_zh.is_err()),
            ("name_foreign", name_foreign.is_err()),
            ("residence", residence.is_none()),
            ("number_kind", number_kind.is_none()),
            ("home_number", home_number.is_err()),
            ("address_abroad", address.is_err()),
            ("contact_name", contact_name.is_err()),
            ("contact_email", contact_email.is_err()),
            ("contact_phone", contact_phone.is_err()),
            ("declared", declared.is_none()),
            ("former_code", former_code.is_err()),
        ];
        let fields = wrong.into_iter().filter(|(_, is_wrong)| *is_wrong);
        let refusal = Refusal::Format { fields: fields.map(|(field, _)| field).collect() };
        let read = || {
            Some(Self {
                name_zh: name_zh.ok()?,
                name_foreign: name_foreign.ok()?,
                residence: residence?.alpha.to_owned(),
                number_kind: number_kind?,
                home_number: home_number.ok()?,
                address: address.ok()?,
                contact_name: contact_name.ok()?,
                contact_email: contact_email.ok()?,
                contact_phone: contact_phone.ok()?,
                declared: declared?,
                former_code: former_code.ok()?,
            })
        };
        read().ok_or(refusal)
    }

    /// As it was typed, for the form to be shown again.
    pub fn typed(&self) -> Typed {
        Typed {
            name_zh: self.name_zh.as_str().to_owned(),
            name_foreign: self.name_foreign.as_str().to_owned(),
            residence: self.residence.clone(),
            number_kind: self.number_kind.name().to_owned(),
            home_number: self.home_number.as_str().to_owned(),
            address: self.address.as_str().to_owned(),
            contact_name: self.contact_name.as_str().to_owned(),
            contact_email: self.contact_email.as_str().to_owned(),
            contact_phone: self.contact_phone.as_ref().map_or("", Phone::as_str).to_owned(),
            declared: self.declared.name().to_owned(),
            former_code: self.former_code.clone().map(String::from).unwrap_or_default(),
        }
    }

    /// Whose number it is: two enterprises of one home cannot have the same.
    pub fn comparable_number(&self) -> String {
        format!("{}/{}", self.residence, self.home_number.comparable())
    }

    pub fn has_number_of(&self, other: &Self) -> bool {
        self.comparable_number() == other.comparable_number()
    }

    pub fn country(&self) -> Option<Country> {
        residence(&self.residence)
    }
}

fn residence(alpha: &str) -> Option<Country> {
    residences().find(|country| country.alpha == alpha)
}

fn former_code(text: &str) -> Result<TaxpayerNumber, NumberError> {
    let number = TaxpayerNumber::parse(text)?;
    match number.kind() {
        TaxpayerNumberKind::NonResident => Ok(number),
        _ => Err(NumberError::Kind),
    }
}

fn optional<T>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, NumberError>,
) -> Result<Option<T>, NumberError> {
    match text.trim() {
        "" => Ok(None),
        text => parse(text).map(Some),
    }
}
