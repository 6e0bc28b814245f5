//! The certificate that is shown, read again when its files change: one that was renewed is served
//! without a restart.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum_server::tls_openssl::OpenSSLConfig;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Certificate chain and key as PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl TlsFiles {
    pub(super) fn config(&self) -> std::io::Result<OpenSSLConfig> {
        OpenSSLConfig::from_pem_chain_file(&self.certificate, &self.key).map_err(|error| {
            std::io::Error::other(format!("{}: {error}", self.certificate.display()))
        })
    }

    /// Whether they would be served.
    pub fn check(&self) -> std::io::Result<()> {
        self.config().map(|_| ())
    }

    /// Runs for the life of the process. What cannot be served, such as a certificate whose key has not
    /// come yet, is told of once, and the last good one stays.
    pub(super) async fn watch(self, config: OpenSSLConfig) {
        let mut served = self.state();
        let mut told = served;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.state();
            if now == served {
                continue;
            }
            match config.reload_from_pem_chain_file(&self.certificate, &self.key) {
                Ok(()) => {
                    tracing::info!(file = %self.certificate.display(), "A new certificate is served");
                    served = now;
                }
                Err(error) if told != now => {
                    let file = self.certificate.display();
                    tracing::error!(%error, %file, "A new certificate cannot be served");
                    told = now;
                }
                Err(_) => {}
            }
        }
    }

    /// Different after any change.
    fn state(&self) -> [Option<(u64, SystemTime)>; 2] {
        let of = |file: &Path| {
            let known: Metadata = std::fs::metadata(file).ok()?;
            Some((known.len(), known.modified().ok()?))
        };
        [of(&self.certificate), of(&self.key)]
    }
}
