//! Numbers of an enterprise that this product is the first to know.

use crate::domain::number::NumberError;
use crate::domain::number::division::Division;
use crate::domain::number::taxpayer::{TaxpayerNumber, non_resident_code};

/// Where and for which country codes are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    division: u32,
    /// ISO 3166-1 numeric.
    country: u32,
}

/// What an enterprise is known by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbers {
    pub code: TaxpayerNumber,
    /// In place of the core's serial number, until the core tells its own.
    pub registration_no: String,
}

/// No serial number of the core begins so.
const OURS: char = '9';

impl Place {
    pub fn new(division: &Division, country: &str) -> Result<Self, NumberError> {
        let number = |text: &str| text.parse().map_err(|_| NumberError::Division);
        Ok(Self { division: number(division.as_str())?, country: number(country)? })
    }

    /// As its sequence is kept.
    pub fn name(self) -> String {
        format!("{:06}{:03}", self.division, self.country)
    }

    /// The numbers of one in the sequence; an error once there are a million.
    pub fn numbers(self, sequence: u32) -> Result<Numbers, NumberError> {
        let code = non_resident_code(self.division, self.country, sequence)?;
        Ok(Numbers {
            code: TaxpayerNumber::parse(&code)?,
            registration_no: format!("{OURS}{}{sequence:010}", self.name()),
        })
    }
}

/// Whether the core has not yet told its own.
pub fn is_ours(registration_no: &str) -> bool {
    registration_no.starts_with(OURS) && registration_no.len() == 20
}
