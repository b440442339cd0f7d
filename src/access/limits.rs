//! How many requests a caller has: so many a minute for each key, and for each address that sends none. An address that tries
//! many keys which are not good is barred for a while. The headers and the problem are those of draft-ietf-httpapi-ratelimit-headers-11.
//!
//! A limit is a bucket that fills again at a steady rate (GCRA), in the memory of this process: several instances each count
//! for themselves.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use dashmap::DashMap;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota as Rate, RateLimiter};
use ipnet::{IpNet, Ipv6Net};

use super::keys::Quota;
use crate::db::types::Id;
use crate::problem::{Problem, ProblemType};

/// The window of every limit, in seconds.
const WINDOW: u64 = 60;
/// The name of the policy.
const POLICY: &str = "burst";
/// How many keys that are not good an address may try in a window.
const WRONG_KEYS: u32 = 20;
/// After how many requests those are forgotten who have a full bucket.
const TIDYING: u64 = 10_000;

/// The settings of the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// How many requests an address without a key has a minute.
    pub per_address: NonZeroU32,
    /// How many a key has, unless it has a quota of its own.
    pub per_key: NonZeroU32,
}

/// Whom a request counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Party {
    Key(Id),
    Address(IpAddr),
}

type Buckets = RateLimiter<Party, DefaultKeyedStateStore<Party>, DefaultClock, StateInformationMiddleware>;

/// The counters of one server.
pub struct Limits {
    settings: Option<LimitSettings>,
    trusted_proxies: Vec<IpNet>,
    /// One set of buckets for each size.
    buckets: DashMap<u32, Buckets>,
    wrong_keys: Buckets,
    /// Who tried too many, and until when it is not listened to.
    barred: DashMap<IpAddr, Instant>,
    counted: AtomicU64,
}

/// What is left to a caller, for the headers of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    quota: u32,
    left: u32,
}

impl Limits {
    /// Counters that start full. Without settings nothing is limited.
    #[must_use]
    pub fn new(settings: Option<LimitSettings>, trusted_proxies: Vec<IpNet>) -> Self {
        let wrong_keys = NonZeroU32::new(WRONG_KEYS).map_or_else(|| buckets_of(NonZeroU32::MIN), buckets_of);
        Self {
            settings,
            trusted_proxies,
            buckets: DashMap::new(),
            wrong_keys,
            barred: DashMap::new(),
            counted: AtomicU64::new(0),
        }
    }

    /// Counts a request for its key, or else for its address.
    ///
    /// # Errors
    /// 429 when there is none left.
    pub fn count(
        &self,
        address: Option<IpAddr>,
        key: Option<(Id, Option<Quota>)>,
    ) -> Result<Option<Allowance>, Problem> {
        let Some(settings) = &self.settings else {
            return Ok(None);
        };
        if self.counted.fetch_add(1, Ordering::Relaxed) % TIDYING == TIDYING - 1 {
            self.forget_the_absent();
        }
        let (party, quota) = match (key, address) {
            (Some((id, quota)), _) => (Party::Key(id), quota.and_then(Quota::size).unwrap_or(settings.per_key)),
            (None, Some(address)) => (Party::Address(network(address)), settings.per_address),
            (None, None) => return Ok(None),
        };
        let buckets = self.buckets.entry(quota.get()).or_insert_with(|| buckets_of(quota)).downgrade();
        take(&buckets, party, quota.get()).map(Some)
    }

    /// Whether an address may still try keys.
    ///
    /// # Errors
    /// 429 after too many that were not good.
    pub fn may_try_a_key(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let barred = address.and_then(|address| self.barred.get(&network(address)).map(|until| *until));
        match barred.and_then(|until| until.checked_duration_since(Instant::now())) {
            Some(wait) if self.settings.is_some() => Err(barred_for(wait.as_secs() + 1)),
            _ => Ok(()),
        }
    }

    /// Counts a key that was not good. After too many, the address is barred for a while, with whatever key.
    pub fn tried_a_wrong_key(&self, address: Option<IpAddr>) {
        if let Some(address) = address.map(network)
            && self.settings.is_some()
            && self.wrong_keys.check_key(&Party::Address(address)).is_err()
        {
            self.barred.insert(address, Instant::now() + Duration::from_secs(WINDOW));
        }
    }

    /// Forgets whoever has been away long enough to have a full bucket again.
    fn forget_the_absent(&self) {
        for buckets in &self.buckets {
            buckets.retain_recent();
        }
        self.wrong_keys.retain_recent();
        let now = Instant::now();
        self.barred.retain(|_, until| *until > now);
    }

    /// The address that a request comes from: that of the connection, or what a trusted proxy says of it.
    #[must_use]
    pub fn address_of(&self, request: &ServiceRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        let is_trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|proxy| proxy.contains(address));
        if !is_trusted(&peer) {
            return Some(peer);
        }
        let said = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|line| line.split(',')).map(str::trim).collect();
        // Each proxy adds whom it was called by; what stands further left than the first stranger may be made up.
        let hops = said.iter().rev().map_while(|hop| hop_of(hop));
        let mut last = peer;
        for hop in hops {
            last = hop;
            if !is_trusted(&hop) {
                break;
            }
        }
        Some(last)
    }
}

/// An address as proxies write it, with or without a port.
fn hop_of(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

impl Quota {
    fn size(self) -> Option<NonZeroU32> {
        u32::try_from(self.0).ok().and_then(NonZeroU32::new)
    }
}

fn buckets_of(size: NonZeroU32) -> Buckets {
    RateLimiter::dashmap(Rate::per_minute(size)).with_middleware()
}

fn take(buckets: &Buckets, party: Party, quota: u32) -> Result<Allowance, Problem> {
    let state: StateSnapshot = buckets.check_key(&party).map_err(|refusal| {
        let wait = refusal.wait_time_from(DefaultClock::default().now());
        exceeded(quota, wait.as_secs() + 1)
    })?;
    Ok(Allowance { quota, left: state.remaining_burst_capacity() })
}

fn exceeded(quota: u32, wait: u64) -> Problem {
    let detail = format!("{quota} requests in {WINDOW} seconds are allowed. Go on after {wait} seconds.");
    Problem::new(ProblemType::QUOTA_EXCEEDED, detail)
        .with_member("violated-policies", vec![POLICY])
        .with_header(RETRY_AFTER, HeaderValue::from(wait))
        .with_header(POLICY_HEADER, policy(quota))
        .with_header(LIMIT_HEADER, limit(0, wait))
}

/// The refusal of an address that tried too many keys, whatever key it sends now.
fn barred_for(wait: u64) -> Problem {
    let detail = format!(
        "{WRONG_KEYS} API keys that are not good came from this address within {WINDOW} seconds. Go on after {wait} seconds."
    );
    Problem::new(ProblemType::QUOTA_EXCEEDED, detail)
        .with_member("violated-policies", vec!["wrong-keys"])
        .with_header(RETRY_AFTER, HeaderValue::from(wait))
}

const POLICY_HEADER: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT_HEADER: HeaderName = HeaderName::from_static("ratelimit");

fn policy(quota: u32) -> HeaderValue {
    let text = format!("\"{POLICY}\";q={quota};w={WINDOW}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

fn limit(left: u32, reset: u64) -> HeaderValue {
    let text = format!("\"{POLICY}\";r={left};t={reset}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

impl Allowance {
    /// Says it in the headers of an answer.
    pub fn tell(self, headers: &mut HeaderMap) {
        let used = u64::from(self.quota.saturating_sub(self.left));
        let reset = (used * WINDOW).div_ceil(u64::from(self.quota.max(1)));
        headers.insert(POLICY_HEADER, policy(self.quota));
        headers.insert(LIMIT_HEADER, limit(self.left, reset));
    }
}

/// An address as it is counted: one site of IPv6 has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => four.into(),
            None => Ipv6Net::new(six, 64).map_or(address, |net| net.network().into()),
        },
    }
}
