//! The contract on Redis, for several nodes. A value carries its own deadline in our clock's time;
//! Redis' expiry only keeps it from growing. What is read and written is one script. What each share and
//! each network or application takes is added up here; everything together is bounded by `maxmemory` of
//! Redis, which must refuse then and forget nothing (`noeviction`).

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, RedisError, Script, ScriptInvocation};

use super::budget::{Budget, Full};
use super::error::EphemeralError;
use super::memory::Incoming;

/// Beside its text, what Redis needs for a key and its expiry.
const ENTRY: usize = 160;

/// What is written to see whether anything can be.
const PING: &str = "hufu/ping";

/// Milliseconds whose ends are added up together: what is over makes room no later than that.
const STEP: i64 = 60_000;

/// Where it is kept what is taken. Another name for another step, or a script would walk from a step that
/// was counted in the former.
const TAKEN: &str = "hufu/taken";

/// Keys of what is taken that a script may have: by everybody, and by an application or each network that a
/// place lies in.
const MOST_TAKEN: usize = 4;

/// What every script begins with. Beside the value's key come those of what is taken, by everybody and by
/// its makers: `all`, and of that what ends in each step, from the step `since` on. `ARGV`:
/// now, the step, the bytes beside the text, the limits of those keys (`MOST_TAKEN`), and then the script's
/// own.
const ROOM: &str = r"
local now, step, beside = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function step_of(instant) return math.floor(instant / step) end
local function deadline(held) return tonumber(string.match(held, '^(%d+)')) end
local function value(held) return string.match(held, '^%d+\n(.*)$') end
local held = redis.call('GET', KEYS[1])
local is_live = held and deadline(held) > now

-- Without what has ended. `0 - n`, because Redis reads no `-0`. Step by step, or, where nothing was counted
-- for long, field by field: whichever is shorter.
local function taken(key)
  local all = tonumber(redis.call('HGET', key, 'all') or 0)
  local function over(at)
    local ended = redis.call('HGET', key, at)
    if ended then
      all = redis.call('HINCRBY', key, 'all', 0 - ended)
      redis.call('HDEL', key, at)
    end
  end
  local since = tonumber(redis.call('HGET', key, 'since') or step_of(now))
  if step_of(now) - since <= redis.call('HLEN', key) then
    for at = since, step_of(now) - 1 do over(at) end
    return all
  end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local at = tonumber(field)
    if at and at < step_of(now) then over(field) end
  end
  return all
end

-- What is held makes room, and `text` takes some, if there is one. Returns which of them has not enough,
-- or 0.
local function change(text, is_bounded)
  local more, at, plan = 0, nil, {}
  if text then more, at = beside + #text, step_of(deadline(text)) end
  for n = 2, #KEYS do
    local all, less, was_at = taken(KEYS[n]), 0, nil
    if held and step_of(deadline(held)) >= step_of(now) then
      was_at = step_of(deadline(held))
      less = math.min(beside + #held, tonumber(redis.call('HGET', KEYS[n], was_at) or 0))
    end
    if is_bounded and more > less and all - less + more > tonumber(ARGV[n + 2]) then return n - 1 end
    plan[n] = {less, was_at}
  end
  for n = 2, #KEYS do
    local less, was_at = plan[n][1], plan[n][2]
    redis.call('HSET', KEYS[n], 'since', step_of(now))
    redis.call('HINCRBY', KEYS[n], 'all', more - less)
    if was_at then redis.call('HINCRBY', KEYS[n], was_at, 0 - less) end
    if at then redis.call('HINCRBY', KEYS[n], at, more) end
    local life = (at or step_of(now)) * step + 2 * step - now
    if redis.call('PTTL', KEYS[n]) < life then redis.call('PEXPIRE', KEYS[n], life) end
  end
  return 0
end

local function put(text, life)
  local full = change(text, true)
  if full == 0 then redis.call('SET', KEYS[1], text, 'PX', life) end
  return full
end
";

/// Returns what was full: 0, 1 (everybody's) or more (the maker's, or what is around it).
const PUT: &str = "return put(ARGV[8], ARGV[9])";

const FORGET: &str = r"
if not held then return 0 end
change(nil, false)
return redis.call('DEL', KEYS[1])";

/// Replaces the value if it is still `from`, keeping its deadline; what is there may go on.
const SWAP: &str = r"
if not is_live or value(held) ~= ARGV[8] then return 0 end
local text = deadline(held) .. '\n' .. ARGV[9]
change(text, false)
redis.call('SET', KEYS[1], text, 'KEEPTTL')
return 1";

/// Replaces the value if it is still `from`, which is empty for nothing, with a new deadline. -1: it is
/// another; else as `PUT`.
const REPLACE: &str = r"
local found = is_live and value(held) or ''
if found ~= ARGV[10] then return -1 end
return put(ARGV[8], ARGV[9])";

/// -1 when something live stood there before; else as `PUT`.
const MARK: &str = r"
if is_live then return -1 end
return put(ARGV[8], ARGV[9])";

/// Counts in the window that the first count began. Returns the count and its deadline, or 0 and what
/// was full.
const COUNT: &str = r"
if is_live then
  local count = tonumber(value(held)) + 1
  redis.call('SET', KEYS[1], deadline(held) .. '\n' .. count, 'KEEPTTL')
  return {count, deadline(held)}
end
local full = put(ARGV[8], ARGV[9])
if full > 0 then return {0, full} end
return {1, deadline(ARGV[8])}";

/// Takes one count back; the window stays unless nothing is left in it.
const UNCOUNT: &str = r"
if not held then return 0 end
local count = tonumber(value(held)) - 1
if count > 0 then
  redis.call('SET', KEYS[1], deadline(held) .. '\n' .. count, 'KEEPTTL')
  return 1
end
change(nil, false)
return redis.call('DEL', KEYS[1])";

pub(super) struct Shared {
    connection: ConnectionManager,
    budget: Budget,
    put: Script,
    forget: Script,
    swap: Script,
    replace: Script,
    mark: Script,
    count: Script,
    uncount: Script,
}

/// How a Redis is bounded; `None` for what it does not say.
pub struct Bounds {
    /// Bytes; 0: by nothing.
    pub most: Option<u64>,
    /// What it does then.
    pub policy: Option<String>,
}

fn live(held: Option<String>, now: i64) -> Option<String> {
    let held = held?;
    let (deadline, value) = held.split_once('\n')?;
    (deadline.parse::<i64>().ok()? > now).then(|| value.to_owned())
}

fn within_room(script: &str) -> Script {
    Script::new(&format!("{ROOM}{script}"))
}

/// What a script tells of what it was to put: whether it did, unless there was no room.
fn outcome(told: i64) -> Result<bool, EphemeralError> {
    match told {
        ..=0 => Ok(told == 0),
        1 => Err(EphemeralError::full(Full::All)),
        2.. => Err(EphemeralError::full(Full::Place)),
    }
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
            put: within_room(PUT),
            forget: within_room(FORGET),
            swap: within_room(SWAP),
            replace: within_room(REPLACE),
            mark: within_room(MARK),
            count: within_room(COUNT),
            uncount: within_room(UNCOUNT),
        })
    }

    pub(super) async fn bounds(&self) -> Result<Bounds, RedisError> {
        let mut connection = self.connection();
        let told: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await?;
        let find = |name: &str| told.lines().find_map(|line| line.strip_prefix(name));
        Ok(Bounds {
            most: find("maxmemory:").and_then(|text| text.parse().ok()),
            policy: find("maxmemory_policy:").map(str::to_owned),
        })
    }

    fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    /// A script with what `ROOM` asks for.
    fn call<'s>(&self, script: &'s Script, at: &Incoming<'_>) -> ScriptInvocation<'s> {
        let limits = self.budget.limits(at.whose);
        let all = format!("{TAKEN}/{}", at.whose.share.name());
        let mut call = script.key(at.key);
        call.key(&all);
        for (maker, _) in &limits.of_makers {
            call.key(format!("{all}/{maker}"));
        }
        call.arg(at.now).arg(STEP).arg(ENTRY + at.key.len()).arg(limits.in_all);
        // As many as there may be, so that the script's own stand where it looks for them.
        let of_makers = limits.of_makers.iter().map(|(_, limit)| *limit);
        for limit in of_makers.chain(std::iter::repeat(0)).take(MOST_TAKEN - 1) {
            call.arg(limit);
        }
        call
    }

    /// The same with what it is to put.
    fn putting<'s>(
        &self,
        script: &'s Script,
        incoming: &Incoming<'_>,
        value: &str,
    ) -> ScriptInvocation<'s> {
        let mut call = self.call(script, incoming);
        call.arg(incoming.held(value)).arg(incoming.milliseconds());
        call
    }

    pub(super) async fn put(
        &self,
        incoming: &Incoming<'_>,
        value: &str,
    ) -> Result<(), EphemeralError> {
        let call = self.putting(&self.put, incoming, value);
        outcome(call.invoke_async(&mut self.connection()).await?).map(|_| ())
    }

    /// Writes what is counted nowhere.
    pub(super) async fn ping(&self) -> Result<(), RedisError> {
        self.connection().set_ex(PING, 1, 1).await
    }

    pub(super) async fn get(&self, key: &str, now: i64) -> Result<Option<String>, RedisError> {
        Ok(live(self.connection().get(key).await?, now))
    }

    pub(super) async fn swap(
        &self,
        at: &Incoming<'_>,
        from: &str,
        to: &str,
    ) -> Result<bool, RedisError> {
        let mut call = self.call(&self.swap, at);
        call.arg(from).arg(to).invoke_async(&mut self.connection()).await
    }

    /// `from` and `to` are never empty.
    pub(super) async fn replace(
        &self,
        incoming: &Incoming<'_>,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, EphemeralError> {
        let mut call = self.putting(&self.replace, incoming, to);
        call.arg(from.unwrap_or_default());
        outcome(call.invoke_async(&mut self.connection()).await?)
    }

    pub(super) async fn mark(&self, incoming: &Incoming<'_>) -> Result<bool, EphemeralError> {
        let call = self.putting(&self.mark, incoming, "1");
        outcome(call.invoke_async(&mut self.connection()).await?)
    }

    pub(super) async fn count(
        &self,
        incoming: &Incoming<'_>,
    ) -> Result<(u32, i64), EphemeralError> {
        let call = self.putting(&self.count, incoming, "1");
        let (count, told): (u32, i64) = call.invoke_async(&mut self.connection()).await?;
        if count == 0 {
            outcome(told)?;
        }
        Ok((count, told))
    }

    pub(super) async fn uncount(&self, at: &Incoming<'_>) -> Result<(), RedisError> {
        self.call(&self.uncount, at).invoke_async(&mut self.connection()).await
    }

    pub(super) async fn forget(&self, at: &Incoming<'_>) -> Result<(), RedisError> {
        self.call(&self.forget, at).invoke_async(&mut self.connection()).await
    }
}
