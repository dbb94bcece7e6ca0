//! What the operator adds by hand to the match of a camera: exposure, white, green against magenta, dark corners, contrast.
//!
//! Must not know: how cameras are measured against each other, how pictures are made.

use std::collections::BTreeMap;

/// White that a kelvin trim counts from: daylight, as the pictures' own white.
const WHITE_K: f32 = 6504.0;
/// Warm and cold by so many mired in red and blue, natural logarithms: a first-order curve of the Planckian locus.
const PER_MIRED: (f32, f32) = (0.0034, -0.0042);
/// Shares of red, green and blue in brightness (BT.709).
const BRIGHTNESS: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// A camera's trim; nothing is zero.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trim {
    /// Brighter, stops.
    pub ev: f32,
    /// Warmer, as a camera's own white balance would be by so many kelvin more at 6504 K. Brightness stays.
    pub kelvin: f32,
    /// More magenta, stops of green less; negative is greener. Brightness stays.
    pub tint: f32,
    /// Brighter in the corners, stops; the middle stays.
    pub vignette: f32,
    /// A steeper response about a middle grey: stops per stop more.
    pub contrast: f32,
}

/// What of it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrimEdit {
    /// [`Trim::ev`].
    pub ev: Option<f32>,
    /// [`Trim::kelvin`].
    pub kelvin: Option<f32>,
    /// [`Trim::tint`].
    pub tint: Option<f32>,
    /// [`Trim::vignette`].
    pub vignette: Option<f32>,
    /// [`Trim::contrast`].
    pub contrast: Option<f32>,
}

impl TrimEdit {
    /// Back to nothing.
    pub const RESET: Self = Self { ev: Some(0.0), kelvin: Some(0.0), tint: Some(0.0), vignette: Some(0.0), contrast: Some(0.0) };

    /// By its name in commands and files: [`TRIM_NAMES`].
    pub fn part(&mut self, name: &str) -> Option<&mut Option<f32>> {
        match name {
            "ev" => Some(&mut self.ev),
            "kelvin" => Some(&mut self.kelvin),
            "tint" => Some(&mut self.tint),
            "vignette" => Some(&mut self.vignette),
            "contrast" => Some(&mut self.contrast),
            _ => None,
        }
    }

    /// What is changed, with its name.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, f32)> + use<> {
        let all = [self.ev, self.kelvin, self.tint, self.vignette, self.contrast];
        TRIM_NAMES.into_iter().zip(all).filter_map(|(name, value)| Some((name, value?)))
    }
}

/// What of a camera can be trimmed, as commands and files call it.
pub const TRIM_NAMES: [&str; 5] = ["ev", "kelvin", "tint", "vignette", "contrast"];

impl Trim {
    /// Never more than this either way: stops, kelvin, stops, stops, stops per stop.
    pub const MOST: Self = Self { ev: 3.0, kelvin: 2500.0, tint: 1.0, vignette: 2.0, contrast: 0.5 };

    /// With a change, within [`Trim::MOST`]; what is no number changes nothing.
    #[must_use]
    pub fn with(self, edit: &TrimEdit) -> Self {
        let of = |now: f32, wanted: Option<f32>, most: f32| wanted.filter(|v| v.is_finite()).map_or(now, |v| v.clamp(-most, most));
        Self {
            ev: of(self.ev, edit.ev, Self::MOST.ev),
            kelvin: of(self.kelvin, edit.kelvin, Self::MOST.kelvin),
            tint: of(self.tint, edit.tint, Self::MOST.tint),
            vignette: of(self.vignette, edit.vignette, Self::MOST.vignette),
            contrast: of(self.contrast, edit.contrast, Self::MOST.contrast),
        }
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// By how many stops red, green and blue of its picture become brighter, in linear light; exactly none where it is none.
    pub fn stops(&self) -> [f32; 3] {
        if self.kelvin == 0.0 && self.tint == 0.0 {
            return [self.ev; 3];
        }
        let mired = 1e6 / WHITE_K - 1e6 / (WHITE_K + self.kelvin);
        let gains = [(mired * PER_MIRED.0).exp(), (-self.tint).exp2(), (mired * PER_MIRED.1).exp()];
        let brightness: f32 = gains.iter().zip(BRIGHTNESS).map(|(g, share)| g * share).sum();
        gains.map(|g| (g / brightness).log2() + self.ev)
    }
}

/// The trims of all cameras, by name; those that are none are not in it.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TrimList {
    by_camera: BTreeMap<String, Trim>,
}

impl TrimList {
    /// A camera's.
    pub fn of(&self, camera: &str) -> Trim {
        self.by_camera.get(camera).copied().unwrap_or_default()
    }

    /// Changes one.
    pub fn edit(&mut self, camera: &str, edit: &TrimEdit) {
        let trim = self.of(camera).with(edit);
        if trim.is_none() {
            self.by_camera.remove(camera);
        } else {
            self.by_camera.insert(camera.to_owned(), trim);
        }
    }

    /// The cameras that have one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_camera.keys().map(String::as_str)
    }

    /// The same, each within [`Trim::MOST`].
    #[must_use]
    pub fn bounded(&self) -> Self {
        let mut list = Self::default();
        for (camera, t) in &self.by_camera {
            let [ev, kelvin, tint, vignette, contrast] = [t.ev, t.kelvin, t.tint, t.vignette, t.contrast].map(Some);
            list.edit(camera, &TrimEdit { ev, kelvin, tint, vignette, contrast });
        }
        list
    }

    /// Whether no camera has one.
    pub fn is_empty(&self) -> bool {
        self.by_camera.is_empty()
    }

    /// Those of cameras by name, in their order; empty where none has a trim.
    pub fn of_all<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<Trim> {
        if self.is_empty() { vec![] } else { names.map(|name| self.of(name)).collect() }
    }

    /// As a text of TOML: a table for each camera.
    pub fn to_toml(&self) -> String {
        // A key is a plain quoted text: what a value may be written as, in three quotes, is none.
        let key = |name: &str| {
            let escaped: String = name
                .chars()
                .map(|c| match c {
                    '"' | '\\' => format!("\\{c}"),
                    c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
                    c => c.to_string(),
                })
                .collect();
            format!("\"{escaped}\"")
        };
        let one = |(name, t): (&String, &Trim)| {
            let all = TRIM_NAMES.into_iter().zip([t.ev, t.kelvin, t.tint, t.vignette, t.contrast]);
            all.fold(format!("[{}]\n", key(name)), |text, (name, value)| format!("{text}{name} = {value:?}\n"))
        };
        self.by_camera.iter().map(one).collect()
    }

    /// Reads what [`TrimList::to_toml`] wrote, or somebody by hand; the error says what is wrong.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        let mut list = Self::default();
        for (camera, value) in &table {
            let trim = value.as_table().ok_or_else(|| format!("{camera} is no table with some of {}", TRIM_NAMES.join(", ")))?;
            let mut edit = TrimEdit::default();
            for (key, value) in trim {
                let number = value.as_float().or_else(|| value.as_integer().map(|i| i as f64)).filter(|v| v.is_finite());
                let number = number.ok_or_else(|| format!("{camera}: {key} is no number"))? as f32;
                let part = edit.part(key).ok_or_else(|| format!("{camera}: {key} is none of {}", TRIM_NAMES.join(", ")))?;
                *part = Some(number);
            }
            list.edit(camera, &edit);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trim_says_what_becomes_brighter_and_nothing_is_exactly_nothing() {
        assert_eq!(Trim::default().stops(), [0.0; 3]);
        assert_eq!(Trim { ev: 0.5, ..Trim::default() }.stops().map(|s| (s * 1e4).round() / 1e4), [0.5; 3]);
        let brightness = |t: Trim| t.stops().iter().zip(BRIGHTNESS).map(|(s, share)| s.exp2() * share).sum::<f32>();
        let warm = Trim { kelvin: 800.0, ..Trim::default() };
        let [r, g, b] = warm.stops();
        assert!(r > g && g > b && (brightness(warm) - 1.0).abs() < 1e-4, "{r} {g} {b}");
        let [r, g, b] = Trim { kelvin: -800.0, ..Trim::default() }.stops();
        assert!(r < g && g < b);
        let magenta = Trim { tint: 0.2, ..Trim::default() };
        let [r, g, b] = magenta.stops();
        assert!((r - b).abs() < 1e-5 && (r - g - 0.2).abs() < 1e-4 && (brightness(magenta) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn trims_are_bounded_written_down_and_read_again() {
        let mut list = TrimList::default();
        list.edit("cam \"3\"", &TrimEdit { ev: Some(0.2), kelvin: Some(-150.0), contrast: Some(-0.1), ..TrimEdit::default() });
        list.edit("cam04", &TrimEdit { ev: Some(99.0), kelvin: Some(f32::NAN), tint: Some(-0.05), vignette: Some(0.3), contrast: None });
        assert_eq!(list.of("cam04"), Trim { ev: Trim::MOST.ev, tint: -0.05, vignette: 0.3, ..Trim::default() });
        assert_eq!(TrimList::from_toml(&list.to_toml()), Ok(list.clone()));
        let mut odd = TrimList::default();
        for name in ["both \" and '", "'''", "a\\b", "tab\tend", "far left", "Kamera ü"] {
            odd.edit(name, &TrimEdit { ev: Some(0.25), ..TrimEdit::default() });
        }
        assert_eq!(TrimList::from_toml(&odd.to_toml()), Ok(odd.clone()), "{}", odd.to_toml());
        assert!(list.of_all(["cam01", "cam04"].into_iter())[0].is_none());
        list.edit("cam04", &TrimEdit::RESET);
        list.edit("cam \"3\"", &TrimEdit::RESET);
        assert!(list.is_empty() && list.to_toml().is_empty() && list.of_all(["cam01"].into_iter()).is_empty());
        for (text, word) in [("[a]\nev = \"x\"", "no number"), ("[a]\nhue = 1", "hue"), ("a = 1", "no table"), ("[", "TOML")] {
            assert!(TrimList::from_toml(text).unwrap_err().contains(word), "{text}: {:?}", TrimList::from_toml(text));
        }
    }
}
