//! `factors.toml`: the gateways and providers behind the second factors.

use url::Url;

use super::Builder;
use crate::base::secret::Secret;
use crate::realm::file::{FactorsFile, GatewayFile, GatewayKind, ProviderFile};
use crate::realm::source::{At, Source};
use crate::realm::{MailServer, Sms, SmsGateway};

impl Builder<'_> {
    pub(super) fn sms(&mut self, source: &Source, file: &FactorsFile) -> Sms {
        if file.sms.gateways.is_empty() && !self.surroundings.is_demo {
            self.complain(source, &["sms".into()], "`[[sms.gateways]]` needs at least one gateway");
        }
        let gateways = file.sms.gateways.iter().enumerate();
        let gateways = gateways.filter_map(|(index, one)| self.gateway(source, index, one));
        let gateways = gateways.collect();
        Sms {
            gateways,
            lifetime: file.sms.lifetime,
            limits: file.sms.limits.clone(),
            notices: file.sms.notices,
        }
    }

    fn gateway(&mut self, source: &Source, index: usize, file: &GatewayFile) -> Option<SmsGateway> {
        let path = |key: &str| [At::from("sms"), "gateways".into(), index.into(), key.into()];
        let (own_url, needed): (_, &[_]) = match file.kind {
            GatewayKind::Webhook => (None, &[("url", &file.url)]),
            GatewayKind::Aliyun => (
                Some("https://dysmsapi.aliyuncs.com"),
                &[
                    ("key_id", &file.key_id),
                    ("sign_name", &file.sign_name),
                    ("template", &file.template),
                ],
            ),
            GatewayKind::Tencent => (
                Some("https://sms.tencentcloudapi.com"),
                &[
                    ("key_id", &file.key_id),
                    ("app_id", &file.app_id),
                    ("sign_name", &file.sign_name),
                    ("template", &file.template),
                ],
            ),
        };
        for (key, _) in needed.iter().filter(|(_, value)| value.is_none()) {
            self.complain(source, &path("kind"), format!("this kind needs `{key}`"));
        }
        let url = file.url.as_deref().or(own_url)?;
        self.check_url(source, &path("url"), url);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Some(SmsGateway {
            kind: file.kind,
            url: url.trim_end_matches('/').to_owned(),
            secret: match file.kind {
                GatewayKind::Webhook => self.own_secret(source, &path("secret"), &file.secret)?,
                GatewayKind::Aliyun | GatewayKind::Tencent => {
                    self.secret(source, &path("secret"), &file.secret)?
                }
            },
            key_id: text(&file.key_id),
            app_id: text(&file.app_id),
            sign_name: text(&file.sign_name),
            template: text(&file.template),
            notice_template: text(&file.notice_template),
        })
    }

    pub(super) fn face(&mut self, source: &Source, file: &FactorsFile) -> Option<(String, Secret)> {
        let Some(face) = &file.face else {
            if !self.surroundings.is_demo {
                let message = "`[face]` with `url` and `secret` of the provider is needed";
                self.complain(source, &["face".into()], message);
            }
            return None;
        };
        self.check_url(source, &["face".into(), "url".into()], &face.url);
        let secret = self.own_secret(source, &["face".into(), "secret".into()], &face.secret)?;
        Some((face.url.clone(), secret))
    }

    pub(super) fn email(
        &mut self,
        source: &Source,
        file: &FactorsFile,
        is_needed: bool,
    ) -> Option<MailServer> {
        let Some(email) = &file.email else {
            if is_needed && !self.surroundings.is_demo {
                let message = "an entrance sends codes by e-mail: `[email]` with `url` and `from` \
                               is needed";
                self.complain(source, &["email".into()], message);
            }
            return None;
        };
        if let Err(error) = check_mail_server(&email.url) {
            self.complain(source, &["email".into(), "url".into()], error);
        }
        if !is_mailbox(&email.from) {
            let message =
                "no mailbox: `no-reply@tax.example` or `Tax bureau <no-reply@tax.example>`";
            self.complain(source, &["email".into(), "from".into()], message);
        }
        let secret = match &email.secret {
            Some(secret) => self.secret(source, &["email".into(), "secret".into()], secret),
            None => None,
        };
        let login = email.username.clone().zip(secret);
        Some(MailServer { url: email.url.clone(), from: email.from.clone(), login })
    }

    /// Without one nobody is verified in this way online; the hall still can.
    pub(super) fn provider(
        &mut self,
        source: &Source,
        name: &str,
        file: Option<&ProviderFile>,
    ) -> Option<(String, Secret)> {
        let known = file?;
        self.check_url(source, &[name.into(), "url".into()], &known.url);
        let path = [name.into(), "secret".into()];
        let secret = self.own_secret(source, &path, &known.secret)?;
        Some((known.url.clone(), secret))
    }
}

/// `smtp` or `smtps` with a host.
fn check_mail_server(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("not an address: {error}"))?;
    if !matches!(parsed.scheme(), "smtp" | "smtps") || parsed.host_str().is_none() {
        return Err("smtp://host:port or smtps://host:port is needed".to_owned());
    }
    Ok(())
}

/// What means something of its own in a mailbox (RFC 5322 §3.2.3), the point aside.
const SPECIALS: &str = "()<>[]:;@\\,\"";

/// An address, or a name and an address in angle brackets. Stricter than the RFC, so that whatever builds the
/// message takes it: no comments, no groups, no quoted local parts.
fn is_mailbox(text: &str) -> bool {
    let is_plain = |text: &str| !text.chars().any(|c| c.is_control() || SPECIALS.contains(c));
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let is_named = match quoted {
        Some(quoted) => !quoted.contains(['"', '\\']) && !quoted.contains(char::is_control),
        None => is_plain(name),
    };
    let is_dotted = |part: &str| {
        let is_word = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        is_plain(part) && part.split('.').all(is_word)
    };
    let parts = address.split_once('@');
    is_named && parts.is_some_and(|(local, domain)| is_dotted(local) && is_dotted(domain))
}
