//! `certificates.toml`: authorities that are some, rules that say something, and sources of revocation
//! without which nobody would get in.

use url::Url;

use super::Builder;
use super::published::is_published_authority;
use crate::certificate::number::{NumberRule, Source as NumberSource};
use crate::certificate::{self, Certificate, check_authority};
use crate::realm::certificates::{
    Authority, AuthorityFile, Certificates, CertificatesFile, Revocation,
};
use crate::realm::source::{At, Source};

const FILE: &str = "certificates.toml";

impl Builder<'_> {
    pub(super) fn certificates(&mut self) -> Certificates {
        if !self.origin.has(FILE) {
            return Certificates::default();
        }
        let Some((source, file)) = self.read::<CertificatesFile>(FILE) else {
            return Certificates::default();
        };
        if file.authority.is_empty() {
            self.complain(&source, &["authority".into()], "name one, or leave the file out");
        }
        for (index, link) in file.downloads.iter().enumerate() {
            let path = ["downloads".into(), index.into(), "url".into()];
            self.check_url(&source, &path, &link.url);
        }
        let mut authorities: Vec<Authority> = Vec::new();
        for (index, one) in file.authority.iter().enumerate() {
            let place = Place { source: &source, index };
            if authorities.iter().any(|known| known.id == one.id) {
                self.complain(&source, &place.at("id"), "another authority has this id");
            }
            let Some(next) = self.authority(&place, one) else { continue };
            if let Some(known) =
                authorities.iter().find(|one| one.rules.is_mixed_up_with(&next.rules))
            {
                let message = format!(
                    "nobody could tell its certificates from those of `{}`: below an anchor that both \
                     have, each names its own authorities in `between`",
                    known.id
                );
                self.complain(&source, &place.at("anchors"), message);
            }
            authorities.push(next);
        }
        Certificates { authorities, downloads: file.downloads }
    }

    fn authority(&mut self, place: &Place<'_>, file: &AuthorityFile) -> Option<Authority> {
        let anchors = self.trusted(place, "anchors", &file.anchors);
        let between = self.trusted(place, "between", &file.between);
        if file.anchors.is_empty() {
            self.complain(place.source, &place.at("anchors"), "nothing is trusted without one");
        }
        self.check_sources(place, file);
        let number = self.number_rule(place, file)?;
        Some(Authority {
            id: file.id.clone(),
            name: file.name.clone(),
            rules: certificate::Authority::new(anchors, between, number),
            crl: file.crl.clone(),
            ocsp: file.ocsp.clone(),
            revocation: file.revocation,
            keys: file.keys,
        })
    }

    /// The certificates of PEM files beside the realm's.
    fn trusted(&mut self, place: &Place<'_>, key: &str, names: &[String]) -> Vec<Certificate> {
        let mut found = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let path = place.at_index(key, at);
            let text = match self.text(name) {
                Ok(text) => text,
                Err(error) => {
                    self.complain(place.source, &path, format!("{name}: {error}"));
                    continue;
                }
            };
            let Ok(read) = Certificate::parse_pem(&text) else {
                let message = format!("{name} is no PEM file with certificates");
                self.complain(place.source, &path, message);
                continue;
            };
            for certificate in &read {
                let shown = certificate.subject_shown();
                if let Err(why) = check_authority(certificate) {
                    self.complain(place.source, &path, format!("{name}: `{shown}` {why}"));
                }
                if !self.surroundings.is_demo && is_published_authority(certificate.der()) {
                    let message = format!(
                        "{name}: `{shown}` is the demo's, whose enterprise's key everybody has"
                    );
                    self.complain(place.source, &path, message);
                }
            }
            found.extend(read);
        }
        found
    }

    fn check_sources(&mut self, place: &Place<'_>, file: &AuthorityFile) {
        let lists = file.crl.iter().enumerate();
        let lists = lists.map(|(at, url)| (place.at_index("crl", at).to_vec(), url));
        let ocsp = file.ocsp.iter().map(|url| (place.at("ocsp").to_vec(), url));
        for (path, url) in lists.chain(ocsp).collect::<Vec<(Vec<At>, &String)>>() {
            let is_web = Url::parse(url).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.fragment().is_none()
            });
            if !is_web {
                self.complain(place.source, &path, "an address with http or https is needed");
            }
        }
        let is_known = !file.crl.is_empty() || file.ocsp.is_some();
        if !is_known && file.revocation == Revocation::Hard {
            let message = "nobody could get in: name `crl` or `ocsp`, or `revocation = \"soft\"`";
            self.complain(place.source, &place.at("id"), message);
        } else if !is_known && !self.surroundings.is_demo {
            let message = "nobody says what was revoked: a stolen token signs in until it expires";
            self.remarks.push(place.source.complain(&place.at("id"), message.to_owned()));
        }
    }

    fn number_rule(&mut self, place: &Place<'_>, file: &AuthorityFile) -> Option<NumberRule> {
        let number = match file.number.parse::<NumberSource>() {
            Ok(number) => number,
            Err(why) => {
                let message = format!(
                    "{why}: `ext:1.2.156.10260.4.1.5`, `subject:CN`, `subject:O`, `subject:OU`, \
                     `subject:serialNumber` or `subject:` with an object identifier"
                );
                self.complain(place.source, &place.at("number"), message);
                return None;
            }
        };
        match NumberRule::new(number, file.number_pattern.as_deref()) {
            Ok(rule) => Some(rule),
            Err(why) => {
                self.complain(place.source, &place.at("number_pattern"), why);
                None
            }
        }
    }
}

/// Of one authority in the file.
struct Place<'a> {
    source: &'a Source,
    index: usize,
}

impl Place<'_> {
    fn at(&self, key: &str) -> [At; 3] {
        ["authority".into(), self.index.into(), key.into()]
    }

    fn at_index(&self, key: &str, index: usize) -> [At; 4] {
        ["authority".into(), self.index.into(), key.into(), index.into()]
    }
}
