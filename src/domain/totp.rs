//! Authenticator apps (RFC 6238) and the recovery codes beside them. A time step is never accepted
//! twice: the step that matched is the caller's to remember.

use totp_rs::{Algorithm, Builder, Secret as Shared, Totp};

use crate::base::clock::Timestamp;
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::domain::number::code::OneTimeCode;

/// 160 bits, as RFC 4226 §4 recommends.
pub const SECRET_BYTES: usize = 20;
pub const RECOVERY_CODES: usize = 10;

fn totp(secret: &[u8], issuer: &str, account: &str) -> Option<Totp> {
    // SHA-1, six digits, thirty seconds: what every authenticator app understands.
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_secret(Shared::from(secret.to_vec()))
        .with_skew(1)
        .with_account_name(account.replace(':', " "))
        .with_issuer(Some(issuer.replace(':', " ")))
        .build()
        .ok()
}

/// `otpauth://…`, for the code that an app scans.
pub fn enrolment_url(secret: &[u8], issuer: &str, account: &str) -> Option<String> {
    totp(secret, issuer, account)?.to_url().ok()
}

/// The secret as people type it into an app.
pub fn typed(secret: &[u8]) -> String {
    Shared::from(secret.to_vec()).to_base32().clone()
}

/// The step that a code belongs to: the present one or a neighbour.
pub fn matched_step(secret: &[u8], code: &OneTimeCode, now: Timestamp) -> Option<i64> {
    let now = u64::try_from(now.0).ok()?;
    let step = totp(secret, "", "")?.check(code.secret().expose(), now)?;
    i64::try_from(step).ok()
}

/// Ten codes of ten letters and digits, none of which is easily misread.
pub fn recovery_codes(random: &Random) -> Vec<Secret> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let code = || {
        let bytes: [u8; 10] = random.bytes();
        let letters = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        let text: String = letters.collect();
        Secret::new(format!("{}-{}", &text[..5], &text[5..]))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}
