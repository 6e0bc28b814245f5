//! Passwords: the rules for a new one (DEC-1) and argon2id with reused memory. When and on which
//! thread hashing happens is decided in `flows::hashing`.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::base::secret::Secret;

/// How many classes of characters a new password needs, and its length.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PasswordRules {
    pub min_length: usize,
    pub max_length: usize,
    pub min_classes: usize,
    /// Upper and lower case count as one class (L223 of the guide).
    pub letters_merged: bool,
    /// Refused whatever their classes, in lower case.
    pub denied: Vec<String>,
}

/// Which rule a new password breaks, for the person who chose it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordFault {
    Length,
    Classes,
    Personal,
    Common,
    Unchanged,
    NotEqual,
}

impl PasswordFault {
    /// The last part of its text's key in `locales/`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Classes => "classes",
            Self::Personal => "personal",
            Self::Common => "common",
            Self::Unchanged => "unchanged",
            Self::NotEqual => "not-equal",
        }
    }
}

impl PasswordRules {
    /// `personal`: what the password must not be or contain: username, phones, last six of the
    /// documents.
    pub fn check(&self, password: &Secret, personal: &[String]) -> Result<(), PasswordFault> {
        let text = password.expose();
        if !(self.min_length..=self.max_length).contains(&text.chars().count()) {
            return Err(PasswordFault::Length);
        }
        if self.classes(text) < self.min_classes {
            return Err(PasswordFault::Classes);
        }
        let folded = text.to_lowercase();
        let holds = |part: &String| !part.is_empty() && folded.contains(&part.to_lowercase());
        if personal.iter().any(holds) {
            return Err(PasswordFault::Personal);
        }
        if self.denied.contains(&folded) {
            return Err(PasswordFault::Common);
        }
        Ok(())
    }

    fn classes(&self, text: &str) -> usize {
        let digit = text.chars().any(|c| c.is_ascii_digit());
        let upper = text.chars().any(char::is_uppercase);
        let lower = text.chars().any(char::is_lowercase);
        let special = text.chars().any(|c| !c.is_alphanumeric());
        let letters = if self.letters_merged {
            usize::from(upper || lower)
        } else {
            usize::from(upper) + usize::from(lower)
        };
        usize::from(digit) + letters + usize::from(special)
    }
}

/// The memory of one hashing lane, reused so that the kernel need not map it anew each time.
pub type HashMemory = Vec<Block>;

/// What a new argon2id hash costs whoever makes it, and whoever guesses; one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// KiB.
    pub memory: u32,
    pub passes: u32,
}

/// OWASP: 19 MiB, two passes.
impl Default for HashCost {
    fn default() -> Self {
        Self { memory: 19 * 1024, passes: 2 }
    }
}

impl HashCost {
    fn params(self) -> Result<Params, HashFormatError> {
        Params::new(self.memory, self.passes, 1, None).map_err(|_| HashFormatError)
    }
}

/// A stored hash is not one of ours, or argon2 knows no such cost.
#[derive(Debug, thiserror::Error)]
#[error("the password hash or its cost is malformed")]
pub struct HashFormatError;

/// A new PHC string `$argon2id$…` with the given salt.
pub fn hash(
    password: &Secret,
    salt: [u8; 16],
    cost: HashCost,
    memory: &mut HashMemory,
) -> Result<String, HashFormatError> {
    let mut out = [0; 32];
    run(password, &salt, cost.params()?, &mut out, memory)?;
    let hashed = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&cost.params()?).try_into().map_err(|_| HashFormatError)?,
        salt: Some(Salt::new(&salt).map_err(|_| HashFormatError)?),
        hash: Some(Output::new(&out).map_err(|_| HashFormatError)?),
    };
    Ok(hashed.to_string())
}

fn run(
    password: &Secret,
    salt: &[u8],
    params: Params,
    out: &mut [u8],
    memory: &mut HashMemory,
) -> Result<(), HashFormatError> {
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::default());
    }
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            out,
            memory.as_mut_slice(),
        )
        .map_err(|_| HashFormatError)
}

/// Whether the password belongs to the hash; compares in constant time.
pub fn verify(
    password: &Secret,
    stored: &str,
    memory: &mut HashMemory,
) -> Result<bool, HashFormatError> {
    let stored = PasswordHash::new(stored).map_err(|_| HashFormatError)?;
    let params = Params::try_from(&stored).map_err(|_| HashFormatError)?;
    let salt = stored.salt.as_ref().ok_or(HashFormatError)?;
    let wanted = stored.hash.as_ref().ok_or(HashFormatError)?;
    let mut out = vec![0; wanted.len()];
    run(password, salt.as_ref(), params, &mut out, memory)?;
    let found = Output::new(&out).map_err(|_| HashFormatError)?;
    Ok(found == *wanted)
}

/// A hash that no password fits, for persons who do not exist: the same work, the same time.
pub fn dummy_hash() -> &'static str {
    "$argon2id$v=19$m=19456,t=2,p=1$aHVmdS1kdW1teS1zYWx0$pXJmKkGZ7Fj0eGYq0rZxkqmH0qFh3sZ0m2e0Q1yq8nE"
}
