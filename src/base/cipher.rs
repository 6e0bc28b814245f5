//! Encryption at rest: one master key outside the database wraps *roots*, which lie in it; from a
//! root every purpose derives its own keys. A sealed value names its root, so that roots follow one
//! another while the service runs, and the master key is exchanged without touching a value. Values of
//! root 0 name none. Which algorithms: `suite`. Rows of roots, and sealing everything anew, are the store's.

use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use crate::base::clock::Timestamp;
use crate::base::random::Random;
use crate::base::secret::{hex, keyed_hash};
use crate::base::suite::{Sealer, Suite};

/// A stored value could not be opened: another key, another purpose, or changed bytes.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a value at rest does not open with the master key")]
pub struct SealError;

/// 256 bits from the key file; never in the database, never in a log.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Tells master keys apart; nothing of the key can be worked out from it.
    pub fn fingerprint(&self) -> String {
        hex(&keyed_hash(&self.0, &[b"hufu", b"fingerprint"])[..8])
    }
}

/// Where the key is that wraps roots: a file beside the service, or a machine that gives no key away
/// (a cipher machine, GM/T 0030), and may take its time.
pub trait Keeper: Send + Sync {
    /// Tells keys apart, in a few characters.
    fn fingerprint(&self) -> String;
    fn wrap<'k>(&'k self, random: &'k Random, root: u32, key: &'k RootKey) -> Kept<'k, Vec<u8>>;
    fn unwrap<'k>(&'k self, root: u32, wrapped: &'k [u8]) -> Kept<'k, RootKey>;
    /// What sealed before there were roots, which then is root 0: a key of a file.
    fn first_root(&self) -> Option<RootKey>;
}

/// What a keeper answers.
pub type Kept<'k, T> = BoxFuture<'k, Result<T, KeeperError>>;

/// Why a root could not be wrapped or unwrapped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeeperError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the keeper of the master key does not answer: {0}")]
    Away(String),
}

impl Keeper for MasterKey {
    fn fingerprint(&self) -> String {
        Self::fingerprint(self)
    }

    fn wrap<'k>(&'k self, random: &'k Random, root: u32, key: &'k RootKey) -> Kept<'k, Vec<u8>> {
        let wrapped = self.wrapper().seal(random.bytes(), &place_of(root), key.0.as_slice());
        Box::pin(ready(Ok(wrapped)))
    }

    fn unwrap<'k>(&'k self, root: u32, wrapped: &'k [u8]) -> Kept<'k, RootKey> {
        let key = self.wrapper().open(&place_of(root), wrapped).ok_or(SealError);
        Box::pin(ready(key.and_then(|key| RootKey::parse(&key)).map_err(KeeperError::from)))
    }

    fn first_root(&self) -> Option<RootKey> {
        Some(RootKey(self.0.clone()))
    }
}

impl MasterKey {
    fn wrapper(&self) -> Sealer {
        Suite::International.sealer(&keyed_hash(&self.0, &[b"hufu", b"wrap"]))
    }
}

fn place_of(root: u32) -> Vec<u8> {
    format!("data_root.{root}").into_bytes()
}

/// 256 bits from which every purpose derives its keys.
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; 32]>);

impl RootKey {
    pub fn random(random: &Random) -> Self {
        Self(Zeroizing::new(random.bytes()))
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        Ok(Self(Zeroizing::new(bytes.try_into().map_err(|_| SealError)?)))
    }

    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is no other than this master key, as root 0 is where values were sealed before there were
    /// roots.
    pub fn is_master(&self, fingerprint: &str) -> bool {
        MasterKey(self.0.clone()).fingerprint() == fingerprint
    }

    /// A key for one purpose; knowing it tells nothing about the others.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_hash(&self.0, &[b"hufu", purpose.as_bytes()])
    }
}

/// One root, as the store reads it.
pub struct Root {
    pub id: u32,
    pub suite: Suite,
    pub key: RootKey,
    /// It seals from then on; until then other nodes learn of it.
    pub active_from: Timestamp,
    /// Nothing is sealed by it any more, as far as rows are known that are sealed anew.
    pub is_retired: bool,
}

/// What a cipher is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Rows of the database.
    Personal,
    /// What browsers and short-lived values hold.
    Cookie,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Cookie => "cookie",
        }
    }
}

struct Keys {
    sealer: Sealer,
    index: Zeroizing<[u8; 32]>,
}

impl Keys {
    fn of(root: &Root, purpose: Purpose) -> Self {
        let derive = |what: &str| {
            let name = format!("{}/{what}", purpose.name());
            root.suite.keyed_hash(root.key.expose(), &[b"hufu", name.as_bytes()])
        };
        let sealing = Zeroizing::new(derive("seal"));
        Self { sealer: root.suite.sealer(&sealing), index: Zeroizing::new(derive("index")) }
    }
}

struct Opened {
    id: u32,
    suite: Suite,
    active_from: Timestamp,
    is_retired: bool,
    personal: Keys,
    cookie: Keys,
}

impl Opened {
    fn keys(&self, purpose: Purpose) -> &Keys {
        match purpose {
            Purpose::Personal => &self.personal,
            Purpose::Cookie => &self.cookie,
        }
    }
}

struct Known {
    /// By id.
    roots: Arc<Vec<Opened>>,
    current: usize,
}

impl Known {
    fn of(roots: Vec<Root>, now: Timestamp) -> Self {
        let open = |root: Root| Opened {
            personal: Keys::of(&root, Purpose::Personal),
            cookie: Keys::of(&root, Purpose::Cookie),
            id: root.id,
            suite: root.suite,
            active_from: root.active_from,
            is_retired: root.is_retired,
        };
        let mut roots: Vec<Opened> = roots.into_iter().map(open).collect();
        roots.sort_by_key(|root| root.id);
        Self { current: current(&roots, now), roots: Arc::new(roots) }
    }

    fn current(&self) -> &Opened {
        &self.roots[self.current]
    }
}

/// The youngest that is active.
fn current(roots: &[Opened], now: Timestamp) -> usize {
    roots.iter().rposition(|root| root.active_from <= now).unwrap_or_default()
}

/// Every root that is known to this process, and which of them seals.
pub struct Ring {
    known: RwLock<Arc<Known>>,
    first: RootKey,
    /// A value named a root that is not known here.
    is_behind: AtomicBool,
}

impl Ring {
    /// `roots`: 0 among them.
    pub fn new(roots: Vec<Root>, now: Timestamp) -> Result<Arc<Self>, SealError> {
        let first = roots.iter().find(|root| root.id == 0).ok_or(SealError)?.key.clone();
        let known = RwLock::new(Arc::new(Known::of(roots, now)));
        Ok(Arc::new(Self { known, first, is_behind: AtomicBool::new(false) }))
    }

    /// As they stand in the database now.
    pub fn refresh(&self, roots: Vec<Root>, now: Timestamp) {
        let known = Arc::new(Known::of(roots, now));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Takes the turn to a root that was announced. `false`: roots stand otherwise than is known here
    /// (`told`: id, when it seals, whether it has retired), and [`Self::refresh`] is due.
    pub fn turn(&self, told: &[(u32, Timestamp, bool)], now: Timestamp) -> bool {
        let known = self.known();
        let same = |(root, told): (&Opened, &(u32, Timestamp, bool))| {
            (root.id, root.active_from, root.is_retired) == *told
        };
        if known.roots.len() != told.len() || !known.roots.iter().zip(told).all(same) {
            return false;
        }
        let next = Known { roots: Arc::clone(&known.roots), current: current(&known.roots, now) };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        true
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a value was met whose root is to be learned at once; told once.
    pub fn is_behind(&self) -> bool {
        self.is_behind.swap(false, Ordering::Relaxed)
    }

    /// For what must never change with a root: pairwise subjects, the audit's chain.
    pub fn first(&self) -> &RootKey {
        &self.first
    }

    /// The youngest that is known, announced or in use.
    pub fn youngest(&self) -> u32 {
        self.known().roots.last().map_or(0, |root| root.id)
    }

    /// When the first that is younger than this one seals.
    pub fn followed_from(&self, root: u32) -> Option<Timestamp> {
        let known = self.known();
        known.roots.iter().find(|younger| younger.id > root).map(|younger| younger.active_from)
    }

    /// The root that seals now, and since when.
    pub fn current(&self) -> (u32, Suite, Timestamp) {
        let known = self.known();
        let current = known.current();
        (current.id, current.suite, current.active_from)
    }

    /// Whether rows may be sealed by another than the current one.
    pub fn has_older(&self) -> bool {
        let known = self.known();
        known.roots[..known.current].iter().any(|root| !root.is_retired)
    }

    pub fn cipher(self: &Arc<Self>, purpose: Purpose) -> Cipher {
        Cipher { ring: Arc::clone(self), purpose }
    }
}

/// Before the root's id and a value that it has sealed; what root 0 has sealed has neither.
const NAMES_ITS_ROOT: u8 = 1;

/// Seals values and computes their look-up hashes for one purpose.
pub struct Cipher {
    ring: Arc<Ring>,
    purpose: Purpose,
}

impl Cipher {
    /// Root, nonce and ciphertext. `place` (table, column, row) is authenticated, so a value cannot be
    /// moved to another place.
    pub fn seal(&self, random: &Random, place: &str, plain: &[u8]) -> Vec<u8> {
        let known = self.ring.known();
        let root = known.current();
        let sealed = root.keys(self.purpose).sealer.seal(random.bytes(), place.as_bytes(), plain);
        match root.id {
            0 => sealed,
            id => [&[NAMES_ITS_ROOT][..], &id.to_be_bytes(), &sealed].concat(),
        }
    }

    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        Ok(self.open_by(place, sealed)?.1)
    }

    /// With the root that had sealed it; `None`: the current one.
    pub fn open_if_older(
        &self,
        place: &str,
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, SealError> {
        let (root, plain) = self.open_by(place, sealed)?;
        Ok((root != self.ring.known().current().id).then_some(plain))
    }

    fn open_by(&self, place: &str, sealed: &[u8]) -> Result<(u32, Zeroizing<Vec<u8>>), SealError> {
        let known = self.ring.known();
        let open = |root: &Opened, sealed: &[u8]| {
            let plain = root.keys(self.purpose).sealer.open(place.as_bytes(), sealed)?;
            Some((root.id, plain))
        };
        // A nonce of root 0 may begin like a name: what does not open by that name is tried as its own.
        let named = named(sealed).and_then(|(id, rest)| {
            let root = known.roots.iter().find(|root| root.id == id && id != 0)?;
            open(root, rest)
        });
        let opened = named.or_else(|| open(known.roots.first()?, sealed));
        if opened.is_none() && sealed.first() == Some(&NAMES_ITS_ROOT) {
            self.ring.is_behind.store(true, Ordering::Relaxed);
        }
        opened.ok_or(SealError)
    }

    pub fn open_text(&self, place: &str, sealed: &[u8]) -> Result<String, SealError> {
        String::from_utf8(self.open(place, sealed)?.to_vec()).map_err(|_| SealError)
    }

    /// The keyed hash under which a sealed value is written.
    pub fn index(&self, kind: &str, value: &str) -> Vec<u8> {
        self.hash(self.ring.known().current(), kind, value)
    }

    /// The keyed hashes under which it may stand: by each root that has not retired, those that will
    /// seal soon among them.
    pub fn indexes(&self, kind: &str, value: &str) -> Vec<Vec<u8>> {
        let known = self.ring.known();
        let live = known.roots.iter().filter(|root| !root.is_retired);
        live.map(|root| self.hash(root, kind, value)).collect()
    }

    /// The same by every root there was, for a hash whose value is kept nowhere and is never made anew.
    pub fn all_indexes(&self, kind: &str, value: &str) -> Vec<Vec<u8>> {
        self.ring.known().roots.iter().map(|root| self.hash(root, kind, value)).collect()
    }

    fn hash(&self, root: &Opened, kind: &str, value: &str) -> Vec<u8> {
        let key = &root.keys(self.purpose).index;
        root.suite.keyed_hash(key, &[kind.as_bytes(), value.as_bytes()]).to_vec()
    }

    /// Sealed and base64url, for cookies and other text places.
    pub fn seal_text(&self, random: &Random, place: &str, plain: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.seal(random, place, plain.as_bytes()))
    }

    pub fn open_sealed_text(&self, place: &str, sealed: &str) -> Result<String, SealError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError)?;
        self.open_text(place, &bytes)
    }
}

/// The root that a value names, and the rest.
fn named(sealed: &[u8]) -> Option<(u32, &[u8])> {
    let (name, rest) = sealed.split_at_checked(5)?;
    let id = u32::from_be_bytes(name[1..].try_into().ok()?);
    (name[0] == NAMES_ITS_ROOT).then_some((id, rest))
}
