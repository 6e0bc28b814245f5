//! Passkeys (WebAuthn): a key pair that stays on the person's device and is used only after the
//! device has recognised its person. The library judges; what is kept and when is decided by
//! `flows::sign_in::factor::passkey`. It draws its challenges from the system's chance by itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

/// A realm, as the passkeys of its people know it: its host and origin.
pub struct RelyingParty(Webauthn);

/// What the server keeps while somebody enrols.
#[derive(Serialize, Deserialize)]
pub struct Enrolment(PasskeyRegistration);

/// What the server keeps while a known person uses one of theirs.
#[derive(Serialize, Deserialize)]
pub struct Challenge(PasskeyAuthentication);

/// The same while the passkey has yet to say whose it is.
#[derive(Serialize, Deserialize)]
pub struct OpenChallenge(DiscoverableAuthentication);

/// The public half, with its counter.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential(Passkey);

/// Why a passkey is not believed; for the log.
#[derive(Debug, thiserror::Error)]
#[error("the passkey is not believed: {0}")]
pub struct PasskeyFault(String);

fn wrong(error: impl std::fmt::Display) -> PasskeyFault {
    PasskeyFault(error.to_string())
}

impl Credential {
    pub fn id(&self) -> &[u8] {
        self.0.cred_id().as_slice()
    }
}

/// What the browser made, told apart from its text; whose it claims to be.
pub struct Assertion(PublicKeyCredential);

impl Assertion {
    pub fn parse(text: &str) -> Result<Self, PasskeyFault> {
        serde_json::from_str(text).map(Self).map_err(wrong)
    }

    pub fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }

    /// The account that the passkey was enrolled for; believed only after the check.
    pub fn account(&self) -> Option<Uuid> {
        Uuid::from_slice(self.0.get_user_unique_id()?).ok()
    }
}

impl RelyingParty {
    /// `None` where the issuer has no host name.
    pub fn new(issuer: &str, name: &str) -> Option<Self> {
        let url = Url::parse(issuer).ok()?;
        let host = url.domain()?.to_owned();
        let builder = WebauthnBuilder::new(&host, &url).ok()?.rp_name(name);
        builder.build().ok().map(Self)
    }

    /// `account`: what the passkey will say that it belongs to. The options are for
    /// `navigator.credentials.create`.
    pub fn begin_enrolment(
        &self,
        account: Uuid,
        name: &str,
        held: &[Credential],
    ) -> Result<(Value, Enrolment), PasskeyFault> {
        let held: Vec<CredentialID> = held.iter().map(|one| one.0.cred_id().clone()).collect();
        let (options, state) =
            self.0.start_passkey_registration(account, name, name, Some(held)).map_err(wrong)?;
        let mut options = serde_json::to_value(options.public_key).map_err(wrong)?;
        // It shall be found without a name being typed first.
        options["authenticatorSelection"]["residentKey"] = json!("required");
        options["authenticatorSelection"]["requireResidentKey"] = json!(true);
        Ok((options, Enrolment(state)))
    }

    pub fn enrol(&self, made: &str, state: &Enrolment) -> Result<Credential, PasskeyFault> {
        let made: RegisterPublicKeyCredential = serde_json::from_str(made).map_err(wrong)?;
        self.0.finish_passkey_registration(&made, &state.0).map(Credential).map_err(wrong)
    }

    /// The options are for `navigator.credentials.get`.
    pub fn challenge(&self, held: &[Credential]) -> Result<(Value, Challenge), PasskeyFault> {
        let held: Vec<Passkey> = held.iter().map(|one| one.0.clone()).collect();
        let (options, state) = self.0.start_passkey_authentication(&held).map_err(wrong)?;
        Ok((serde_json::to_value(options.public_key).map_err(wrong)?, Challenge(state)))
    }

    pub fn open_challenge(&self) -> Result<(Value, OpenChallenge), PasskeyFault> {
        let (options, state) = self.0.start_discoverable_authentication().map_err(wrong)?;
        Ok((serde_json::to_value(options.public_key).map_err(wrong)?, OpenChallenge(state)))
    }

    /// The credential as it is to be kept from now on.
    pub fn prove(
        &self,
        made: &Assertion,
        state: &Challenge,
        held: &Credential,
    ) -> Result<Credential, PasskeyFault> {
        let result = self.0.finish_passkey_authentication(&made.0, &state.0).map_err(wrong)?;
        let mut kept = held.clone();
        kept.0.update_credential(&result).ok_or_else(|| wrong("another credential"))?;
        Ok(kept)
    }

    pub fn prove_open(
        &self,
        made: &Assertion,
        state: OpenChallenge,
        held: &Credential,
    ) -> Result<Credential, PasskeyFault> {
        let done = self.0.finish_discoverable_authentication_v2(&made.0, state.0, &held.0);
        let mut kept = held.clone();
        kept.0
            .update_credential(&done.map_err(wrong)?)
            .ok_or_else(|| wrong("another credential"))?;
        Ok(kept)
    }
}
