//! Pictures that carry their number as blocks of black and white, and judges of what was received of them.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;
use std::process::{Command, Stdio};

use volte::frame::Picture;
use volte::time::FrameRate;

pub const WIDTH: u32 = 320;
pub const HEIGHT: u32 = 180;
const BITS: usize = 16;
/// Rows of blocks: the bits, and the bits the other way round, so that black, white or grey is no number.
const ROWS: [(usize, usize); 2] = [(30, 80), (100, 150)];

/// A grey picture with a number.
pub fn numbered(number: u16) -> Picture {
    let mut picture = Picture::filled(WIDTH, HEIGHT, [110, 120, 130, 255]);
    let width = WIDTH as usize;
    for (k, (from, to)) in ROWS.into_iter().enumerate() {
        for bit in 0..BITS {
            let lit = (number >> (BITS - 1 - bit) & 1 == 1) != (k == 1);
            let level = if lit { 240 } else { 8 };
            for y in from..to {
                for x in bit * width / BITS..(bit + 1) * width / BITS {
                    picture.rgba_mut()[(y * width + x) * 4..][..3].fill(level);
                }
            }
        }
    }
    picture
}

/// The number of a grey picture of [`WIDTH`] × [`HEIGHT`]; `None` when it has none.
pub fn number_of(grey: &[u8]) -> Option<u16> {
    let width = WIDTH as usize;
    let row = |(from, to): (usize, usize)| -> Option<u16> {
        (0..BITS).try_fold(0, |number, bit| {
            let (x, y) = (bit * width / BITS + width / BITS / 2, usize::midpoint(from, to));
            let mean = (0..8)
                .flat_map(|dy| (0..8).map(move |dx| (x + dx - 4, y + dy - 4)))
                .map(|(x, y)| u32::from(grey[y * width + x]))
                .sum::<u32>()
                / 64;
            match mean {
                170.. => Some(number << 1 | 1),
                ..=80 => Some(number << 1),
                _ => None,
            }
        })
    };
    let (number, inverted) = (row(ROWS[0])?, row(ROWS[1])?);
    (number == !inverted).then_some(number)
}

/// What came: the number of every picture, and the time of every packet in ticks of 90 kHz.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub numbers: Vec<Option<u16>>,
    pub pts_90k: Vec<i64>,
}

fn out_of(program: &str, arguments: &[&str], file: &Path) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments).arg(file).stdin(Stdio::null()).stderr(Stdio::null());
    command.output().unwrap_or_else(|e| panic!("{program} does not start ({e}): install the package ffmpeg")).stdout
}

impl Received {
    /// Reads a recording.
    pub fn of(file: &Path) -> Self {
        let probe = ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0"];
        let text = String::from_utf8(out_of("ffprobe", &probe, file)).unwrap();
        let times = text.lines().filter_map(|l| l.trim_end_matches(',').parse::<f64>().ok());
        let mut pts_90k: Vec<i64> = times.map(|secs| (secs * 90_000.0).round() as i64).collect();
        pts_90k.sort_unstable();
        let decoded = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-threads", "1", "-i"])
            .arg(file)
            .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let numbers = decoded.stdout.chunks_exact((WIDTH * HEIGHT) as usize).map(number_of).collect();
        Self { numbers, pts_90k }
    }

    /// Every picture has a number, each one more than the one before; times are those of the rate, to a tick or `slack_90k`.
    pub fn judge(&self, rate: FrameRate, slack_90k: i64) -> Result<(), String> {
        self.judge_pictures()?;
        self.judge_times(rate, slack_90k)
    }

    /// No black, none repeated, none left out.
    pub fn judge_pictures(&self) -> Result<(), String> {
        if self.numbers.len() < 10 {
            return Err(format!("{} pictures", self.numbers.len()));
        }
        if let Some(at) = self.numbers.iter().position(Option::is_none) {
            return Err(format!("picture {at} of {} is none of ours", self.numbers.len()));
        }
        let numbers: Vec<u16> = self.numbers.iter().flatten().copied().collect();
        match numbers.windows(2).position(|w| w[1] != w[0].wrapping_add(1)) {
            Some(at) => Err(format!("after {} came {}", numbers[at], numbers[at + 1])),
            None => Ok(()),
        }
    }

    /// Frame `k` comes exactly `k` frames after the first.
    pub fn judge_times(&self, rate: FrameRate, slack_90k: i64) -> Result<(), String> {
        let first = *self.pts_90k.first().ok_or("no packets")?;
        for (k, pts) in self.pts_90k.iter().enumerate() {
            let wanted = i128::from(rate.frame_nanos(k as i64)) * 9 / 100_000;
            let off = i128::from(pts - first) - wanted;
            if off.abs() > i128::from(slack_90k) {
                return Err(format!("frame {k} is {off} ticks of 90 kHz off"));
            }
        }
        Ok(())
    }
}

/// What a record of takes must look like: live numbers that never go back, then nothing but the marked frame, then live again, later.
pub fn judge_takes(numbers: &[Option<u16>], marks: &[u16]) -> Result<usize, String> {
    let (mut done, mut live, mut on_air) = (0, 0_u16, false);
    for (at, number) in numbers.iter().enumerate() {
        let number = number.ok_or(format!("picture {at} is none of ours"))?;
        match on_air {
            true if number == marks[done] => {}
            true if number < live => return Err(format!("picture {at} is {number}, in the take of {}", marks[done])),
            true => (on_air, done, live) = (false, done + 1, number),
            false if number >= live && (live == 0 || number - live < 25) => live = number,
            false if marks.get(done) == Some(&number) => on_air = true,
            false => return Err(format!("take {done} of {:?} begins with {number} after {live}", marks.get(done))),
        }
    }
    Ok(done)
}
