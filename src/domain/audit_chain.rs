//! The chain that the audit's events form: each link's hash covers the one before it and is
//! keyed, so that nobody who can only write rows can make links that fit. What is cut off at the end
//! together with the head is told by a checkpoint that somebody else has kept. Reading and appending
//! rows is the store's.

use std::fmt;

use crate::base::clock::Timestamp;
use crate::base::secret::{hex, same, sha256};
use crate::base::sm2::{Sm2Key, Sm2Public};
use crate::base::suite::Suite;

/// Links before the key came are plain hashes without a word in front.
const KEYED: [(&str, Suite); 2] = [("k1.", Suite::International), ("s1.", Suite::National)];

/// How a link was keyed: by HMAC-SHA-256 or HMAC-SM3.
fn suite_of(hash: &str) -> Option<Suite> {
    KEYED.into_iter().find(|(word, _)| hash.starts_with(word)).map(|(_, suite)| suite)
}

/// The first link follows this.
pub const CHAIN_START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The key of one realm's chain.
#[derive(Clone, Copy)]
pub struct ChainKey<'a> {
    pub key: &'a [u8; 32],
    pub realm: &'a str,
}

/// What a link says, and where it stands.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    /// Counted from 1.
    pub sequence: i64,
    pub at: Timestamp,
    /// JSON.
    pub event: &'a str,
}

impl ChainKey<'_> {
    /// The hash of a link after `previous`; links of both suites follow one another in a chain.
    pub fn hash(&self, suite: Suite, previous: &str, link: Link<'_>) -> String {
        let (sequence, at) = (link.sequence.to_be_bytes(), link.at.0.to_be_bytes());
        let parts: [&[u8]; 5] =
            [self.realm.as_bytes(), previous.as_bytes(), &sequence, &at, link.event.as_bytes()];
        let word =
            KEYED.into_iter().find(|(_, known)| *known == suite).map_or("", |(word, _)| word);
        format!("{word}{}", hex(&suite.keyed_hash(self.key, &parts)))
    }
}

/// As it was before the key: anybody can work it out. Believed of links that a keyed one follows.
pub fn unkeyed_hash(previous: &str, link: Link<'_>) -> String {
    let text = format!("{previous}\n{}\n{}\n{}", link.sequence, link.at.0, link.event);
    hex(&sha256(text.as_bytes()))
}

/// A link and its hash, written down somewhere else: nothing before it can be changed or cut off
/// unseen. `17 k1.…`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    pub sequence: i64,
    pub hash: String,
}

impl Checkpoint {
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (sequence, hash, signature) = (words.next()?, words.next()?, words.next());
        let fits = signature.is_none_or(|word| word.starts_with(SIGNED)) && words.next().is_none();
        let parsed = Self { sequence: sequence.parse().ok()?, hash: hash.to_owned() };
        fits.then_some(parsed)
    }

    /// As a realm's auditor is given it: whoever has the public key knows that this service said so.
    /// `17 k1.… sm2.…`
    pub fn signed(&self, realm: &str, key: &Sm2Key) -> String {
        format!("{self} {SIGNED}{}", hex(&key.sign(&self.message(realm))))
    }

    /// Whether a line was signed for this realm. `None`: it is no signed checkpoint.
    pub fn is_signed(line: &str, realm: &str, key: &Sm2Public) -> Option<bool> {
        let told = Self::parse(line)?;
        let signature = line.split_whitespace().nth(2)?.strip_prefix(SIGNED)?;
        let pairs = signature.as_bytes().chunks(2).map(|two| {
            let two = std::str::from_utf8(two).ok()?;
            u8::from_str_radix(two, 16).ok()
        });
        Some(key.verifies(&told.message(realm), &pairs.collect::<Option<Vec<u8>>>()?))
    }

    fn message(&self, realm: &str) -> Vec<u8> {
        format!("hufu audit checkpoint\n{realm}\n{self}\n").into_bytes()
    }
}

/// Before the signature, in hexadecimal.
const SIGNED: &str = "sm2.";

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, self.hash)
    }
}

/// What is wrong with a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChainFault {
    #[error("link {0} does not fit")]
    Link(i64),
    /// The head, or a checkpoint, knows of a link that is not there.
    #[error("link {0} is missing")]
    Missing(i64),
    #[error("the last link is not the one that the head tells")]
    Head,
    #[error("link {0} is not the one that the checkpoint tells")]
    Checkpoint(i64),
    /// Every link is a plain hash: the chain may have been made anew by anybody.
    #[error("no link is keyed")]
    Unkeyed,
}

/// Goes along a chain from its start.
pub struct Walk<'a> {
    key: ChainKey<'a>,
    known: &'a [Checkpoint],
    last: Checkpoint,
    is_keyed: bool,
}

impl<'a> Walk<'a> {
    /// `known`: checkpoints that were kept elsewhere.
    pub fn new(key: ChainKey<'a>, known: &'a [Checkpoint]) -> Self {
        let last = Checkpoint { sequence: 0, hash: CHAIN_START.to_owned() };
        Self { key, known, last, is_keyed: false }
    }

    pub fn last(&self) -> &Checkpoint {
        &self.last
    }

    pub fn step(&mut self, link: Link<'_>, hash: String) -> Result<(), ChainFault> {
        let sequence = self.last.sequence + 1;
        let expected = match (suite_of(&hash), self.is_keyed) {
            (Some(suite), _) => self.key.hash(suite, &self.last.hash, link),
            (None, true) => return Err(ChainFault::Link(sequence)),
            (None, false) => unkeyed_hash(&self.last.hash, link),
        };
        if link.sequence != sequence {
            return Err(ChainFault::Missing(sequence));
        }
        if !same(expected.as_bytes(), hash.as_bytes()) {
            return Err(ChainFault::Link(sequence));
        }
        if self.known.iter().any(|known| known.sequence == sequence && known.hash != hash) {
            return Err(ChainFault::Checkpoint(sequence));
        }
        self.is_keyed |= suite_of(&hash).is_some();
        self.last = Checkpoint { sequence, hash };
        Ok(())
    }

    /// `head`: what the chain's head tells of its last link.
    pub fn end(&self, head: &Checkpoint) -> Result<(), ChainFault> {
        let furthest = self.known.iter().map(|known| known.sequence).max().unwrap_or_default();
        if furthest.max(head.sequence) > self.last.sequence {
            return Err(ChainFault::Missing(self.last.sequence + 1));
        }
        if *head != self.last {
            return Err(ChainFault::Head);
        }
        match self.is_keyed || self.last.sequence == 0 {
            true => Ok(()),
            false => Err(ChainFault::Unkeyed),
        }
    }
}
