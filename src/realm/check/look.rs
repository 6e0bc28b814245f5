//! Whether a realm's face can be shown: files that are there, colours that can be read, numbers in their
//! forms, words in place of words that exist.

use std::collections::BTreeMap;

use super::Builder;
use crate::base::clock::Day;
use crate::realm::file::Texts;
use crate::realm::look::{
    Announcement, AnnouncementFile, Colours, Logo, Look, LookFile, contrast, least_contrast, rgb,
};
use crate::realm::source::{At, Source};

const LARGEST_LOGO: usize = 64 * 1024;
/// WCAG 2.2 §1.4.3, AA.
const LEAST_CONTRAST: f64 = 4.5;
/// The keys that a realm may have words of its own for.
const WORDS: &str = include_str!("../../../locales/zh-CN.ftl");
const VALUE: &str = "{ $n }";

impl Builder<'_> {
    pub(super) fn look(&mut self, source: &Source, file: &LookFile) -> Look {
        self.colours(source, file.colours.as_ref());
        self.numbers(source, file);
        self.words(source, &file.texts);
        let announcements = file.announcements.iter().enumerate();
        let announcements = announcements
            .map(|(at, one)| {
                let path = ["look".into(), "announcements".into(), at.into()];
                self.announcement(source, &path, one)
            })
            .collect();
        let maintenance = file
            .maintenance
            .as_ref()
            .map(|one| self.announcement(source, &["look".into(), "maintenance".into()], one));
        Look {
            logo: file.logo.as_ref().and_then(|name| self.logo(source, name)),
            colours: file.colours.clone(),
            support: file.support.clone(),
            organiser: file.organiser.clone(),
            icp: file.icp.clone(),
            police: file.police.clone(),
            site_code: file.site_code.clone(),
            accessibility: file.accessibility.as_ref().map(|names| self.statement(source, names)),
            announcements,
            maintenance,
            texts: file.texts.clone(),
        }
    }

    fn logo(&mut self, source: &Source, name: &str) -> Option<Logo> {
        let path = ["look".into(), "logo".into()];
        let (own, media_type) = match name.rsplit('.').next() {
            Some("svg") => ("logo.svg", "image/svg+xml"),
            Some("png") => ("logo.png", "image/png"),
            _ => {
                self.complain(source, &path, "a logo is an SVG or a PNG file");
                return None;
            }
        };
        match self.bytes(name) {
            Ok(bytes) if bytes.len() > LARGEST_LOGO => {
                self.complain(source, &path, "is larger than 64 KiB");
                None
            }
            Ok(bytes) => Some(Logo { name: own, media_type, bytes }),
            Err(error) => {
                self.complain(source, &path, format!("{name}: {error}"));
                None
            }
        }
    }

    fn colours(&mut self, source: &Source, colours: Option<&Colours>) {
        let Some(colours) = colours else { return };
        for (key, text, is_dark) in
            [("light", &colours.light, false), ("dark", &colours.dark, true)]
        {
            let path = ["look".into(), "colours".into(), key.into()];
            let Some(colour) = rgb(text) else {
                self.complain(source, &path, "a colour is `#rrggbb`");
                continue;
            };
            let on_white = if is_dark { 21.0 } else { contrast(colour, [255, 255, 255]) };
            let least = least_contrast(colour, is_dark).min(on_white);
            if least < LEAST_CONTRAST {
                let message = format!(
                    "its least contrast is {least:.2}, which is too little to read: \
                     {LEAST_CONTRAST} at the least"
                );
                self.complain(source, &path, message);
            }
        }
    }

    fn numbers(&mut self, source: &Source, file: &LookFile) {
        let is_phone = |text: &str| {
            (3..=20).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_digit() || c == '-' || c == '+')
        };
        let is_icp = |text: &str| text.contains("ICP备") && text.contains('号');
        let is_police = |text: &str| text.contains("公网安备") && text.ends_with('号');
        let is_site =
            |text: &str| text.len() == 10 && text.chars().all(|c| c.is_ascii_alphanumeric());
        let wrong = |value: &Option<String>, is_right: &dyn Fn(&str) -> bool| {
            value.as_deref().is_some_and(|value| !is_right(value))
        };
        for (key, is_wrong, form) in [
            ("support", wrong(&file.support, &is_phone), "a phone number, such as `12366`"),
            ("icp", wrong(&file.icp, &is_icp), "a number such as `赣ICP备12345678号-1`"),
            (
                "police",
                wrong(&file.police, &is_police),
                "a number such as `赣公网安备 36010002000001号`",
            ),
            ("site_code", wrong(&file.site_code, &is_site), "ten letters and digits"),
        ] {
            if is_wrong {
                self.complain(source, &["look".into(), key.into()], form);
            }
        }
    }

    fn statement(&mut self, source: &Source, names: &Texts) -> Texts {
        let mut text = |language: &str, name: &str| {
            self.text(name).unwrap_or_else(|error| {
                let path = ["look".into(), "accessibility".into(), language.into()];
                self.complaints.push(source.complain(&path, format!("{name}: {error}")));
                String::new()
            })
        };
        Texts { zh: text("zh", &names.zh), en: text("en", &names.en) }
    }

    fn announcement(
        &mut self,
        source: &Source,
        path: &[At],
        file: &AnnouncementFile,
    ) -> Announcement {
        let mut day = |key: &str, text: Option<&String>| {
            let text = text?;
            let day = Day::parse(text);
            if day.is_none() {
                let path = [path, &[key.into()]].concat();
                self.complain(source, &path, "a day is `2026-12-31`");
            }
            day
        };
        let (from, to) = (day("from", file.from.as_ref()), day("to", file.to.as_ref()));
        Announcement { text: file.text.clone(), from, to }
    }

    /// A word in place of none of ours is a mistake in its key; one that drops a value would lie.
    fn words(&mut self, source: &Source, texts: &BTreeMap<String, Texts>) {
        for (key, own) in texts {
            let path = ["look".into(), "texts".into(), key.as_str().into()];
            let ours = WORDS.lines().filter_map(|line| line.split_once(" = "));
            let ours = ours.into_iter().find(|(known, _)| known == key);
            let Some((_, ours)) = ours else {
                let keys = WORDS.lines().filter_map(|line| line.split_once(" = "));
                let complaint = source.complain(&path, format!("no text is named `{key}`"));
                self.complaints
                    .push(complaint.suggest(key, keys.map(|(known, _)| known.to_owned())));
                continue;
            };
            let both = [&own.zh, &own.en];
            if both.iter().any(|text| text.trim().is_empty()) {
                self.complain(source, &path, "is empty");
            } else if both.iter().any(|text| text.contains(VALUE) != ours.contains(VALUE)) {
                let message = "holds `{ $n }` where our text does, and nowhere else";
                self.complain(source, &path, message);
            }
        }
    }
}
