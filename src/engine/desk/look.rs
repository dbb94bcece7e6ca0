//! How the operator has arranged the console, as a small text beside what else is kept.
//!
//! Must not know: windows, what a layout is.

use serde::{Deserialize, Serialize};

/// The version of the text.
const VERSION: u32 = 1;
/// Scales that a window can have been given, times: what is beside them was written by no window.
const SCALES: std::ops::RangeInclusive<f32> = 0.5..=10.0;
/// The layouts, as show files call them.
const LAYOUTS: [&str; 2] = ["whole", "simple"];

/// What a window remembers of its console.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ConsoleLook {
    /// The layout that was chosen by hand, as show files call it; `None`: none was.
    pub layout: Option<&'static str>,
    /// How much larger everything is drawn than at first, times; `None`: as at first.
    pub scale: Option<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<f64>,
}

impl ConsoleLook {
    /// Reads a text; the error is words for the operator.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let read: Text = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        if read.version != VERSION {
            return Err(format!("version {} is of another Volte, this one reads version {VERSION}", read.version));
        }
        let layout = match read.layout {
            None => None,
            Some(word) => {
                Some(LAYOUTS.into_iter().find(|l| *l == word).ok_or_else(|| format!("layout = {word:?} is neither whole nor simple"))?)
            }
        };
        let scale = read.scale.map(|v| v as f32);
        if let Some(wrong) = scale.filter(|v| !SCALES.contains(v)) {
            return Err(format!("scale = {wrong} is not between {} and {}", SCALES.start(), SCALES.end()));
        }
        Ok(Self { layout, scale })
    }

    /// Writes it as a text that [`ConsoleLook::from_toml`] reads.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        // A step of the scale is a tenth.
        let scale = self.scale.filter(|v| SCALES.contains(v)).map(|v| (f64::from(v) * 1e3).round() / 1e3);
        toml::to_string(&Text { version: VERSION, layout: self.layout.map(str::to_owned), scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_what_nobody_wrote_is_refused() {
        for layout in [None, Some("whole"), Some("simple")] {
            for scale in [None, Some(0.8), Some(1.3), Some(2.5)] {
                let look = ConsoleLook { layout, scale };
                assert_eq!(ConsoleLook::from_toml(&look.to_toml().unwrap()), Ok(look));
            }
        }
        for (text, word) in [
            ("", "version"),
            ("version = 2\nscale = 1.0", "version 2"),
            ("version = 1\nlayout = \"round\"", "round"),
            ("version = 1\nscale = nan", "scale"),
            ("version = 1\nscale = 1e30", "scale"),
            ("version = 1\nscale = -1", "scale"),
            ("version = 1\nsize = 3", "size"),
            ("no text", "expected"),
        ] {
            let refused = ConsoleLook::from_toml(text).unwrap_err();
            assert!(refused.contains(word), "{text:?}: {refused}");
        }
    }
}
