//! How fast a feed's pictures come, by their own times, looked at for as long as they come: what is measured wrong in the unrest of a connection, or changes
//! with the light, mends itself.

/// Times that are looked at together.
const LOOK: usize = 16;
/// So many looks in a row must say the same before another rate than the one in use is believed.
const AGREE: u32 = 3;
/// Less than this from picture to picture are times that came together, not a rate, nanoseconds.
const LEAST_NANOS: i64 = 1_000_000;

/// Measures the median distance of one feed's frames against what its stream declares.
#[derive(Debug, Default)]
pub(super) struct RateMeter {
    /// What the stream says of itself, nanoseconds from frame to frame; 0 when it says nothing.
    declared_nanos: i64,
    /// What is in use; 0 before anything is known.
    taken_nanos: i64,
    /// The looks have agreed since the stream began.
    is_sure: bool,
    last_nanos: i64,
    agreeing: u32,
    times_nanos: [i64; LOOK],
    count: usize,
}

/// Whether two distances are the same but for a part of the second.
const fn alike(a: i64, b: i64, part: i64) -> bool {
    (a - b).abs() * part <= b
}

impl RateMeter {
    /// Another stream, with what it declares.
    pub(super) fn restart(&mut self, declared_nanos: Option<i64>) {
        let declared_nanos = declared_nanos.unwrap_or(0).max(0);
        *self = Self { declared_nanos, taken_nanos: declared_nanos, ..Self::default() };
    }

    /// What the stream says of itself, nanoseconds; 0 when it says nothing.
    pub(super) const fn declared_nanos(&self) -> i64 {
        self.declared_nanos
    }

    /// Whether a measured distance is what the stream says: nominal rates are rounded, and hardly any is a fifth off.
    pub(super) const fn is_as_declared(&self, nanos: i64) -> bool {
        self.declared_nanos > 0 && alike(nanos, self.declared_nanos, 5)
    }

    /// One more frame, in decode order. The distance from frame to frame that is to be taken from here on, where that is news.
    pub(super) fn saw(&mut self, time_nanos: i64) -> Option<i64> {
        self.times_nanos[self.count] = time_nanos;
        self.count += 1;
        if self.count < LOOK {
            return None;
        }
        self.count = 0;
        // What is reordered lies within one look but for a few at its ends.
        self.times_nanos.sort_unstable();
        let mut steps = [0; LOOK - 1];
        for (step, pair) in steps.iter_mut().zip(self.times_nanos.windows(2)) {
            *step = pair[1].saturating_sub(pair[0]);
        }
        steps.sort_unstable();
        let is = steps[steps.len() / 2];
        if !(LEAST_NANOS..1 << 50).contains(&is) {
            self.agreeing = 0;
            return None;
        }
        self.agreeing = if self.agreeing > 0 && alike(is, self.last_nanos, 20) { self.agreeing.saturating_add(1) } else { 1 };
        self.last_nanos = is;
        if self.taken_nanos == 0 {
            // Something is better than nothing, until more is known.
            self.taken_nanos = is;
            return Some(is);
        }
        if self.agreeing < AGREE {
            return None;
        }
        let truth = if self.is_as_declared(is) { self.declared_nanos } else { is };
        if self.is_sure && alike(truth, self.taken_nanos, 10) {
            return None;
        }
        self.is_sure = true;
        self.taken_nanos = truth;
        Some(truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// Every change that so many frames bring, in milliseconds.
    fn changes(meter: &mut RateMeter, at: &mut i64, frames: usize, mut step: impl FnMut(usize) -> i64) -> Vec<i64> {
        let mut saw = |k| {
            *at += step(k);
            meter.saw(*at)
        };
        (0..frames).filter_map(|k| saw(k).map(|nanos| nanos / MS)).collect()
    }

    #[test]
    fn a_rate_that_is_wrong_at_first_mends_itself() {
        let (mut meter, mut at) = (RateMeter::default(), 0);
        // Nothing is declared, and the first frames come in a rush.
        meter.restart(None);
        assert_eq!(changes(&mut meter, &mut at, 20, |_| 8 * MS), [8]);
        assert_eq!(changes(&mut meter, &mut at, 100, |_| 40 * MS), [40]);
        // Declared 50: 25 come in the dark, then it is light again.
        meter.restart(Some(20 * MS));
        assert_eq!(changes(&mut meter, &mut at, 100, |_| 20 * MS), [20]);
        assert_eq!(changes(&mut meter, &mut at, 100, |_| 40 * MS), [40]);
        assert_eq!(changes(&mut meter, &mut at, 1000, |k| 40 * MS + (k % 3) as i64 * MS), [0; 0]);
        assert_eq!(changes(&mut meter, &mut at, 100, |_| 20 * MS), [20]);
    }

    #[test]
    fn what_is_no_other_rate_changes_nothing() {
        let (mut meter, mut at) = (RateMeter::default(), 0);
        meter.restart(Some(20 * MS));
        changes(&mut meter, &mut at, 64, |_| 20 * MS);
        // A fifth of the frames lost; reordered by B-frames; a rush; a jump of hours, there and back; all at one time.
        assert_eq!(changes(&mut meter, &mut at, 300, |k| if k % 5 == 0 { 40 * MS } else { 20 * MS }), [0; 0]);
        assert_eq!(changes(&mut meter, &mut at, 300, |k| [80, -40, -20, 60][k % 4] * MS), [0; 0]);
        assert_eq!(changes(&mut meter, &mut at, 24, |_| 3 * MS), [0; 0]);
        assert_eq!(changes(&mut meter, &mut at, 300, |k| if k == 50 { 7_200_000 * MS } else { 20 * MS }), [0; 0]);
        assert_eq!(changes(&mut meter, &mut at, 300, |k| if k == 55 { -7_200_000 * MS } else { 20 * MS }), [0; 0]);
        assert_eq!(changes(&mut meter, &mut at, 300, |_| 0), [0; 0]);
        // Times at the ends of what there is.
        assert_eq!(changes(&mut meter, &mut 0, 300, |k| if k % 2 == 0 { i64::MAX / 2 } else { -i64::MAX / 2 }), [0; 0]);
    }
}
