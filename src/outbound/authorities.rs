//! Certificates of authorities that the bureau's own network believes, beside those of the system.

use lettre::transport::smtp::client::{
    Certificate as MailCertificate, TlsParameters, TlsParametersBuilder,
};

use crate::outbound::error::SendError;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// For every call that the program makes over TLS.
#[derive(Clone, Default)]
pub struct Authorities {
    web: Vec<reqwest::Certificate>,
    mail: Vec<MailCertificate>,
}

impl Authorities {
    /// From PEM, one after the other; at least one, and every one of them can be read.
    pub fn parse(pem: &str) -> Result<Self, SendError> {
        let mut all = Self::default();
        for text in pem.split_inclusive(END) {
            let Some((_, body)) = text.split_once(BEGIN) else { continue };
            let one = format!("{BEGIN}{body}");
            all.web.push(reqwest::Certificate::from_pem(one.as_bytes()).map_err(SendError::told)?);
            all.mail
                .push(MailCertificate::from_pem(one.as_bytes()).map_err(SendError::with_causes)?);
        }
        if all.web.is_empty() {
            return Err(SendError::away("no certificate is in it"));
        }
        Ok(all)
    }

    pub fn len(&self) -> usize {
        self.web.len()
    }

    pub fn is_empty(&self) -> bool {
        self.web.is_empty()
    }

    pub(super) fn for_web(&self) -> impl Iterator<Item = reqwest::Certificate> {
        self.web.iter().cloned()
    }

    pub(super) fn for_mail(&self, host: &str) -> Result<TlsParameters, SendError> {
        let parameters = TlsParameters::builder(host.to_owned());
        let all = self.mail.iter().cloned();
        let parameters = all.fold(parameters, TlsParametersBuilder::add_root_certificate);
        parameters.build().map_err(SendError::with_causes)
    }
}
