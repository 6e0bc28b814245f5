//! Lists that this node has read already, so that a sign-in does not read one of thousands of lines anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::clock::Timestamp;
use crate::certificate::Crl;

/// A list and when it was fetched.
type Held = (Timestamp, Arc<Crl>);

/// By realm and address.
#[derive(Default)]
pub struct HeldLists(Mutex<HashMap<(String, String), Held>>);

impl HeldLists {
    /// The one that was fetched then, and no other.
    pub fn get(&self, realm: &str, url: &str, fetched_at: Timestamp) -> Option<Arc<Crl>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, list) = held.get(&(realm.to_owned(), url.to_owned()))?;
        (*at == fetched_at).then(|| Arc::clone(list))
    }

    pub fn put(&self, realm: &str, url: &str, fetched_at: Timestamp, list: Arc<Crl>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert((realm.to_owned(), url.to_owned()), (fetched_at, list));
    }
}
