//! Graphics as small text, so that they are there again after a restart.
//!
//! Must not know: files, and who keeps them.

use super::{Graphic, GraphicEdit, GraphicList, MOST_GRAPHICS};

/// Version of the text.
const VERSION: u32 = 1;

/// What is wrong with graphics, or with an edit of them.
#[derive(Debug, thiserror::Error)]
pub enum GraphicsError {
    /// The text is none of graphics.
    #[error("the graphics are not readable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Writing the text failed.
    #[error("the graphics cannot be written as text: {0}")]
    Write(#[from] toml::ser::Error),
    /// Made by another version.
    #[error("the graphics are of version {0}, this program reads version {VERSION}. Open them with the program that wrote them")]
    Version(u32),
    /// One cannot be drawn.
    #[error("{0}: it was not taken")]
    Invalid(String),
    /// The name is another one's.
    #[error("there is a graphic named {0:?} already. Choose another name")]
    Taken(String),
    /// None has that name.
    #[error("there is no graphic named {name:?}. {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Which there are.
        known: String,
    },
    /// There are enough.
    #[error("there are {MOST_GRAPHICS} graphics already. Take one out first")]
    TooMany,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clean: Option<bool>,
    #[serde(rename = "graphic", default)]
    graphics: Vec<Graphic>,
}

/// Graphics as they are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeptGraphics {
    /// The graphics.
    pub list: GraphicList,
    /// Whether program was without them, where that was ever chosen.
    pub clean: Option<bool>,
    /// Those that cannot be drawn, and why.
    pub left_out: Vec<String>,
}

impl KeptGraphics {
    /// Reads a text. One that cannot be drawn is left out, and told.
    pub fn from_toml(text: &str) -> Result<Self, GraphicsError> {
        let read: Text = toml::from_str(text)?;
        if read.version != VERSION {
            return Err(GraphicsError::Version(read.version));
        }
        let mut kept = Self { clean: read.clean, ..Self::default() };
        for graphic in read.graphics {
            let name = graphic.name.clone();
            if let Err(e) = kept.list.apply(&GraphicEdit::Add(graphic)) {
                kept.left_out.push(format!("{name}: {e}"));
            }
        }
        Ok(kept)
    }

    /// As text.
    pub fn to_toml(&self) -> Result<String, GraphicsError> {
        let text = toml::to_string(&Text { version: VERSION, clean: self.clean, graphics: self.list.all().to_vec() })?;
        Ok(format!("# Graphics in the scene: points are metres in the world.\n{text}"))
    }
}

impl GraphicList {
    /// Reads a text of nothing but graphics that can be drawn.
    pub fn from_toml(text: &str) -> Result<Self, GraphicsError> {
        let read: Text = toml::from_str(text)?;
        if read.version != VERSION {
            return Err(GraphicsError::Version(read.version));
        }
        Self::of(read.graphics)
    }

    /// A list of these, each checked as if it were added.
    pub fn of(graphics: Vec<Graphic>) -> Result<Self, GraphicsError> {
        let mut list = Self::default();
        for graphic in graphics {
            list.apply(&GraphicEdit::Add(graphic))?;
        }
        Ok(list)
    }

    /// As text.
    pub fn to_toml(&self) -> Result<String, GraphicsError> {
        KeptGraphics { list: self.clone(), ..KeptGraphics::default() }.to_toml()
    }
}

/// `#rrggbb`.
pub fn color_of(text: &str) -> Option<[u8; 3]> {
    let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.is_ascii())?;
    let byte = |k: usize| u8::from_str_radix(&hex[2 * k..2 * k + 2], 16).ok();
    Some([byte(0)?, byte(1)?, byte(2)?])
}

pub(super) mod color {
    use super::color_of;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
    pub fn serialize<S: serde::Serializer>(rgb: &[u8; 3], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::text_of_color(*rgb))
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<[u8; 3], D::Error> {
        let text = <String as serde::Deserialize>::deserialize(from)?;
        color_of(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no colour; write it as \"#rrggbb\"")))
    }
}

/// `#rrggbb` of a colour.
pub fn text_of_color([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::graphics::{Corner, GraphicKind};

    #[test]
    fn a_clean_feed_is_kept_and_one_bad_graphic_does_not_cost_the_others() {
        let bow = "[[graphic]]\nname = \"bow\"\nkind = \"plane\"\npoints_m = [[0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]]";
        let line = "[[graphic]]\nname = \"a\"\nkind = \"line\"\npoints_m = [[0, 0, 0], [1.0, 0, 0]]";
        let kept = KeptGraphics::from_toml(&format!("version = 1\nclean = true\n{bow}\n{line}")).unwrap();
        assert_eq!((kept.clean, kept.list.all().len(), kept.left_out.len()), (Some(true), 1, 1));
        assert!(kept.left_out[0].contains("bow") && kept.left_out[0].contains("cross"), "{:?}", kept.left_out);
        let again = KeptGraphics::from_toml(&kept.to_toml().unwrap()).unwrap();
        assert_eq!(again, KeptGraphics { left_out: vec![], ..kept });
        assert_eq!(KeptGraphics::from_toml("version = 1").unwrap().clean, None);
    }

    #[test]
    fn graphics_are_read_as_they_were_written() {
        let mut list = GraphicList::default();
        // On a bow: corners of a plane that do not cross.
        let points = |n: usize| (0..n).map(|k| [k as f64, -1.5 + (k * k) as f64, 0.25]).collect::<Vec<_>>();
        for kind in GraphicKind::ALL {
            let graphic = Graphic { file: Some("a b.png".into()), ..Graphic::new(kind, points(kind.clicks())) };
            list.apply(&GraphicEdit::Add(graphic)).unwrap();
        }
        list.apply(&GraphicEdit::Text("bug-1".to_owned(), "HOME 2 : 1 \"AWAY\"".to_owned())).unwrap();
        list.apply(&GraphicEdit::Corner("bug-1".to_owned(), Corner::BottomRight)).unwrap();
        list.apply(&GraphicEdit::Color("line-1".to_owned(), [1, 171, 255])).unwrap();
        let text = list.to_toml().unwrap();
        assert!(text.contains("#01abff") && text.contains("bottom-right"), "{text}");
        assert_eq!(GraphicList::from_toml(&text).unwrap(), list);
        // Few words are enough, and wrong ones are told.
        let short = "version = 1\n[[graphic]]\nname = \"a\"\nkind = \"line\"\npoints_m = [[0, 0, 0], [1.0, 0, 0]]";
        assert_eq!(GraphicList::from_toml(short).unwrap().all()[0].name, "a");
        for (wrong, word) in [
            (text.replace("version = 1", "version = 9"), "version 9"),
            (text.replace("#01abff", "yellow"), "#rrggbb"),
            (short.replace("[1.0, 0, 0]", "[1.0, 0]"), "readable"),
            (format!("{short}\n{}", &short[12..]), "already"),
            (short.replace("line", "circle").replace("1.0", "0.0"), "the same"),
        ] {
            let told = GraphicList::from_toml(&wrong).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
