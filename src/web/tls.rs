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

/// How the two files looked: lengths and times, different after any change.
pub type Seen = [Option<(u64, SystemTime)>; 2];

impl TlsFiles {
    /// What is served, and how the files looked before they were read: a change meanwhile, or before
    /// anybody watches, is still found.
    pub fn load(&self) -> std::io::Result<(OpenSSLConfig, Seen)> {
        let seen = self.look();
        let config = OpenSSLConfig::from_pem_chain_file(&self.certificate, &self.key);
        let wrong =
            |error| std::io::Error::other(format!("{}: {error}", self.certificate.display()));
        Ok((config.map_err(wrong)?, seen))
    }

    /// Runs for the life of the process. What cannot be served, such as a certificate whose key has not
    /// come yet, is told of once, and the last good one stays.
    pub async fn watch(self, config: OpenSSLConfig, mut served: Seen) {
        let mut told = served;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.look();
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

    fn look(&self) -> Seen {
        let of = |file: &Path| {
            let known: Metadata = std::fs::metadata(file).ok()?;
            Some((known.len(), known.modified().ok()?))
        };
        [of(&self.certificate), of(&self.key)]
    }
}
