//! How many may be inside at once, in all and from one place: connections, bodies on their way, requests
//! at work, streams. Whoever finds no room is turned away at once; nobody waits here. A place is counted with
//! the networks it lies in, each of which has a limit of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::place::Place;

/// What may be inside at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Most {
    pub in_all: usize,
    /// Of an IPv4 address; what other networks may have follows from it.
    pub of_place: usize,
}

pub struct Crowd {
    /// What it is a crowd of, for the counters.
    what: &'static str,
    most: Most,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    in_all: usize,
    of_place: HashMap<Place, usize>,
}

/// The place of one inside, who leaves when it is dropped.
pub struct Seat {
    crowd: Arc<Crowd>,
    place: Option<Place>,
}

impl Crowd {
    pub fn new(what: &'static str, most: Most) -> Arc<Self> {
        Arc::new(Self { what, most, inside: Mutex::default() })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `place`: `None` for whoever speaks for many, who is counted in all alone.
    pub fn enter(self: &Arc<Self>, place: Option<Place>) -> Option<Seat> {
        let mut inside = self.inside();
        let is_full = |network: Place| inside.of(network) >= network.room(self.most.of_place);
        let limit = match (inside.in_all >= self.most.in_all, networks(place).any(is_full)) {
            (true, _) => "all",
            (false, true) => "place",
            (false, false) => {
                inside.in_all += 1;
                for network in networks(place) {
                    *inside.of_place.entry(network).or_default() += 1;
                }
                return Some(Seat { crowd: Arc::clone(self), place });
            }
        };
        metrics::counter!("hufu_refused_for_room_total", "what" => self.what, "limit" => limit)
            .increment(1);
        None
    }

    /// Whether three quarters of the room are taken, of all or of this place or what is around it.
    pub fn is_crowded(&self, place: Option<Place>) -> bool {
        let inside = self.inside();
        let is_most = |n: usize, most: usize| n >= most - most / 4;
        is_most(inside.in_all, self.most.in_all)
            || networks(place)
                .any(|network| is_most(inside.of(network), network.room(self.most.of_place)))
    }

    pub fn what(&self) -> &'static str {
        self.what
    }

    pub fn n_inside(&self) -> usize {
        self.inside().in_all
    }
}

/// All in which somebody is counted.
fn networks(place: Option<Place>) -> impl Iterator<Item = Place> {
    place.into_iter().flat_map(Place::nested)
}

impl Inside {
    fn of(&self, place: Place) -> usize {
        self.of_place.get(&place).copied().unwrap_or_default()
    }
}

impl Seat {
    pub fn is_crowded(&self) -> bool {
        self.crowd.is_crowded(self.place)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inside = self.crowd.inside();
        inside.in_all = inside.in_all.saturating_sub(1);
        for network in networks(self.place) {
            let Entry::Occupied(mut of_place) = inside.of_place.entry(network) else { continue };
            *of_place.get_mut() -= 1;
            if *of_place.get() == 0 {
                of_place.remove();
            }
        }
    }
}
