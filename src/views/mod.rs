//! Pages: one struct each, rendered by tera with the words of `locales/`. Templates, words and
//! assets are embedded; a template that names an unknown function fails when it is loaded.

pub mod account;
pub mod assets;
pub mod certificate;
pub mod console;
pub mod face;
pub mod locale;
pub mod non_resident;
pub mod notice;
pub mod own;
pub mod page;
pub mod personal;
pub mod phone;
pub mod register;
pub mod review;
pub mod scan;
pub mod self_help;
pub mod sign_in;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use rust_embed::RustEmbed;
use serde::Serialize;

use face::Face;
use locale::Locales;

#[derive(RustEmbed)]
#[folder = "templates"]
struct Templates;

/// What a template needs besides its page.
#[derive(Clone, Debug, Serialize)]
pub struct Chrome {
    /// `zh-CN` or `en`.
    pub lang: String,
    pub realm_name: String,
    /// `/realms/jiangxi`, in front of every link.
    pub base: String,
    pub csrf: String,
    /// The address of this page, for the language link.
    pub here: String,
    pub who: Option<Who>,
    /// The identity of a session on pages outside the centres.
    pub acting: Option<String>,
    /// At the console: who works.
    pub officer: Option<console::OfficerView>,
    /// Large letters (长辈版).
    pub is_large: bool,
    /// By which the log knows this request.
    pub request_number: u64,
    pub face: Face,
    /// The realm's own words, by their keys.
    pub texts: BTreeMap<String, String>,
}

/// Whose page of an account centre it is: the name, the identity, where one may go.
#[derive(Clone, Debug, Serialize)]
pub struct Who {
    /// Masked.
    pub name: String,
    pub title: String,
    /// A number, or kind and number of a record.
    pub detail: String,
    /// The enterprise is 非正常.
    pub is_abnormal: bool,
    pub csrf: String,
    pub menu: Vec<MenuItem>,
    /// Other identities, to be taken at once.
    pub quick: Vec<QuickItem>,
    /// There are more of them on the switching page.
    pub has_more: bool,
    pub unread: u64,
    /// Who works for a specific entity has none (S-10).
    pub has_centre: bool,
    /// There is no centre to switch in, and a page to switch on.
    pub needs_switch: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct MenuItem {
    pub title: String,
    pub href: String,
    pub is_current: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct QuickItem {
    pub id: String,
    pub title: String,
}

/// A page is its own template's data.
pub trait Page: Serialize {
    const TEMPLATE: &'static str;
}

#[derive(Debug, thiserror::Error)]
#[error("a page cannot be rendered: {0}")]
pub struct ViewError(String);

pub struct Views {
    tera: tera::Tera,
    locales: Arc<Locales>,
}

#[derive(Serialize)]
struct Whole<'a, P> {
    #[serde(flatten)]
    chrome: &'a Chrome,
    page: &'a P,
}

impl Views {
    pub fn load() -> Result<Self, ViewError> {
        let locales = Arc::new(Locales::load().map_err(ViewError)?);
        let words = Arc::clone(&locales);
        let mut tera = tera::Tera::new();
        tera.register_function(
            "t",
            move |args: tera::Kwargs, state: &tera::State| -> tera::TeraResult<String> {
                let lang = state.get::<String>("lang")?.unwrap_or_default();
                let key = args.must_get::<String>("key")?;
                let n = args.get::<String>("n")?;
                let texts = state.get::<tera::Value>("texts")?.unwrap_or_else(tera::Value::none);
                let own = texts.get_from_path(&key).and_then(tera::Value::as_str);
                if let Some(own) = own {
                    return Ok(face::with_value(own, n.as_deref()));
                }
                words.text(&lang, &key, n.as_deref()).map_err(tera::Error::message)
            },
        );
        let mut templates = Vec::new();
        for name in Templates::iter() {
            let file = Templates::get(&name).ok_or_else(|| ViewError(name.to_string()))?;
            let text = String::from_utf8(file.data.into_owned())
                .map_err(|error| ViewError(error.to_string()))?;
            templates.push((name.to_string(), text));
        }
        tera.add_raw_templates(templates).map_err(|error| ViewError(error.to_string()))?;
        Ok(Self { tera, locales })
    }

    pub fn render<P: Page>(&self, chrome: &Chrome, page: &P) -> Result<String, ViewError> {
        let context = tera::Context::from_serialize(&Whole { chrome, page })
            .map_err(|error| ViewError(error.to_string()))?;
        self.tera.render(P::TEMPLATE, &context).map_err(|error| ViewError(format!("{error:?}")))
    }

    pub fn text(&self, lang: &str, key: &str, n: Option<&str>) -> String {
        self.locales.text(lang, key, n).unwrap_or_else(|_| key.to_owned())
    }
}

/// A QR code as SVG, for a page to hold: one path, a run of dark modules at a time.
pub fn qr_svg(text: &str) -> String {
    let Ok(code) = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M) else {
        return String::new();
    };
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let n_dark = row[x..].iter().take_while(|one| **one == qrcode::Color::Dark).count();
            if n_dark > 0 {
                let _ = write!(path, "M{} {}h{n_dark}v1h-{n_dark}z", x + QUIET, y + QUIET);
            }
            x += n_dark.max(1);
        }
    }
    let size = width + 2 * QUIET;
    // Dark on light whatever the page's colours: cameras want it so.
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/>\
         <path fill=\"#1c2430\" d=\"{path}\"/></svg>"
    )
}

/// Modules of light around the code (ISO/IEC 18004).
const QUIET: usize = 4;
