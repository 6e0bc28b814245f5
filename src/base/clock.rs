//! Time as a value that is handed in. Nothing else in the program reads the wall clock, so a test
//! (or the demo's desk) can move it.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, TimeZone, Weekday};
use serde::{Deserialize, Serialize};

/// Asia/Shanghai, which has kept no summer time since 1991.
const SHANGHAI_SECONDS: i32 = 8 * 3600;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this instant; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    fn shanghai(self) -> Option<DateTime<FixedOffset>> {
        FixedOffset::east_opt(SHANGHAI_SECONDS)?.timestamp_opt(self.0, 0).single()
    }

    /// The calendar day in Asia/Shanghai.
    pub fn day(self) -> Day {
        Day(self.shanghai().map_or(NaiveDate::MIN, |at| at.date_naive()))
    }

    /// The same time of day one calendar month earlier, in Asia/Shanghai (AC-58).
    #[must_use]
    pub fn one_month_ago(self) -> Self {
        let earlier = self.shanghai().and_then(|at| at.checked_sub_months(Months::new(1)));
        earlier.map_or(self, |at| Self(at.timestamp()))
    }

    /// The first second of its calendar year in Asia/Shanghai.
    #[must_use]
    pub fn start_of_year(self) -> Self {
        Day::from_ymd(self.day().year(), 1, 1).map_or(self, Day::start)
    }

    /// `2026-11-24T13:05:00+08:00` (RFC 3339), or a day: its first second.
    pub fn parse(text: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp()));
        at.or_else(|| Day::parse(text).map(Day::start))
    }

    /// `2026-11-24T05:05:00Z`, for machines.
    pub fn rfc3339(self) -> String {
        let at = DateTime::from_timestamp(self.0, 0);
        at.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    }

    /// `2026-11-24 13:05:00` in Asia/Shanghai, for people.
    pub fn for_people(self) -> String {
        self.shanghai().map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.for_people())
    }
}

/// Years of days that are taken and given. Days are kept and compared as texts, whose order is that of the
/// days as long as each year has its four digits.
const YEARS: RangeInclusive<i32> = 1900..=9999;

/// A calendar day, written `2027-12-31`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub NaiveDate);

impl Day {
    /// Four digits, two and two; no sign, and nothing left out.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = text.bytes().enumerate();
        let is_written = text.len() == 10
            && bytes.all(|(n, byte)| match n {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let day = is_written.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())??;
        YEARS.contains(&day.year()).then_some(Self(day))
    }

    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }

    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The last day of all where there are not so many.
    #[must_use]
    pub fn plus_days(self, days: u64) -> Self {
        let later = self.0.checked_add_days(Days::new(days));
        let later = later.filter(|day| day.year() <= *YEARS.end());
        later.or_else(|| NaiveDate::from_ymd_opt(*YEARS.end(), 12, 31)).map_or(self, Self)
    }

    /// The same day of the month before, or that month's last.
    #[must_use]
    pub fn month_before(self) -> Self {
        self.0.checked_sub_months(Months::new(1)).map_or(self, Self)
    }

    /// The next day that is no Saturday or Sunday. Which other days an authority is closed is its own to know.
    #[must_use]
    pub fn next_working_day(self) -> Self {
        let days = match self.0.weekday() {
            Weekday::Fri => 3,
            Weekday::Sat => 2,
            _ => 1,
        };
        self.plus_days(days)
    }

    /// The first second of this day in Asia/Shanghai.
    pub fn start(self) -> Timestamp {
        let local = self.0.and_hms_opt(0, 0, 0).and_then(|midnight| {
            FixedOffset::east_opt(SHANGHAI_SECONDS)?.from_local_datetime(&midnight).single()
        });
        Timestamp(local.map_or(i64::MAX, |at| at.timestamp()))
    }

    /// The last second of this day in Asia/Shanghai.
    pub fn end(self) -> Timestamp {
        self.start().plus(86_399)
    }

    /// Full years from this day to `today`: an age.
    pub fn years_until(self, today: Self) -> i32 {
        let had_birthday = (today.0.month(), today.0.day()) >= (self.0.month(), self.0.day());
        today.0.year() - self.0.year() - i32::from(!had_birthday)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

/// Where "now" comes from: the system, or a fixed start, each plus what was moved by hand.
#[derive(Clone, Debug)]
pub struct Clock {
    fixed_millis: Option<i64>,
    moved_millis: Arc<AtomicI64>,
    /// The newest that [`Clock::next_moment`] has given.
    last_moment: Arc<AtomicU64>,
}

/// Bits of a moment below its milliseconds.
const NTH_BITS: u32 = 12;
/// How far moments may be ahead of the clock: many at once push them on, and clocks are set back by little. One that
/// was set back by more begins anew.
const MOST_AHEAD: u64 = 10_000 << NTH_BITS;

impl Clock {
    pub fn system() -> Self {
        Self { fixed_millis: None, moved_millis: Arc::default(), last_moment: Arc::default() }
    }

    /// A clock that stands still until it is advanced.
    pub fn fixed(at: Timestamp) -> Self {
        Self { fixed_millis: Some(at.0.saturating_mul(1000)), ..Self::system() }
    }

    /// Moves this clock, and every clone of it, forward.
    pub fn advance(&self, seconds: i64) {
        self.moved_millis.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.millis().div_euclid(1000))
    }

    /// Milliseconds since the epoch and a number below 4096, together greater than all that this clock and its
    /// clones have given before, also while it stands still: for identifiers, which keep the order in which they
    /// were made (RFC 9562 §6.2).
    pub fn next_moment(&self) -> (u64, u16) {
        let now = u64::try_from(self.millis()).unwrap_or_default() << NTH_BITS;
        let mut last = self.last_moment.load(Ordering::Relaxed);
        let given = loop {
            let is_ahead = last > now.saturating_add(MOST_AHEAD);
            let next = if is_ahead { now } else { now.max(last.saturating_add(1)) };
            let kept = self.last_moment.compare_exchange_weak(
                last,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match kept {
                Ok(_) => break next,
                Err(newer) => last = newer,
            }
        };
        let nth = given & ((1 << NTH_BITS) - 1);
        (given >> NTH_BITS, u16::try_from(nth).unwrap_or_default())
    }

    /// Milliseconds since the epoch, for short expiries.
    pub fn millis(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        let start = self.fixed_millis.unwrap_or_else(|| chrono::Utc::now().timestamp_millis());
        start.saturating_add(self.moved_millis.load(Ordering::Relaxed))
    }
}
