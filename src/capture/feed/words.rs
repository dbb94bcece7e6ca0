//! A feed's clock in one line, as the console and the headless table show it.

use super::FeedStatus;

impl FeedStatus {
    /// Where its times come from, how that clock runs, how long after them its pictures are here, and its timecode.
    pub fn clock_in_words(&self) -> String {
        if let Some(words) = &self.clock_on_node {
            return words.clone();
        }
        let mut words = format!("time from {}", self.time_origin);
        if let Some(clock) = self.source_clock {
            let skew = |ppm: f64| format!("skew {ppm:+.1} ± {:.1} ppm", clock.skew_sigma_ppm);
            let skew = clock.skew_ppm.map_or_else(|| "skew not known yet".to_owned(), skew);
            let set = if clock.jumps > 0 { format!(", set anew {} times", clock.jumps) } else { String::new() };
            words = format!("{words}, {skew}, jitter {:.1} ms{set}", clock.jitter_nanos as f64 * 1e-6);
        }
        if self.newest.is_some() && self.delay_nanos >= 0 {
            words = format!("{words}, here {:.0} ms after its time", self.delay_nanos as f64 * 1e-6);
        }
        match self.timecode {
            Some(label) => format!("{words}, timecode {label}"),
            None => words,
        }
    }
}
