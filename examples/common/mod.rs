//! What the lessons on still pictures ask for on the command line, and how they load it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use volte::{
    frame::Picture,
    rig::{self, Rig, pictures},
    view::ViewMode,
};

/// A rig, its pictures, and how to show them.
#[derive(Debug, clap::Args)]
pub struct Stills {
    /// Rig file or folder of the real cameras, any format that `volte rig check` reads.
    #[arg(long)]
    pub rig: PathBuf,
    /// Folder with one picture per real camera, named as the camera.
    #[arg(long)]
    pub pictures: PathBuf,
    /// Folder for the synthesized pictures.
    #[arg(long)]
    pub out: PathBuf,
    /// Restrict the real cameras to these.
    #[arg(long = "use", value_name = "A,B,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// What to show: full synthesis, or what a rig without synthesis shows.
    #[arg(long, default_value = "synthesis", value_parser = ["synthesis", "soft-fade", "cross-fade", "nearest"])]
    pub mode: String,
    /// Longest side of the finest depth level, px (default: the pictures' own size).
    #[arg(long)]
    pub depth_size: Option<u32>,
}

impl Stills {
    /// The rig in whatever format the field handed it over, restricted to the cameras asked for, and a picture for every
    /// camera; the lenses are fitted to the pictures' size.
    pub fn load(&self) -> anyhow::Result<(Rig, Vec<Picture>)> {
        let rig = rig::load(&self.rig)?.only(&self.only).with_context(|| format!("--use, {:?}", self.rig))?;
        let matched = pictures::match_rig(&rig, &self.pictures)?;
        for notice in &matched.notices {
            eprintln!("note: {notice}");
        }
        let loaded = matched.paths.iter().map(|p| Picture::load(p)).collect::<Result<_, _>>()?;
        Ok((matched.rig, loaded))
    }

    /// What to show.
    pub fn view_mode(&self) -> ViewMode {
        match self.mode.as_str() {
            "soft-fade" => ViewMode::SoftFade,
            "cross-fade" => ViewMode::CrossFade,
            "nearest" => ViewMode::Nearest,
            _ => ViewMode::Synthesis,
        }
    }

    /// Makes the folder for the pictures.
    pub fn make_out(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot create the folder {:?}", self.out))
    }
}

/// A bar from 0 to 1000.
pub fn progress_bar() -> anyhow::Result<indicatif::ProgressBar> {
    Ok(indicatif::ProgressBar::new(1000).with_style(indicatif::ProgressStyle::with_template("{bar:40} {percent}% {eta}")?))
}

/// Writes what is known about the pictures.
pub fn write_json(path: &Path, json: &serde_json::Value) -> anyhow::Result<()> {
    std::fs::write(path, serde_json::to_string_pretty(json)?).with_context(|| format!("cannot write {path:?}"))
}
