//! Whether a step went well, what limits it, and how many cameras come next. Pure.

use std::fmt;

use super::Step;

/// Late frames at most, as a share of all (0…1).
pub const MAX_LATE_SHARE: f64 = 0.005;
/// Frames that must arrive, as a share of those sent (0…1).
const MIN_ARRIVED_SHARE: f64 = 0.98;
/// A camera that is so far behind at the end of a step does not keep up, nanoseconds.
const BEHIND_NANOS: i64 = 250_000_000;
/// From this share of all cores on, the processor is what limits (0…1).
const BUSY_SHARE: f64 = 0.8;

/// Why a step is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A feed failed or never came.
    Failed,
    /// Frames are missing on disk, or recording paused.
    Disk,
    /// Frames were dropped.
    Dropped,
    /// Too few frames arrived: the streaming threads fall behind.
    Behind,
    /// Too many frames arrived late.
    Late,
    /// The ring is too small for the history that is wanted.
    History,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "a camera failed",
            Self::Disk => "frames missing on disk",
            Self::Dropped => "frames dropped",
            Self::Behind => "falls behind",
            Self::Late => "frames late",
            Self::History => "memory too small",
        })
    }
}

/// What is wrong with a step, the cause before its consequences; `None` when all is well.
pub(super) fn judge(step: &Step, history_secs: f64) -> Option<Trouble> {
    // A frame per camera is the rounding of where the window begins and ends.
    let expected = step.sent_per_sec * step.secs * MIN_ARRIVED_SHARE - step.cameras as f64;
    let checks = [
        (step.failed.is_some(), Trouble::Failed),
        (step.disk_dropped > 0 || step.disk_problem.is_some(), Trouble::Disk),
        (step.dropped > 0, Trouble::Dropped),
        ((step.arrived as f64) < expected || step.last_delay_nanos > BEHIND_NANOS, Trouble::Behind),
        (step.late as f64 > step.arrived as f64 * MAX_LATE_SHARE, Trouble::Late),
        (step.history_secs < history_secs, Trouble::History),
    ];
    checks.into_iter().find_map(|(is_wrong, trouble)| is_wrong.then_some(trouble))
}

/// What limits the number of cameras.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// The processor is busy.
    Processor {
        /// Share of all cores that this program used (0…1).
        own_share: f64,
        /// Share that others used (0…1).
        others_share: f64,
    },
    /// The ring's budget.
    Memory {
        /// So far back it would reach, seconds.
        history_secs: f64,
    },
    /// The disk that is recorded to.
    Disk {
        /// What recording says.
        problem: Option<String>,
    },
    /// A feed cannot be opened.
    Feed {
        /// Which, and why.
        reason: String,
    },
    /// The processor has room: reading the footage, or the system's scheduling.
    Waiting {
        /// Share of all cores that was busy (0…1), where the system tells.
        busy_share: Option<f64>,
    },
}

impl Limit {
    /// What limited a step that failed for `trouble`.
    pub(super) fn of(step: &Step, trouble: Trouble) -> Self {
        let own_share = step.own_share.unwrap_or(0.0);
        let busy_share = step.machine_share.map_or(step.own_share, |machine| Some(machine.max(own_share)));
        let busy = busy_share.filter(|share| *share >= BUSY_SHARE);
        match (trouble, busy) {
            (Trouble::History, _) => Self::Memory { history_secs: step.history_secs },
            (Trouble::Disk, _) => Self::Disk { problem: step.disk_problem.clone() },
            // Also a feed that cannot be opened in time, when nobody has time.
            (_, Some(share)) => Self::Processor { own_share, others_share: (share - own_share).max(0.0) },
            (Trouble::Failed, None) => Self::Feed { reason: step.failed.clone().unwrap_or_default() },
            _ => Self::Waiting { busy_share },
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor { own_share, others_share } if *others_share > 0.2 => write!(
                f,
                "the processor, and other programs use {:.0} % of it (this one {:.0} %): close them and measure again",
                others_share * 100.0,
                own_share * 100.0
            ),
            Self::Processor { own_share, .. } => write!(f, "the processor ({:.0} % of all cores by this program)", own_share * 100.0),
            Self::Memory { history_secs } => {
                write!(f, "the memory budget: it would reach only {history_secs:.1} s back. Raise --ring-mb, or want less --history")
            }
            Self::Disk { problem: Some(problem) } => write!(f, "the disk: {problem}"),
            Self::Disk { problem: None } => f.write_str("the disk is too slow; record to a faster one"),
            Self::Feed { reason } => write!(f, "a camera that cannot be opened: {reason}"),
            Self::Waiting { busy_share } => {
                f.write_str("neither processor nor memory: frames wait for the footage to be read, or for the system's scheduling")?;
                busy_share.map_or(Ok(()), |share| write!(f, " ({:.0} % of all cores are busy)", share * 100.0))
            }
        }
    }
}

/// How many cameras come next: doubled until a step fails, then the gap is halved.
#[derive(Debug, Clone, Copy)]
pub struct Search {
    max: usize,
    good: usize,
    bad: Option<usize>,
}

impl Search {
    /// Up to `max` cameras.
    pub const fn new(max: usize) -> Self {
        Self { max, good: 0, bad: None }
    }

    /// The next number to try; `None` when the limit is known.
    pub fn next(&self) -> Option<usize> {
        match self.bad {
            None => (self.good < self.max).then(|| (self.good * 2).clamp(1, self.max)),
            Some(bad) => (bad > self.good + 1).then_some(usize::midpoint(self.good, bad)),
        }
    }

    /// The most cameras that went well.
    pub const fn good(&self) -> usize {
        self.good
    }

    /// So many went well.
    pub fn went_well(&mut self, cameras: usize) {
        self.good = self.good.max(cameras);
    }

    /// So many were too much.
    pub fn failed(&mut self, cameras: usize) {
        self.bad = Some(self.bad.map_or(cameras, |bad| bad.min(cameras)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Step {
        Step {
            cameras: 4,
            secs: 5.0,
            sent_per_sec: 240.0,
            arrived: 1199,
            dropped: 0,
            late: 5,
            worst_delay_nanos: 60_000_000,
            last_delay_nanos: 2_000_000,
            bytes_per_sec: 6e6,
            own_share: Some(0.3),
            machine_share: Some(0.4),
            resident_per_camera: None,
            history_secs: 300.0,
            disk_dropped: 0,
            disk_problem: None,
            failed: None,
            trouble: None,
        }
    }

    #[test]
    fn a_step_is_judged_by_what_went_wrong_first() {
        assert_eq!(judge(&well(), 30.0), None);
        for (step, trouble) in [
            (Step { late: 7, ..well() }, Trouble::Late),
            (Step { arrived: 1100, late: 900, ..well() }, Trouble::Behind),
            (Step { last_delay_nanos: 300_000_000, ..well() }, Trouble::Behind),
            (Step { dropped: 1, arrived: 1100, ..well() }, Trouble::Dropped),
            (Step { disk_dropped: 1, dropped: 1, ..well() }, Trouble::Disk),
            (Step { failed: Some("cam004: gone".to_owned()), arrived: 900, ..well() }, Trouble::Failed),
            (Step { history_secs: 29.0, ..well() }, Trouble::History),
        ] {
            assert_eq!(judge(&step, 30.0), Some(trouble), "{step:?}");
        }
    }

    #[test]
    fn what_limits_is_named() {
        let busy = Step { own_share: Some(0.9), machine_share: Some(0.95), late: 900, ..well() };
        assert!(Limit::of(&busy, Trouble::Late).to_string().contains("the processor (90 %"));
        let others = Step { own_share: Some(0.3), machine_share: Some(0.95), late: 900, ..well() };
        assert!(Limit::of(&others, Trouble::Late).to_string().contains("other programs use 65 %"));
        assert!(matches!(Limit::of(&well(), Trouble::Late), Limit::Waiting { busy_share: Some(_) }));
        // The processor may be busy as well: the budget is what must be raised.
        assert!(matches!(Limit::of(&busy, Trouble::History), Limit::Memory { .. }));
        assert!(matches!(Limit::of(&busy, Trouble::Disk), Limit::Disk { .. }));
        let failed = Step { failed: Some("cam004: too many open files".to_owned()), ..well() };
        assert!(Limit::of(&failed, Trouble::Failed).to_string().contains("too many open files"));
    }

    #[test]
    fn the_search_finds_every_limit() {
        for max in [1, 2, 7, 16, 100] {
            for limit in 0..=max + 1 {
                let (mut search, mut steps) = (Search::new(max), 0);
                while let Some(cameras) = search.next() {
                    assert!((1..=max).contains(&cameras), "{cameras} of {max}");
                    if cameras <= limit {
                        search.went_well(cameras);
                    } else {
                        search.failed(cameras);
                    }
                    steps += 1;
                    assert!(steps < 20, "it does not end: {search:?}");
                }
                assert_eq!(search.good(), limit.min(max));
            }
        }
    }
}
