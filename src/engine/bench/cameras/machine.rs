//! What the system says of processor and memory; nothing where it does not say it (only Linux does).

/// Ticks per second of the times in /proc: fixed for programs, whatever the kernel counts in.
const TICKS_PER_SEC: f64 = 100.0;
const PAGE_BYTES: u64 = 4096;

/// Processor time so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    own_secs: f64,
    /// Of all programs: busy and altogether, ticks.
    machine_ticks: Option<(f64, f64)>,
}

/// Shares of all cores (0…1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    pub own: f64,
    pub machine: Option<f64>,
}

impl Usage {
    pub fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let machine = std::fs::read_to_string("/proc/stat").ok();
        Some(Self { own_secs: own_secs(&stat)?, machine_ticks: machine.as_deref().and_then(machine_ticks) })
    }

    /// What was used since `before`, `secs` ago.
    pub fn since(&self, before: &Self, secs: f64) -> Shares {
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let machine = self.machine_ticks.zip(before.machine_ticks).and_then(|((busy, all), (busy_before, all_before))| {
            let all = all - all_before;
            (all > 0.0).then(|| ((busy - busy_before) / all).clamp(0.0, 1.0))
        });
        Shares { own: (self.own_secs - before.own_secs) / secs / cores, machine }
    }
}

/// User and system time out of /proc/self/stat; the program's name may hold anything, its closing bracket is the last.
fn own_secs(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SEC)
}

/// Busy ticks and all ticks out of /proc/stat; waiting for the disk is idle.
fn machine_ticks(stat: &str) -> Option<(f64, f64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().take(8).filter_map(|t| t.parse().ok()).collect();
    let (idle, all) = (ticks.get(3)? + ticks.get(4)?, ticks.iter().sum::<f64>());
    Some((all - idle, all))
}

/// Resident memory of this program.
pub(super) fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split(' ').nth(1)?.parse::<u64>().ok()? * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9";
        assert_eq!(own_secs(stat), Some(3.0));
        assert_eq!(machine_ticks("cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1 2 3"), Some((30.0, 100.0)));
        assert_eq!((own_secs("?"), machine_ticks("intr 5")), (None, None));
        let (now, before) =
            (Usage { own_secs: 3.0, machine_ticks: Some((30.0, 100.0)) }, Usage { own_secs: 1.0, machine_ticks: Some((5.0, 50.0)) });
        let shares = now.since(&before, 4.0);
        assert_eq!(shares.machine, Some(0.5));
        assert!(shares.own > 0.0 && shares.own <= 0.5);
    }
}
