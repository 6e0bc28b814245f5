//! What every handler gets: the services, the realms as they are now, the pages.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::abandoned::Abandoned;
use super::client_ip::Proxies;
use super::crowd::{Crowd, Most};
use super::stopping::Stopping;
use crate::flows::Services;
use crate::realm::Realm;
use crate::views::Views;

#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
    listener: Listener,
}

/// Where somebody comes in: a crowd at one takes nobody's seat at the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listener {
    People,
    Console,
}

impl Listener {
    pub const ALL: [Self; 2] = [Self::People, Self::Console];

    /// For the counters.
    pub fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Console => "console",
        }
    }
}

struct Parts {
    services: Arc<Services>,
    realms: RwLock<HashMap<String, Arc<Realm>>>,
    views: Arc<Views>,
    proxies: Proxies,
    abandoned: Abandoned,
    stopping: Stopping,
    people: Crowds,
    console: Crowds,
}

/// Who may be inside at once.
pub struct Crowds {
    /// Requests whose bodies are late.
    pub late: Arc<Crowd>,
    pub at_work: Arc<Crowd>,
    /// Files on their way and in memory, of people who are signed in.
    pub files: Arc<Crowd>,
    /// Answers that go on for as long as somebody looks at a page.
    pub streams: Arc<Crowd>,
}

impl Crowds {
    pub fn named(&self) -> [(&'static str, &Crowd); 4] {
        [&self.late, &self.at_work, &self.files, &self.streams]
            .map(|crowd| (crowd.what(), crowd.as_ref()))
    }
}

impl Default for Crowds {
    fn default() -> Self {
        let halves = |in_all: usize| Most { in_all, of_place: in_all / 2 };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            late: Crowd::new("body", halves(512)),
            // More than wait for their passwords (`flows::hashing`).
            at_work: Crowd::new("request", halves(1024.max(512 * cores))),
            files: Crowd::new("file", halves(32)),
            streams: Crowd::new("stream", halves(2048)),
        }
    }
}

impl App {
    pub fn new(services: Arc<Services>, realms: Vec<Arc<Realm>>, views: Arc<Views>) -> Self {
        Self::behind(services, realms, views, Proxies::default())
    }

    /// `proxies`: from these alone it is believed whose request it is.
    pub fn behind(
        services: Arc<Services>,
        realms: Vec<Arc<Realm>>,
        views: Arc<Views>,
        proxies: Proxies,
    ) -> Self {
        let realms = realms.into_iter().map(|realm| (realm.id.clone(), realm)).collect();
        let (realms, abandoned) = (RwLock::new(realms), Abandoned::default());
        let stopping = Stopping::default();
        let (people, console) = (Crowds::default(), Crowds::default());
        let parts =
            Parts { services, realms, views, proxies, abandoned, stopping, people, console };
        Self { parts: Arc::new(parts), listener: Listener::People }
    }

    /// The same for the officers' listener.
    #[must_use]
    pub fn at_console(&self) -> Self {
        Self { parts: Arc::clone(&self.parts), listener: Listener::Console }
    }

    pub fn services(&self) -> &Arc<Services> {
        &self.parts.services
    }

    pub fn views(&self) -> &Views {
        &self.parts.views
    }

    /// The handlers at work whose client is gone.
    pub fn abandoned(&self) -> &Abandoned {
        &self.parts.abandoned
    }

    /// Whether and how far this node is leaving.
    pub fn stopping(&self) -> &Stopping {
        &self.parts.stopping
    }

    /// At its own listener.
    pub fn crowds(&self) -> &Crowds {
        self.crowds_at(self.listener)
    }

    pub fn crowds_at(&self, listener: Listener) -> &Crowds {
        match listener {
            Listener::People => &self.parts.people,
            Listener::Console => &self.parts.console,
        }
    }

    pub fn proxies(&self) -> &Proxies {
        &self.parts.proxies
    }

    pub fn realm(&self, id: &str) -> Option<Arc<Realm>> {
        self.parts.realms.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub fn realms(&self) -> Vec<Arc<Realm>> {
        self.parts.realms.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A new version of a realm, for the requests that come from now on.
    pub fn replace(&self, realm: Arc<Realm>) {
        let mut realms = self.parts.realms.write().unwrap_or_else(PoisonError::into_inner);
        realms.insert(realm.id.clone(), realm);
    }

    /// A realm that is no longer served.
    pub fn remove(&self, id: &str) {
        self.parts.realms.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
