//! The contract on Redis, for several nodes. A value carries its own deadline in our clock's time;
//! Redis' expiry only keeps it from growing. What is read and written is one script. What strangers
//! make is added up in windows; everything together is bounded by `maxmemory` of Redis, which must
//! refuse then and forget nothing (`noeviction`).

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, RedisError, Script};

use super::budget::{Budget, Full, Share};
use super::memory::Incoming;

/// Beside its text, what Redis needs for a key and its expiry.
const ENTRY: usize = 160;

/// Milliseconds in which bytes are added up; nothing that strangers make is kept for longer.
const WINDOW: i64 = 600_000;

/// Puts a value if its bytes still fit: of all strangers, and of their place. Returns which of the two
/// was full, or 0.
const PUT_WITHIN: &str = r"
local size, window = tonumber(ARGV[3]), ARGV[4]
for n = 2, #KEYS do
  if tonumber(redis.call('GET', KEYS[n]) or 0) + size > tonumber(ARGV[n + 3]) then return n - 1 end
end
for n = 2, #KEYS do
  if redis.call('INCRBY', KEYS[n], size) == size then redis.call('PEXPIRE', KEYS[n], window) end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0";

/// Replaces the value if it is still `from`, keeping its deadline.
const SWAP: &str = r"
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local deadline, value = string.match(held, '^(%d+)\n(.*)$')
if tonumber(deadline) <= tonumber(ARGV[1]) or value ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], deadline .. '\n' .. ARGV[3], 'KEEPTTL')
return 1";

/// Replaces the value if it is still `from`, which is empty for nothing, with a new deadline.
const REPLACE: &str = r"
local held, live = redis.call('GET', KEYS[1]), ''
if held then
  local deadline, value = string.match(held, '^(%d+)\n(.*)$')
  if tonumber(deadline) > tonumber(ARGV[1]) then live = value end
end
if live ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[4] .. '\n' .. ARGV[3], 'PX', ARGV[5])
return 1";

/// 1 when nothing live stood there before.
const MARK: &str = r"
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^(%d+)')) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. '\n1', 'PX', ARGV[3])
return 1";

/// Counts in the window that the first count began.
const COUNT: &str = r"
local held, count, deadline = redis.call('GET', KEYS[1]), 0, ARGV[2]
if held then
  local ends, value = string.match(held, '^(%d+)\n(.*)$')
  if tonumber(ends) > tonumber(ARGV[1]) then count, deadline = tonumber(value), ends end
end
count = count + 1
redis.call('SET', KEYS[1], deadline .. '\n' .. count, 'PX', ARGV[3])
return {count, tonumber(deadline)}";

/// Takes one count back; the window stays unless nothing is left in it.
const UNCOUNT: &str = r"
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local ends, value = string.match(held, '^(%d+)\n(.*)$')
if tonumber(value) <= 1 then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ends .. '\n' .. tonumber(value) - 1, 'KEEPTTL')
return 1";

pub(super) struct Shared {
    connection: ConnectionManager,
    budget: Budget,
    put_within: Script,
    swap: Script,
    replace: Script,
    mark: Script,
    count: Script,
    uncount: Script,
}

fn live(held: Option<String>, now: i64) -> Option<String> {
    let held = held?;
    let (deadline, value) = held.split_once('\n')?;
    (deadline.parse::<i64>().ok()? > now).then(|| value.to_owned())
}

impl Incoming<'_> {
    fn milliseconds(&self) -> u64 {
        u64::try_from(self.expires_at - self.now).unwrap_or_default().max(1)
    }

    fn held(&self, value: &str) -> String {
        format!("{}\n{value}", self.expires_at)
    }
}

impl Shared {
    pub(super) async fn connect(url: &str, budget: Budget) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(1)));
        let client = redis::Client::open(url)?;
        Ok(Self {
            connection: client.get_connection_manager_with_config(config).await?,
            budget,
            put_within: Script::new(PUT_WITHIN),
            swap: Script::new(SWAP),
            replace: Script::new(REPLACE),
            mark: Script::new(MARK),
            count: Script::new(COUNT),
            uncount: Script::new(UNCOUNT),
        })
    }

    fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    pub(super) async fn put(&self, incoming: &Incoming<'_>, value: &str) -> Result<(), RedisError> {
        let held = incoming.held(value);
        self.connection().pset_ex(incoming.key, held, incoming.milliseconds()).await
    }

    /// `Some`: it is not kept.
    pub(super) async fn put_within(
        &self,
        incoming: &Incoming<'_>,
        value: &str,
    ) -> Result<Option<Full>, RedisError> {
        let held = incoming.held(value);
        let size = ENTRY + incoming.key.len() + held.len();
        let mut call = self.put_within.key(incoming.key);
        call.key("hufu/strangers");
        call.arg(held).arg(incoming.milliseconds()).arg(size).arg(WINDOW);
        call.arg(self.budget.of(Share::Anybody));
        let limit = self.budget.of_place(Share::Anybody);
        if let (Some(place), Some(limit)) = (incoming.place, limit) {
            call.key(format!("hufu/strangers/{place}")).arg(limit);
        }
        Ok(match call.invoke_async(&mut self.connection()).await? {
            0 => None,
            1 => Some(Full::All),
            _ => Some(Full::Place),
        })
    }

    pub(super) async fn get(&self, key: &str, now: i64) -> Result<Option<String>, RedisError> {
        Ok(live(self.connection().get(key).await?, now))
    }

    pub(super) async fn take(&self, key: &str, now: i64) -> Result<Option<String>, RedisError> {
        Ok(live(self.connection().get_del(key).await?, now))
    }

    pub(super) async fn swap(
        &self,
        key: &str,
        from: &str,
        to: &str,
        now: i64,
    ) -> Result<bool, RedisError> {
        let mut call = self.swap.key(key);
        call.arg(now).arg(from).arg(to).invoke_async(&mut self.connection()).await
    }

    /// `from` and `to` are never empty.
    pub(super) async fn replace(
        &self,
        incoming: &Incoming<'_>,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, RedisError> {
        let mut call = self.replace.key(incoming.key);
        call.arg(incoming.now).arg(from.unwrap_or_default()).arg(to).arg(incoming.expires_at);
        call.arg(incoming.milliseconds()).invoke_async(&mut self.connection()).await
    }

    pub(super) async fn mark(&self, incoming: &Incoming<'_>) -> Result<bool, RedisError> {
        let mut call = self.mark.key(incoming.key);
        call.arg(incoming.now).arg(incoming.expires_at).arg(incoming.milliseconds());
        call.invoke_async(&mut self.connection()).await
    }

    pub(super) async fn count(&self, incoming: &Incoming<'_>) -> Result<(u32, i64), RedisError> {
        let mut call = self.count.key(incoming.key);
        call.arg(incoming.now).arg(incoming.expires_at).arg(incoming.milliseconds());
        call.invoke_async(&mut self.connection()).await
    }

    pub(super) async fn uncount(&self, key: &str) -> Result<(), RedisError> {
        let _: i64 = self.uncount.key(key).invoke_async(&mut self.connection()).await?;
        Ok(())
    }

    pub(super) async fn forget(&self, key: &str) -> Result<(), RedisError> {
        self.connection().del(key).await
    }
}
