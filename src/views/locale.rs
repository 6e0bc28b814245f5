//! The words of the pages: Fluent files, Chinese first. A word that English lacks is a mistake
//! found at load.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

const CHINESE: &str = include_str!("../../locales/zh-CN.ftl");
const ENGLISH: &str = include_str!("../../locales/en.ftl");

pub struct Locales {
    chinese: FluentBundle<FluentResource>,
    english: FluentBundle<FluentResource>,
}

impl Locales {
    pub fn load() -> Result<Self, String> {
        let locales = Self { chinese: bundle("zh-CN", CHINESE)?, english: bundle("en", ENGLISH)? };
        for key in keys(CHINESE) {
            if !locales.english.has_message(key) {
                return Err(format!("{key} has no English"));
            }
        }
        Ok(locales)
    }

    /// `n`: the one value a text may hold.
    pub fn text(&self, lang: &str, key: &str, n: Option<&str>) -> Result<String, String> {
        let bundle = if lang == "en" { &self.english } else { &self.chinese };
        let message = bundle.get_message(key).and_then(|message| message.value());
        let message = message.ok_or_else(|| format!("no text is named {key}"))?;
        let mut args = FluentArgs::new();
        if let Some(n) = n {
            args.set("n", n.to_owned());
        }
        let mut errors = Vec::new();
        let text = bundle.format_pattern(message, Some(&args), &mut errors).into_owned();
        if errors.is_empty() { Ok(text) } else { Err(format!("{key}: {errors:?}")) }
    }
}

fn bundle(language: &str, text: &str) -> Result<FluentBundle<FluentResource>, String> {
    let language: LanguageIdentifier = language.parse().map_err(|_| language.to_owned())?;
    let resource = FluentResource::try_new(text.to_owned())
        .map_err(|(_, errors)| format!("{language}: {errors:?}"))?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|errors| format!("{errors:?}"))?;
    Ok(bundle)
}

fn keys(text: &str) -> impl Iterator<Item = &str> {
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    text.lines().filter(is_key).filter_map(|line| line.split_once('=')).map(|(key, _)| key.trim())
}
