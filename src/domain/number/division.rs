//! Administrative divisions (GB/T 2260), as far as numbers and pick lists need them today.

/// Whether the first two digits name a province; `83` stands in residence permits alone.
pub fn is_province(prefix: &str) -> bool {
    matches!(
        prefix,
        "11" | "12"
            | "13"
            | "14"
            | "15"
            | "21"
            | "22"
            | "23"
            | "31"
            | "32"
            | "33"
            | "34"
            | "35"
            | "36"
            | "37"
            | "41"
            | "42"
            | "43"
            | "44"
            | "45"
            | "46"
            | "50"
            | "51"
            | "52"
            | "53"
            | "54"
            | "61"
            | "62"
            | "63"
            | "64"
            | "65"
            | "71"
            | "81"
            | "82"
    )
}

/// A six-digit code such as `360000`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Division(String);

impl Division {
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 6 && text.chars().all(|c| c.is_ascii_digit());
        (digits && is_province(text.get(..2)?)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The province this division lies in.
    #[must_use]
    pub fn province(&self) -> Self {
        Self(format!("{}0000", self.0.get(..2).unwrap_or_default()))
    }
}
