//! The realm's own face (`[look]` of `realm.toml`): logo, colours, who is behind it, what is announced,
//! and words in place of ours.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::clock::Day;
use crate::realm::texts::Texts;

/// `[look]` as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LookFile {
    /// A file beside `realm.toml`: SVG or PNG, 64 KiB at most.
    pub logo: Option<String>,
    pub colours: Option<Colours>,
    /// The number of the help desk, `12366`.
    pub support: Option<String>,
    pub organiser: Option<Texts>,
    /// 工业和信息化部备案号, `赣ICP备12345678号-1`
    pub icp: Option<String>,
    /// 公安备案号, `赣公网安备 36010002000001号`
    pub police: Option<String>,
    /// 政府网站标识码, ten letters and digits.
    pub site_code: Option<String>,
    /// Files beside `realm.toml`; paragraphs are parted by empty lines.
    pub accessibility: Option<Texts>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub announcements: Vec<AnnouncementFile>,
    /// Above every page.
    pub maintenance: Option<AnnouncementFile>,
    /// Words in place of those of `locales/`, by their keys.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, Texts>,
}

/// `#rrggbb`: what buttons, links and lines have, in the light and in the dark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Colours {
    pub light: String,
    pub dark: String,
}

/// Days as `2026-12-31`; without one it is said until the file is changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementFile {
    pub text: Texts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The same, checked.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub logo: Option<Logo>,
    pub colours: Option<Colours>,
    pub support: Option<String>,
    pub organiser: Option<Texts>,
    pub icp: Option<String>,
    pub police: Option<String>,
    pub site_code: Option<String>,
    pub accessibility: Option<Texts>,
    pub announcements: Vec<Announcement>,
    pub maintenance: Option<Announcement>,
    pub texts: BTreeMap<String, Texts>,
}

#[derive(Clone, Debug)]
pub struct Logo {
    /// Among the realm's assets: `logo.svg` or `logo.png`.
    pub name: &'static str,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Announcement {
    pub text: Texts,
    pub from: Option<Day>,
    pub to: Option<Day>,
}

impl Announcement {
    pub fn is_on(&self, today: Day) -> bool {
        self.from.is_none_or(|from| from <= today) && self.to.is_none_or(|to| today <= to)
    }
}

/// Red, green and blue.
pub type Rgb = [u8; 3];

const WHITE: Rgb = [255, 255, 255];
/// Of `assets/hufu.css`: what letters stand on in the light and in the dark.
const LIGHT_GROUNDS: [Rgb; 2] = [WHITE, [0xf4, 0xf2, 0xee]];
const DARK_GROUNDS: [Rgb; 2] = [[0x16, 0x18, 0x1c], [0x1f, 0x22, 0x27]];
/// How much of the colour a tinted ground has.
const TINT: f64 = 0.07;

/// `#rrggbb`
pub fn rgb(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// The ratio of WCAG 2.2 §1.4.3, 1 to 21.
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = |[r, g, b]: Rgb| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn tint(colour: Rgb, ground: Rgb) -> Rgb {
    let mix = |at: usize| {
        let mixed = f64::from(colour[at]) * TINT + f64::from(ground[at]) * (1.0 - TINT);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let rounded = mixed.round() as u8;
        rounded
    };
    [mix(0), mix(1), mix(2)]
}

/// The least contrast of letters in a colour, on all that they stand on and of white on the colour.
pub fn least_contrast(colour: Rgb, is_dark: bool) -> f64 {
    let grounds = if is_dark { DARK_GROUNDS } else { LIGHT_GROUNDS };
    let tinted = tint(colour, grounds[usize::from(is_dark)]);
    let all = grounds.into_iter().chain([tinted]);
    all.map(|ground| contrast(colour, ground)).fold(21.0, f64::min)
}

impl Colours {
    /// The variables of `assets/hufu.css` in these colours.
    pub fn style_sheet(&self) -> String {
        let hex = |[r, g, b]: Rgb| format!("#{r:02x}{g:02x}{b:02x}");
        let tint = |colour: &str, ground| rgb(colour).map(|one| hex(tint(one, ground)));
        let light_tint = tint(&self.light, LIGHT_GROUNDS[0]).unwrap_or_default();
        let dark_tint = tint(&self.dark, DARK_GROUNDS[1]).unwrap_or_default();
        let (light, dark) = (&self.light, &self.dark);
        format!(
            ":root {{ --brand: {light}; --brand-strong: {light}; --tint: {light_tint}; }}\n\
             @media (prefers-color-scheme: dark) {{ :root {{ --brand: {dark}; --brand-strong: {dark}; \
             --tint: {dark_tint}; }} button, .button {{ --brand: {light}; }} }}\n"
        )
    }
}
