//! The contract on Redis, for several nodes. A value carries its own deadline in our clock's time;
//! Redis' expiry only keeps it from growing. What is read and written is one script.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, RedisError, Script};

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

/// Takes one count back, the window stays.
const UNCOUNT: &str = r"
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local ends, value = string.match(held, '^(%d+)\n(.*)$')
redis.call('SET', KEYS[1], ends .. '\n' .. math.max(tonumber(value) - 1, 0), 'KEEPTTL')
return 1";

pub(super) struct Shared {
    connection: ConnectionManager,
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

fn milliseconds(now: i64, expires_at: i64) -> u64 {
    u64::try_from(expires_at - now).unwrap_or_default().max(1)
}

impl Shared {
    pub(super) async fn connect(url: &str) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(1)));
        let client = redis::Client::open(url)?;
        Ok(Self {
            connection: client.get_connection_manager_with_config(config).await?,
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

    pub(super) async fn put(
        &self,
        key: &str,
        value: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<(), RedisError> {
        let held = format!("{expires_at}\n{value}");
        self.connection().pset_ex(key, held, milliseconds(now, expires_at)).await
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
        key: &str,
        from: Option<&str>,
        to: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<bool, RedisError> {
        let mut call = self.replace.key(key);
        call.arg(now).arg(from.unwrap_or_default()).arg(to).arg(expires_at);
        call.arg(milliseconds(now, expires_at)).invoke_async(&mut self.connection()).await
    }

    pub(super) async fn mark(
        &self,
        key: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<bool, RedisError> {
        let mut call = self.mark.key(key);
        call.arg(now).arg(expires_at).arg(milliseconds(now, expires_at));
        call.invoke_async(&mut self.connection()).await
    }

    pub(super) async fn count(
        &self,
        key: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<(u32, i64), RedisError> {
        let mut call = self.count.key(key);
        call.arg(now).arg(expires_at).arg(milliseconds(now, expires_at));
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
