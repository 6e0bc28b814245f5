//! Which addresses a realm may name: where we call, and where browsers and apps are sent.

use url::Url;

use super::Builder;
use crate::domain::passkey::RelyingParty;
use crate::realm::console::Console;
use crate::realm::file::RealmFile;
use crate::realm::source::{At, Source};

impl Builder<'_> {
    /// Of something that is called or linked to: https, and http on loopback.
    pub(super) fn check_url(&mut self, source: &Source, path: &[At], text: &str) {
        if let Err(message) = check_web(text) {
            self.complain(source, path, message);
        }
    }

    /// Where a browser returns to an application: the same, or a scheme that belongs to one app
    /// (RFC 8252 §7.1). Others, `javascript:` and `data:` first, would act in our name.
    pub(super) fn check_redirect(&mut self, source: &Source, path: &[At], text: &str) {
        let is_apps_own = Url::parse(text)
            .is_ok_and(|url| url.scheme().contains('.') && url.fragment().is_none());
        if !is_apps_own {
            self.check_url(source, path, text);
        }
    }

    /// The issuer's path is where the realm is served: the folder's name decides it.
    pub(super) fn check_issuer(&mut self, source: &Source, issuer: &str) {
        let path = ["issuer".into()];
        self.check_url(source, &path, issuer);
        if issuer.ends_with('/') {
            self.complain(source, &path, "an issuer has no trailing slash");
            return;
        }
        let folder = self.origin.id().unwrap_or_default();
        let served = format!("/realms/{folder}");
        if Url::parse(issuer).is_ok_and(|url| url.path() != served || url.query().is_some()) {
            let message = format!(
                "the folder is named `{folder}`, so the realm is served under {served}, and the \
                 issuer ends with that"
            );
            self.complain(source, &path, message);
        }
    }

    /// Cookies and passkeys are of a host: officers have one of their own, but for the demo's.
    pub(super) fn console(&mut self, source: &Source, main: &RealmFile) -> Option<Console> {
        let file = main.console.as_ref()?;
        let path = ["console".into(), "origin".into()];
        self.check_url(source, &path, &file.origin);
        let (origin, issuer) = (Url::parse(&file.origin).ok()?, Url::parse(&main.issuer).ok()?);
        if origin.origin().ascii_serialization() != file.origin {
            self.complain(source, &path, "an origin is scheme and host alone, without a slash");
        }
        let is_demo = self.surroundings.is_demo;
        if !is_demo && origin.scheme() != issuer.scheme() {
            self.complain(source, &path, "is https where the issuer is");
        }
        if !is_demo && origin.host() == issuer.host() {
            self.complain(source, &path, "the console needs a host that is not the issuer's");
        }
        let Some(passkeys) = RelyingParty::new(&file.origin, &main.name.zh) else {
            self.complain(source, &path, "passkeys need a host name, not an address");
            return None;
        };
        Some(Console {
            origin: file.origin.clone(),
            passkeys,
            idle: file.idle,
            longest: file.longest,
        })
    }
}

fn check_web(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
    if url.fragment().is_some() {
        return Err("an address without a fragment is needed".to_owned());
    }
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        "http" => Err("https is needed".to_owned()),
        scheme => Err(format!("`{scheme}:` is not allowed: https is needed")),
    }
}
