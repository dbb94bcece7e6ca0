//! The protocol of the picture bench: which sets there are, which cameras are hidden, and what others reach on them.
//!
//! A table in TOML (`pictures.toml` beside this file), so that a figure that was recorded elsewhere is data with its source, not
//! code. Must not know: the GPU, what Volte reaches.

use std::path::Path;

use super::BenchError;

const OWN: &str = include_str!("pictures.toml");

/// All sets and where the recorded figures come from.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// How the recorded figures were made.
    #[serde(default)]
    pub source: String,
    /// The rows of the table, in order.
    #[serde(rename = "set")]
    pub sets: Vec<SetSpec>,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSpec {
    /// Short name, of a–z, 0–9 and "-".
    pub id: String,
    /// How the table calls it.
    pub title: String,
    /// Folder below the data folder.
    pub data: String,
    /// Calibration, below the set's folder.
    pub rig: String,
    /// Folder of pictures, below the set's folder.
    pub pictures: String,
    /// The cameras that take part, in order; `None` = all, by name.
    pub order: Option<Order>,
    /// Pictures and lenses are scaled to this width first.
    pub width_px: Option<u32>,
    /// Folder of masks of the subject.
    pub masks: Option<String>,
    /// Cameras between those of the set, which are the truth; `None` = every second camera is hidden.
    pub between: Option<Between>,
    /// The angle between the cameras that remain, in words.
    pub gap: String,
    /// What others reach.
    #[serde(default)]
    pub recorded: RecordedPeers,
}

/// Where the order of a set's cameras is written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// A text file of names, or a JSON file of lists of names.
    pub file: String,
    /// The list in a JSON file.
    pub member: Option<String>,
}

/// Cameras that stand between those of a set.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// Their calibration, below the set's folder.
    pub rig: String,
    /// Their pictures.
    pub pictures: String,
}

/// What others reach on a set; recorded, not measured here.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPeers {
    /// The nearest camera's picture through the plane at the pivot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Recorded>,
    /// The two nearest, blended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_fade: Option<Recorded>,
    /// `OpenMVS` depth maps, warped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openmvs: Option<Recorded>,
}

/// Means over a set's pictures.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// PSNR over RGB, dB; `None` when it failed or was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psnr_db: Option<f64>,
    /// SSIM over luma.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssim: Option<f64>,
    /// PSNR inside the masks, dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_db: Option<f64>,
    /// What is to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Protocol {
    /// The project's own table.
    pub fn own() -> Result<Self, BenchError> {
        Self::parse(OWN, Path::new("pictures.toml"))
    }

    /// A table of the same form.
    pub fn load(path: &Path) -> Result<Self, BenchError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| BenchError::Protocol { path: path.into(), what: format!("cannot be read: {e}. Give a TOML file of sets") })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, BenchError> {
        let wrong = |what: String| BenchError::Protocol { path: path.into(), what };
        let table: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        for (i, set) in table.sets.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if set.id.is_empty() || !set.id.chars().all(plain) {
                return Err(wrong(format!("the id {:?} of set {} is not made of a-z, 0-9 and \"-\"", set.id, i + 1)));
            }
            if table.sets[..i].iter().any(|s| s.id == set.id) {
                return Err(wrong(format!("two sets have the id {:?}; give one another name", set.id)));
            }
            if set.width_px.is_some_and(|w| !(16..=16384).contains(&w)) {
                return Err(wrong(format!("set {:?}: width_px must be between 16 and 16384", set.id)));
            }
        }
        if table.sets.is_empty() {
            return Err(wrong("has no set".to_owned()));
        }
        Ok(table)
    }

    /// Only the sets of these names (an id, or a data folder, which may be several rows), in the table's order; all without names.
    pub fn only(mut self, names: &[String]) -> Result<Self, BenchError> {
        let fits = |set: &SetSpec, name: &String| set.id.eq_ignore_ascii_case(name) || set.data.eq_ignore_ascii_case(name);
        for name in names {
            if !self.sets.iter().any(|set| fits(set, name)) {
                let known = self.sets.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", ");
                return Err(BenchError::NoSuchSet { name: name.clone(), known });
            }
        }
        self.sets.retain(|set| names.is_empty() || names.iter().any(|name| fits(set, name)));
        Ok(self)
    }
}

impl SetSpec {
    /// The protocol in a word, with the number of pictures.
    pub fn protocol_words(&self, pictures: usize) -> String {
        let size = self.width_px.map(|w| format!(", {w} px wide")).unwrap_or_default();
        if self.between.is_some() { format!("mid-gap, {pictures} pictures{size}") } else { format!("half density, {pictures}{size}") }
    }

    /// The cameras that take part, in order, given the names in the set's rig.
    pub fn order(&self, folder: &Path, in_rig: &[String]) -> Result<Vec<String>, BenchError> {
        let Some(order) = &self.order else {
            let mut names = in_rig.to_vec();
            names.sort();
            return Ok(names);
        };
        let path = folder.join(&order.file);
        let wrong = |what: String| BenchError::Order { path: path.clone(), what };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
        let names: Vec<String> = match &order.member {
            Some(member) => {
                let lists: serde_json::Value = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
                let list = lists.get(member).and_then(serde_json::Value::as_array);
                let list = list.ok_or_else(|| wrong(format!("it has no list {member:?}")))?;
                list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
            }
            None => text.split_whitespace().map(str::to_owned).collect(),
        };
        // Some lists name the files of the cameras.
        let stem = |name: String| match name.rsplit_once('.') {
            Some((stem, extension)) if ["jpg", "jpeg", "png"].contains(&extension.to_ascii_lowercase().as_str()) => stem.to_owned(),
            _ => name,
        };
        let names: Vec<String> = names.into_iter().map(stem).collect();
        if let Some(unknown) = names.iter().find(|n| !in_rig.contains(n)) {
            return Err(wrong(format!("it names {unknown:?}, which the rig {:?} has not", self.rig)));
        }
        Ok(names)
    }
}

/// Half density: every second of `cameras` in order; the two ends stay in.
pub fn every_second(cameras: usize) -> Vec<usize> {
    (1..cameras.saturating_sub(1)).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_camera_is_hidden_and_the_ends_stay() {
        assert_eq!(every_second(5), [1, 3]);
        assert_eq!(every_second(6), [1, 3]);
        assert_eq!(every_second(12), [1, 3, 5, 7, 9]);
        assert_eq!(every_second(18).len(), 8);
        assert_eq!(every_second(48).len(), 23);
        for few in 0..3 {
            assert_eq!(every_second(few), if few == 3 { vec![1] } else { vec![] });
        }
    }

    #[test]
    fn the_own_table_is_read_and_picked_from() {
        let table = Protocol::own().unwrap();
        assert_eq!(table.sets.len(), 8);
        let walk = &table.sets[0];
        assert_eq!(walk.recorded.openmvs, Some(Recorded { psnr_db: Some(29.08), ssim: Some(0.904), ..Recorded::default() }));
        let ids = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            table.clone().only(&names).map(|t| t.sets.iter().map(|s| s.id.clone()).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["fox", "walk"]).unwrap(), ["walk-middle", "walk", "fox"]);
        assert_eq!(ids(&["walk-middle"]).unwrap(), ["walk-middle"]);
        assert_eq!(ids(&[]).unwrap().len(), 8);
        let error = ids(&["foxx"]).unwrap_err().to_string();
        assert!(error.contains("foxx") && error.contains("dtu24"), "{error}");
    }

    #[test]
    fn a_wrong_table_is_refused() {
        let set = "[[set]]\nid='a'\ntitle='a'\ndata='a'\nrig='r'\npictures='p'\ngap='1°'\n";
        let parse = |text: &str| Protocol::parse(text, Path::new("x.toml"));
        assert!(parse(set).is_ok());
        for (text, word) in [
            (String::new(), "set"),
            ("set = []".to_owned(), "no set"),
            (format!("{set}{set}"), "two sets"),
            (set.replace("id='a'", "id='../a'"), "../a"),
            (set.replace("gap", "gapp"), "gapp"),
            (format!("{set}width_px = 3\n"), "width_px"),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("x.toml"), "{error}");
        }
    }

    #[test]
    fn orders_are_read_from_lists() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("arc.txt"), "b.jpg\na.jpg\n").unwrap();
        std::fs::write(folder.path().join("rings.json"), r#"{"low": ["c", "b"], "n": 3}"#).unwrap();
        let rig: Vec<String> = ["c", "a", "b"].map(str::to_owned).to_vec();
        let mut set = Protocol::own().unwrap().sets.remove(1);
        let mut order = |file: &str, member: Option<&str>| {
            set.order = (!file.is_empty()).then(|| Order { file: file.to_owned(), member: member.map(str::to_owned) });
            set.order(folder.path(), &rig)
        };
        assert_eq!(order("", None).unwrap(), ["a", "b", "c"]);
        assert_eq!(order("arc.txt", None).unwrap(), ["b", "a"]);
        assert_eq!(order("rings.json", Some("low")).unwrap(), ["c", "b"]);
        assert!(order("rings.json", Some("high")).unwrap_err().to_string().contains("high"));
        assert!(order("gone.txt", None).unwrap_err().to_string().contains("gone.txt"));
        std::fs::write(folder.path().join("arc.txt"), "b x").unwrap();
        assert!(order("arc.txt", None).unwrap_err().to_string().contains("\"x\""));
    }
}
