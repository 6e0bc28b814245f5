//! Pages: one struct each, rendered by tera with the words of `locales/`. Templates, words and
//! assets are embedded; a template that names an unknown function fails when it is loaded.

pub mod account;
pub mod locale;
pub mod own;
pub mod page;
pub mod phone;

use std::sync::Arc;

use qrcode::render::svg;
use rust_embed::RustEmbed;
use serde::Serialize;

use locale::Locales;

#[derive(RustEmbed)]
#[folder = "templates"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

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
}

/// Whose page of an account centre it is: the name, the identity, where one may go.
#[derive(Clone, Debug, Serialize)]
pub struct Who {
    /// Masked.
    pub name: String,
    pub title: String,
    /// A number, or kind and number of a record.
    pub detail: String,
    pub csrf: String,
    pub menu: Vec<MenuItem>,
    /// Other identities, to be taken at once.
    pub quick: Vec<QuickItem>,
    /// There are more of them on the switching page.
    pub has_more: bool,
    pub unread: u64,
    /// Who works for a specific entity has none (S-10).
    pub has_centre: bool,
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

/// A QR code as SVG, for a page to hold.
pub fn qr_svg(text: &str) -> String {
    let Ok(code) = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M) else {
        return String::new();
    };
    let mut image = code.render::<qrcode::render::svg::Color<'_>>();
    // Dark on light whatever the page's colours: cameras want it so.
    let image = image.min_dimensions(200, 200).dark_color(svg::Color("#1c2430"));
    image
        .light_color(svg::Color("#ffffff"))
        .build()
        .replace("<?xml version=\"1.0\" standalone=\"yes\"?>", "")
}

/// An embedded style sheet, script or picture and its media type.
pub fn asset(name: &str) -> Option<(Vec<u8>, &'static str)> {
    let media_type = match name.rsplit('.').next()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    Some((Assets::get(name)?.data.into_owned(), media_type))
}
