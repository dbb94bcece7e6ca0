//! The rig: the calibrated cameras, the formats in which the field hands them over, and what is wrong with them.
//!
//! Must not know: pictures' pixels on the GPU, feeds, threads.

mod arc;
pub mod check;
pub mod formats;
pub mod pictures;

pub use arc::{Arc, ArcError};
pub use formats::{Format, RigError, load, save, save_with_pictures};
pub use pictures::fit_to_pictures;

use glam::{DVec2, DVec3};

use crate::geometry::{Lens, Pose};

/// One calibrated camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Name: the picture's file stem, or the feed's name.
    pub name: String,
    /// Picture width that the lens is given for, px.
    pub width_px: u32,
    /// Picture height that the lens is given for, px.
    pub height_px: u32,
    /// Lens, with the first pixel's centre at (0.5, 0.5).
    pub lens: Lens,
    /// Pose.
    pub camera_from_world: Pose,
    /// Add to this camera's timestamps to get house time, nanoseconds.
    pub clock_offset_nanos: i64,
}

impl Camera {
    /// A camera of which only the name is known: no size, no lens, no place.
    pub fn unposed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            width_px: 0,
            height_px: 0,
            lens: Lens::pinhole(1.0, 1.0, 0.0, 0.0),
            camera_from_world: Pose::IDENTITY,
            clock_offset_nanos: 0,
        }
    }

    /// Projects a world point to pixels; `None` behind the camera.
    pub fn project(&self, p_in_world: DVec3) -> Option<DVec2> {
        self.lens.project(self.camera_from_world.apply(p_in_world))
    }

    /// Centre in the world, metres.
    pub fn center_in_world(&self) -> DVec3 {
        self.camera_from_world.center_in_world()
    }

    /// Whether a pixel position lies inside the picture.
    pub fn contains_px(&self, px: DVec2) -> bool {
        px.x >= 0.0 && px.y >= 0.0 && px.x < f64::from(self.width_px) && px.y < f64::from(self.height_px)
    }

    /// The same camera with pictures of another size.
    #[must_use]
    pub fn scaled_to(&self, width_px: u32, height_px: u32) -> Self {
        let (sx, sy) = (f64::from(width_px) / f64::from(self.width_px), f64::from(height_px) / f64::from(self.height_px));
        Self { width_px, height_px, lens: self.lens.scaled(sx, sy), ..self.clone() }
    }

    /// Its lens for pictures of that size, px; as it is where the rig does not say how large its pictures are. `None` for pictures of another shape.
    pub fn lens_for(&self, (width_px, height_px): (u32, u32)) -> Option<Lens> {
        if self.width_px == 0 {
            return Some(self.lens);
        }
        let is_alike = u64::from(self.width_px) * u64::from(height_px) == u64::from(self.height_px) * u64::from(width_px);
        is_alike.then(|| self.scaled_to(width_px, height_px).lens)
    }
}

/// A camera was asked for by a name that the rig does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rig has no camera {name:?}. It has {known}")]
pub struct NoSuchCamera {
    /// The name asked for.
    pub name: String,
    /// The names that there are, the first of them if they are many.
    pub known: String,
}

impl NoSuchCamera {
    fn new(name: &str, rig: &Rig) -> Self {
        const TOLD: usize = 12;
        let mut known = rig.cameras.iter().take(TOLD).map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        match rig.cameras.len().saturating_sub(TOLD) {
            0 if known.is_empty() => known.push_str("none"),
            0 => {}
            more => known = format!("{known} and {more} more"),
        }
        Self { name: name.to_owned(), known }
    }
}

/// The calibrated cameras, in the order of their file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rig {
    /// Cameras; names are unique.
    pub cameras: Vec<Camera>,
    /// Sparse points of the scene in the world, metres (may be empty); they bound the depth range.
    pub points_in_world: Vec<DVec3>,
}

impl Rig {
    /// The camera of that name.
    pub fn camera(&self, name: &str) -> Option<&Camera> {
        self.cameras.iter().find(|c| c.name == name)
    }

    /// The camera of that name; else one whose name differs from it only in capitals.
    pub fn camera_like(&self, name: &str) -> Option<&Camera> {
        let like_it = || self.cameras.iter().find(|c| c.name.to_lowercase() == name.to_lowercase());
        self.camera(name).or_else(like_it)
    }

    /// Index of the camera of that name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.cameras.iter().position(|c| c.name == name)
    }

    /// The rig restricted to `keep` (indices), in that order.
    #[must_use]
    pub fn restricted_to(&self, keep: &[usize]) -> Self {
        Self { cameras: keep.iter().filter_map(|&i| self.cameras.get(i).cloned()).collect(), points_in_world: self.points_in_world.clone() }
    }

    /// The rig restricted to the cameras of these names, in that order, each once; all of it when there are no names.
    pub fn only(self, names: &[impl AsRef<str>]) -> Result<Self, NoSuchCamera> {
        if names.is_empty() {
            return Ok(self);
        }
        let mut keep = self.indices_of(names)?;
        let mut seen = std::collections::BTreeSet::new();
        keep.retain(|i| seen.insert(*i));
        Ok(self.restricted_to(&keep))
    }

    /// The indices of the cameras of these names, in that order.
    pub fn indices_of(&self, names: &[impl AsRef<str>]) -> Result<Vec<usize>, NoSuchCamera> {
        let index = |name: &str| self.index_of(name).ok_or_else(|| NoSuchCamera::new(name, self));
        names.iter().map(|name| index(name.as_ref())).collect()
    }
}
