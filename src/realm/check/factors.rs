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
        if let Err(error) = check_mail_server(&email.url, &email.from) {
            self.complain(source, &["email".into(), "url".into()], error);
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

/// `smtp` or `smtps` with a host, and a sender with an address.
fn check_mail_server(url: &str, from: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("not an address: {error}"))?;
    if !matches!(parsed.scheme(), "smtp" | "smtps") || parsed.host_str().is_none() {
        return Err("smtp://host:port or smtps://host:port is needed".to_owned());
    }
    if !from.contains('@') {
        return Err("`from` has no address".to_owned());
    }
    Ok(())
}
