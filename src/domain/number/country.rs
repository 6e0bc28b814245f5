//! Countries by their codes (ISO 3166-1), with the names that people choose a nationality by. Hong Kong,
//! Macao and Taiwan are no nationalities.

/// Three letters, three digits, Chinese name, English name; in the order of the Chinese names, China first.
const TABLE: &str = include_str!("countries.tsv");

/// Of residents, and of whoever holds a permit or passport of theirs.
pub const CHINA: &str = "CHN";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Country {
    /// `CHN`
    pub alpha: &'static str,
    /// `156`
    pub numeric: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

impl Country {
    pub fn name(self, is_english: bool) -> &'static str {
        if is_english { self.en } else { self.zh }
    }
}

fn read(line: &'static str) -> Option<Country> {
    let mut cells = line.split('\t');
    let mut cell = || cells.next();
    Some(Country { alpha: cell()?, numeric: cell()?, zh: cell()?, en: cell()? })
}

/// All of them.
pub fn all() -> impl Iterator<Item = Country> {
    TABLE.lines().filter_map(read)
}

/// Regions whose enterprises are non-residents of the mainland, though they are no nationalities.
const REGIONS: [Country; 3] = [
    Country { alpha: "HKG", numeric: "344", zh: "中国香港", en: "Hong Kong, China" },
    Country { alpha: "MAC", numeric: "446", zh: "中国澳门", en: "Macao, China" },
    Country { alpha: "TWN", numeric: "158", zh: "中国台湾", en: "Taiwan, China" },
];

/// Where a non-resident enterprise can be at home: regions first.
pub fn residences() -> impl Iterator<Item = Country> {
    REGIONS.into_iter().chain(all().filter(|country| country.alpha != CHINA))
}

pub fn by_alpha(alpha: &str) -> Option<Country> {
    all().find(|country| country.alpha == alpha)
}

pub fn by_numeric(numeric: &str) -> Option<Country> {
    all().find(|country| country.numeric == numeric)
}
