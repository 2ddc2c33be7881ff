//! A token bucket that all VMs of the process share. Each takes a hundredth of a second's tokens at a time, so that most
//! requests need no shared data.

use crate::config::Task;
use proxy_wasm::hostcalls::{get_shared_data, set_shared_data};

pub struct Bucket {
    key: String,
    per_second: f64,
    leased: f64,
}

impl Bucket {
    pub fn new(task: &Task) -> Self {
        Self { key: format!("bucket/{}", task.taskid), per_second: task.requests_per_second, leased: 0.0 }
    }

    /// May a request pass? `now`: seconds since 1970.
    pub fn take(&mut self, now: f64) -> bool {
        if self.leased < 1.0 {
            self.leased += self.lease(now);
        }
        if self.leased < 1.0 {
            return false;
        }
        self.leased -= 1.0;
        true
    }

    fn lease(&self, now: f64) -> f64 {
        loop {
            let (value, version) = match get_shared_data(&self.key) {
                Ok(found) => found,
                Err(_) => return 0.0,
            };
            let full = (self.per_second, now);
            let (tokens, since) = value.as_deref().and_then(parse).unwrap_or(full);
            let tokens = (tokens + (now - since).max(0.0) * self.per_second).min(self.per_second.max(1.0));
            let lease = tokens.floor().min((self.per_second / 100.0).ceil());
            if lease < 1.0 {
                return 0.0;
            }
            let rest = [(tokens - lease).to_le_bytes(), now.max(since).to_le_bytes()].concat();
            if set_shared_data(&self.key, Some(&rest), version).is_ok() {
                return lease;
            }
        }
    }
}

/// Tokens, and when there were as many.
fn parse(value: &[u8]) -> Option<(f64, f64)> {
    let (tokens, since) = (value.get(..8)?, value.get(8..16)?);
    Some((f64::from_le_bytes(tokens.try_into().ok()?), f64::from_le_bytes(since.try_into().ok()?)))
}
