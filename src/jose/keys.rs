//! Key pairs with their signers, the set a realm signs with, and the public keys of clients.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jwk::alg::ed::EdCurve;
use josekit::jws::alg::eddsa::EddsaJwsAlgorithm;
use josekit::jws::{ES256, JwsSigner, JwsVerifier, PS256, RS256};
use serde_json::{Map, Value};

use super::thumbprint::thumbprint;
use super::{Algorithm, JoseError, national};
use crate::base::random::Random;
use crate::base::sm2::{Sm2Key, Sm2Public};

/// A private key whose signer and verifier were made once.
pub struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub is_current: bool,
    public: Map<String, Value>,
    signer: Signer,
    verifier: Verifier,
}

/// What signs: the library, or us where it does not know the algorithm.
pub(super) enum Signer {
    Common(Box<dyn JwsSigner>),
    Sm2(Sm2Key),
}

pub(super) enum Verifier {
    Common(Box<dyn JwsVerifier>),
    Sm2(Sm2Public),
}

/// A new private JWK as JSON, and its `kid`.
pub fn generate(algorithm: Algorithm) -> Result<(String, String), JoseError> {
    let jwk = match algorithm {
        Algorithm::Sm2 => Ok(national::private_jwk(&Sm2Key::random(&Random::System))),
        Algorithm::ES256 => Jwk::generate_ec_key(EcCurve::P256),
        Algorithm::EdDSA => Jwk::generate_ed_key(EdCurve::Ed25519),
        Algorithm::RS256 | Algorithm::PS256 => Jwk::generate_rsa_key(2048),
    };
    let mut jwk = jwk.map_err(JoseError::new)?;
    let kid = thumbprint(&jwk)?;
    jwk.set_key_id(&kid);
    jwk.set_key_use("sig");
    jwk.set_algorithm(algorithm.name());
    Ok((serde_json::to_string(jwk.as_ref()).map_err(JoseError::new)?, kid))
}

impl SigningKey {
    /// From a private JWK as JSON.
    pub fn new(algorithm: Algorithm, private: &str, is_current: bool) -> Result<Self, JoseError> {
        let jwk = Jwk::from_bytes(private).map_err(JoseError::new)?;
        let kid = jwk.key_id().ok_or_else(|| JoseError::new("the key has no kid"))?.to_owned();
        if algorithm == Algorithm::Sm2 {
            let key = national::key(&jwk)?;
            let public = national::public_jwk(&key.public(), &kid);
            let (signer, verifier) = (Signer::Sm2(key.clone()), Verifier::Sm2(key.public()));
            return Ok(Self { kid, algorithm, is_current, public, signer, verifier });
        }
        let signer = signer(algorithm, &jwk)?;
        // The library's public half loses `kid` and `alg`; a JWKS without them is useless.
        let mut public = jwk.to_public_key().map_err(JoseError::new)?;
        public.set_key_id(&kid);
        public.set_key_use("sig");
        public.set_algorithm(algorithm.name());
        Ok(Self {
            kid,
            algorithm,
            is_current,
            verifier: Verifier::Common(verifier(algorithm, &public)?),
            public: public.as_ref().clone(),
            signer: Signer::Common(signer),
        })
    }

    /// The public JWK; holds no private member.
    pub fn public(&self) -> &Map<String, Value> {
        &self.public
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }
}

fn signer(algorithm: Algorithm, jwk: &Jwk) -> Result<Box<dyn JwsSigner>, JoseError> {
    let signer: Result<Box<dyn JwsSigner>, _> = match algorithm {
        Algorithm::ES256 => ES256.signer_from_jwk(jwk).map(|s| Box::new(s) as _),
        Algorithm::EdDSA => EddsaJwsAlgorithm::Eddsa.signer_from_jwk(jwk).map(|s| Box::new(s) as _),
        Algorithm::RS256 => RS256.signer_from_jwk(jwk).map(|s| Box::new(s) as _),
        Algorithm::PS256 => PS256.signer_from_jwk(jwk).map(|s| Box::new(s) as _),
        Algorithm::Sm2 => return Err(uncommon(algorithm)),
    };
    signer.map_err(JoseError::new)
}

fn uncommon(algorithm: Algorithm) -> JoseError {
    JoseError::new(format!("{} is not accepted here", algorithm.name()))
}

/// Bytes of an RSA modulus and of its exponent, at most. Whoever brings a key chooses them, and larger ones take
/// long to verify by.
const LONGEST_RSA: [(&str, usize); 2] = [("n", 4096 / 8), ("e", 4)];

/// Nothing is computed with a number before its length is known.
fn is_moderate(jwk: &Jwk) -> bool {
    let number = |name: &str| {
        let text = jwk.parameter(name)?.as_str()?;
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()
    };
    jwk.key_type() != "RSA"
        || LONGEST_RSA.into_iter().all(|(name, most)| {
            number(name)
                .is_some_and(|bytes| bytes.iter().skip_while(|byte| **byte == 0).count() <= most)
        })
}

pub(super) fn verifier(algorithm: Algorithm, jwk: &Jwk) -> Result<Box<dyn JwsVerifier>, JoseError> {
    if !is_moderate(jwk) {
        return Err(JoseError::new("an RSA key of more than 4096 bits, or of a long exponent"));
    }
    let verifier: Result<Box<dyn JwsVerifier>, _> = match algorithm {
        Algorithm::ES256 => ES256.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
        Algorithm::EdDSA => {
            EddsaJwsAlgorithm::Eddsa.verifier_from_jwk(jwk).map(|v| Box::new(v) as _)
        }
        Algorithm::RS256 => RS256.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
        Algorithm::PS256 => PS256.verifier_from_jwk(jwk).map(|v| Box::new(v) as _),
        Algorithm::Sm2 => return Err(uncommon(algorithm)),
    };
    verifier.map_err(JoseError::new)
}

/// Nothing signs with an algorithm now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSigner {
    /// Its first key is known already and has to wait.
    #[error("the first {} key is announced and does not sign yet", .0.name())]
    Announced(Algorithm),
    #[error("there is no {} key", .0.name())]
    Missing(Algorithm),
}

/// The keys of a realm: one current for each algorithm, older ones that still verify, and announced
/// ones.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<SigningKey>,
}

impl KeySet {
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self { keys }
    }

    pub fn current(&self, algorithm: Algorithm) -> Result<&SigningKey, NoSigner> {
        let own = || self.keys.iter().filter(|key| key.algorithm == algorithm);
        own().find(|key| key.is_current).ok_or_else(|| match own().next() {
            Some(_) => NoSigner::Announced(algorithm),
            None => NoSigner::Missing(algorithm),
        })
    }

    /// For whom no algorithm was chosen: the first of these that signs already, or else any.
    pub fn first(&self, algorithms: &[Algorithm]) -> Result<&SigningKey, NoSigner> {
        let wanted = algorithms.iter().find_map(|algorithm| self.current(*algorithm).ok());
        let any = || self.keys.iter().find(|key| key.is_current && key.algorithm.is_common());
        let none = NoSigner::Missing(algorithms.first().copied().unwrap_or(Algorithm::ES256));
        wanted.or_else(any).ok_or(none)
    }

    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter()
    }

    pub(super) fn verifier(&self, kid: &str) -> Option<(Algorithm, &Verifier)> {
        let key = self.keys.iter().find(|key| key.kid == kid)?;
        Some((key.algorithm, &key.verifier))
    }
}

/// A client's public keys, from its `jwks`.
pub struct PublicKeys {
    keys: Vec<(Option<String>, Algorithm, Box<dyn JwsVerifier>)>,
}

impl PublicKeys {
    /// Reads a JWKS; keys of algorithms that we do not accept are left out.
    pub fn parse(jwks: &Value) -> Result<Self, JoseError> {
        let list = jwks.get("keys").and_then(Value::as_array);
        let list = list.ok_or_else(|| JoseError::new("a JWKS has a list named keys"))?;
        let mut keys = Vec::new();
        for key in list {
            let Value::Object(members) = key else { continue };
            let jwk = Jwk::from_map(members.clone()).map_err(JoseError::new)?;
            let algorithm = match (jwk.algorithm(), jwk.key_type()) {
                (Some(name), _) => Algorithm::parse(name).filter(|known| known.is_common()),
                (None, "EC") => Some(Algorithm::ES256),
                (None, "OKP") => Some(Algorithm::EdDSA),
                (None, _) => Some(Algorithm::RS256),
            };
            if let Some(algorithm) = algorithm {
                let kid = jwk.key_id().map(str::to_owned);
                keys.push((kid, algorithm, verifier(algorithm, &jwk)?));
            }
        }
        Ok(Self { keys })
    }

    pub(super) fn candidates<'k>(
        &'k self,
        kid: Option<&'k str>,
    ) -> impl Iterator<Item = (Algorithm, &'k dyn JwsVerifier)> {
        let fits = move |own: &Option<String>| kid.is_none() || own.as_deref() == kid;
        self.keys.iter().filter(move |(own, _, _)| fits(own)).map(|(_, alg, v)| (*alg, &**v))
    }
}
