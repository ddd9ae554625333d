//! The `/metrics` page of a stand-in and the simulated traffic behind it.
//!
//! Invariant: buckets are cumulative and the `+Inf` bucket equals the count, as Prometheus wants.
//! The owner (`Services`) calls `simulate` four times a second; the server calls `page`.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::fault::Fault;

/// Upper bounds of the latency buckets in seconds, as Prometheus clients have them by default.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What the requests are and how they end, in the order of `Stats::requests`.
const OUTCOMES: [(&str, u16); 5] =
    [("GET", 200), ("POST", 201), ("GET", 404), ("GET", 503), ("POST", 500)];

/// The counters of one service.
pub(super) struct Stats {
    requests: [u64; OUTCOMES.len()],
    buckets: [u64; BOUNDS.len()],
    sum: f64,
    count: u64,
    /// State of a small xorshift generator: repeatable, and different from service to service.
    random: u64,
    started: Duration,
}

impl Stats {
    pub(super) fn new(number: usize) -> Self {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut stats = Self {
            requests: [0; OUTCOMES.len()],
            buckets: [0; BOUNDS.len()],
            sum: 0.0,
            count: 0,
            random: 0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1),
            started,
        };
        // Something to show on the first scrape.
        for _ in 0..20 {
            stats.simulate(Fault::Ok);
        }
        stats
    }

    /// Adds a quarter of a second's traffic as a service with this fault would have it.
    pub(super) fn simulate(&mut self, fault: Fault) {
        if fault.closes_port() || fault == Fault::Hanging {
            return;
        }
        for _ in 0..3 + self.below(6) {
            let failing = match fault {
                Fault::Unhealthy => 60,
                Fault::Degraded => 15,
                _ => 0,
            };
            let dice = self.below(100);
            let outcome = if self.below(100) < failing {
                3 + usize::from(dice < 20)
            } else {
                usize::from(dice >= 70) + usize::from(dice >= 98)
            };
            self.requests[outcome] += 1;
            let mut seconds = self.below(80) as f64 / 1000.0 + 0.004;
            if let Fault::Slow(by) = fault {
                seconds += by.as_secs_f64();
            }
            self.observe(seconds);
        }
    }

    fn observe(&mut self, seconds: f64) {
        self.sum += seconds;
        self.count += 1;
        for (bound, bucket) in BOUNDS.iter().zip(&mut self.buckets) {
            *bucket += u64::from(seconds <= *bound);
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    /// The page in Prometheus' text format 0.0.4.
    pub(super) fn page(&self, service: &str, fault: Fault) -> String {
        let mut page = String::with_capacity(2048);
        let healthy = u8::from(fault != Fault::Unhealthy);
        let started = self.started.as_secs_f64();
        let Self { sum, count, .. } = self;
        let mut line = |text: std::fmt::Arguments<'_>| {
            page.write_fmt(text).expect("a String takes whatever is written");
            page.push('\n');
        };
        line(format_args!(
            "# HELP novacron_service_up Whether the service considers itself working.\n\
             # TYPE novacron_service_up gauge\n\
             novacron_service_up{{service=\"{service}\"}} {healthy}\n\
             # TYPE process_start_time_seconds gauge\n\
             process_start_time_seconds {started:.3}\n\
             # HELP http_requests_total Requests served.\n\
             # TYPE http_requests_total counter"
        ));
        for ((method, status), total) in OUTCOMES.iter().zip(&self.requests) {
            line(format_args!(
                "http_requests_total{{service=\"{service}\",method=\"{method}\",status=\"{status}\"}} {total}"
            ));
        }
        line(format_args!(
            "# HELP http_request_duration_seconds Time to answer a request.\n\
             # TYPE http_request_duration_seconds histogram"
        ));
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            line(format_args!(
                "http_request_duration_seconds_bucket{{service=\"{service}\",le=\"{bound}\"}} {bucket}"
            ));
        }
        line(format_args!(
            "http_request_duration_seconds_bucket{{service=\"{service}\",le=\"+Inf\"}} {count}\n\
             http_request_duration_seconds_sum{{service=\"{service}\"}} {sum:.6}\n\
             http_request_duration_seconds_count{{service=\"{service}\"}} {count}"
        ));
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_end_in_the_count() {
        let mut stats = Stats::new(3);
        stats.simulate(Fault::Slow(Duration::from_secs(30)));
        let page = stats.page("vm-service", Fault::Ok);
        let values: Vec<u64> = page
            .lines()
            .filter(|line| line.contains("_bucket{"))
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(values.len(), BOUNDS.len() + 1);
        assert!(values.is_sorted(), "not cumulative: {values:?}");
        assert_eq!(values.last(), Some(&stats.count));
        let total: u64 = stats.requests.iter().sum();
        assert_eq!(total, stats.count);
        assert!(page.ends_with('\n'), "Prometheus wants a last newline");
    }

    #[test]
    fn traffic_shows_the_fault() {
        let mut stats = Stats::new(0);
        let before = stats.requests;
        stats.simulate(Fault::Refused);
        assert_eq!(stats.requests, before, "nobody reaches a closed port");
        for _ in 0..20 {
            stats.simulate(Fault::Unhealthy);
        }
        assert!(stats.requests[3] + stats.requests[4] > 0);
    }
}
