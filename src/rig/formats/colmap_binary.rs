//! COLMAP binary: `cameras.bin`, `images.bin`, `points3D.bin`, little-endian.
//! (COLMAP documentation, "Output Format"; the counts are never trusted for allocation.)

use std::collections::HashMap;

use glam::DVec3;

use super::{
    Fault,
    colmap::{Image, MODELS, Shared, assemble, lens},
};
use crate::rig::Rig;

struct Bytes<'a> {
    file: &'static str,
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Fault> {
        if n > self.rest.len() {
            return Err(Fault(format!("{} ends too early: it is truncated. Copy or export it again", self.file)));
        }
        let (head, rest) = self.rest.split_at(n);
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn f64(&mut self) -> Result<f64, Fault> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn skip(&mut self, count: u64, each: usize) -> Result<(), Fault> {
        let n = usize::try_from(count).ok().and_then(|n| n.checked_mul(each)).unwrap_or(usize::MAX);
        self.take(n).map(|_| ())
    }
}

/// Parses the three files' contents.
pub(super) fn parse(cameras: &[u8], images: &[u8], points: Option<&[u8]>) -> Result<Rig, Fault> {
    let mut b = Bytes { file: "cameras.bin", rest: cameras };
    let mut lenses = HashMap::new();
    for _ in 0..b.u64()? {
        let id = b.u32()?;
        let model_id = b.u32()?;
        let (w, h) = (b.u64()?, b.u64()?);
        let Some((model, n)) = MODELS.get(model_id as usize) else {
            return Err(Fault(format!("cameras.bin: camera {id} has the unknown model number {model_id}")));
        };
        let params = (0..*n).map(|_| b.f64()).collect::<Result<Vec<_>, _>>()?;
        let at = |Fault(what)| Fault(format!("cameras.bin: camera {id}: {what}"));
        let size_px = super::size_px(w as f64, h as f64).map_err(at)?;
        lenses.insert(id, Shared { size_px, lens: lens(model, &params).map_err(at)? });
    }
    let mut b = Bytes { file: "images.bin", rest: images };
    let mut found = Vec::new();
    for _ in 0..b.u64()? {
        b.u32()?;
        let q = [b.f64()?, b.f64()?, b.f64()?, b.f64()?];
        let t = DVec3::new(b.f64()?, b.f64()?, b.f64()?);
        let camera_id = b.u32()?;
        let length = b.rest.iter().position(|c| *c == 0).unwrap_or(b.rest.len());
        let path = String::from_utf8_lossy(b.take(length)?).into_owned();
        b.take(1)?;
        let points_2d = b.u64()?;
        b.skip(points_2d, 24)?;
        found.push(Image { path, camera_id, q, t });
    }
    let mut points_in_world = Vec::new();
    if let Some(points) = points.filter(|p| !p.is_empty()) {
        let mut b = Bytes { file: "points3D.bin", rest: points };
        for _ in 0..b.u64()? {
            b.u64()?;
            points_in_world.push(DVec3::new(b.f64()?, b.f64()?, b.f64()?));
            b.take(3 + 8)?;
            let track = b.u64()?;
            b.skip(track, 8)?;
        }
    }
    assemble(&lenses, &found, points_in_world)
}
