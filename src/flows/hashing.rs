//! The password lane: as many hashes at once as there are permits, a queue of bounded length and a
//! deadline for getting one, memory reused, never on the threads that answer requests. On the last
//! day of a tax period whoever finds the queue full is told at once when to come back. Officers have a lane
//! of their own, in which no taxpayer stands; who is locked by where they are waits for their turn there first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::domain::password::{self, HashCost, HashMemory};
use crate::flows::Fault;

/// How busy the lane is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    pub at_work: usize,
    pub waiting: usize,
}

/// So many may wait in one queue for their turn; whoever comes then is told at once when to come back.
const MOST_WAITING: usize = 30;

pub struct Hashing {
    /// At which listener its people come in, for the counters.
    listener: &'static str,
    permits: Arc<Semaphore>,
    lanes: usize,
    /// Those at work and those who wait.
    admitted: Semaphore,
    places: usize,
    memory: Arc<Mutex<Vec<HashMemory>>>,
    /// Of queues in which somebody is.
    turns: Mutex<HashMap<String, Weak<Semaphore>>>,
    longest_wait: Duration,
    cost: HashCost,
}

impl Hashing {
    /// `lanes` at work and `queue` that may wait beside them; `cost`: of new hashes.
    pub fn new(
        listener: &'static str,
        (lanes, queue): (usize, usize),
        longest_wait: Duration,
        cost: HashCost,
    ) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(lanes)),
            lanes,
            admitted: Semaphore::new(lanes + queue),
            places: lanes + queue,
            memory: Arc::default(),
            turns: Mutex::default(),
            longest_wait,
            cost,
        }
    }

    pub fn listener(&self) -> &'static str {
        self.listener
    }

    /// How many passwords are hashed now, and how many wait.
    pub fn load(&self) -> Load {
        let at_work = self.lanes.saturating_sub(self.permits.available_permits());
        let admitted = self.places.saturating_sub(self.admitted.available_permits());
        Load { at_work, waiting: admitted.saturating_sub(at_work) }
    }

    /// Whether whoever came now would be sent away.
    pub fn is_full(&self) -> bool {
        self.admitted.available_permits() == 0
    }

    /// Waits until nobody of this queue is before one; the next one's turn begins when this ends. `None`: it
    /// did not come in time, or too many wait for theirs.
    pub async fn turn(&self, queue: &str) -> Option<OwnedSemaphorePermit> {
        let turns = self.turns_of(queue);
        // Whoever waits holds it, and so does whoever has their turn; this one is among them.
        if Arc::strong_count(&turns) > 1 + MOST_WAITING {
            self.count_full();
            return None;
        }
        tokio::time::timeout(self.longest_wait, turns.acquire_owned()).await.ok()?.ok()
    }

    fn count_full(&self) {
        metrics::counter!("hufu_password_queue_full_total", "listener" => self.listener)
            .increment(1);
    }

    fn turns_of(&self, queue: &str) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        turns.get(queue).and_then(Weak::upgrade).unwrap_or_else(|| {
            let new = Arc::new(Semaphore::new(1));
            turns.insert(queue.to_owned(), Arc::downgrade(&new));
            new
        })
    }

    /// `None`: the queue is full, or every lane was taken until the deadline.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<Option<T>, Fault> {
        let Ok(_place) = self.admitted.try_acquire() else {
            self.count_full();
            return Ok(None);
        };
        let since = Instant::now();
        let permit =
            tokio::time::timeout(self.longest_wait, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await;
        metrics::histogram!("hufu_password_wait_seconds", "listener" => self.listener)
            .record(since.elapsed());
        let Ok(Ok(permit)) = permit else { return Ok(None) };
        let memory = Arc::clone(&self.memory);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut own =
                memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let result = work(&mut own);
            memory.lock().unwrap_or_else(PoisonError::into_inner).push(own);
            result
        });
        done.await.map(Some).map_err(|error| Fault::Internal(error.to_string()))
    }

    pub async fn verify(&self, password: &Secret, stored: &str) -> Result<Option<bool>, Fault> {
        let (password, stored) = (password.clone(), stored.to_owned());
        let result = self.run(move |memory| password::verify(&password, &stored, memory)).await?;
        result.transpose().map_err(|error| Fault::Internal(error.to_string()))
    }

    pub async fn hash(&self, password: &Secret, random: &Random) -> Result<Option<String>, Fault> {
        let (password, salt, cost) = (password.clone(), random.bytes(), self.cost);
        let result = self.run(move |memory| password::hash(&password, salt, cost, memory)).await?;
        result.transpose().map_err(|error| Fault::Internal(error.to_string()))
    }
}
