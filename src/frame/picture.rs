//! 8-bit RGBA stills.

use std::path::{Path, PathBuf};

/// Errors of reading and writing pictures.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file is missing, unreadable, truncated or of an unknown kind.
    #[error("cannot read the picture {path:?}: {source}. Give a readable PNG or JPEG file")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: image::ImageError,
    },
    /// The file cannot be written.
    #[error("cannot write the picture {path:?}: {source}. Check that the folder exists, is writable and has room")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
    /// More than is taken.
    #[error("the picture {path:?} has {what}, and at most {most} are taken. Make it smaller")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it has.
        what: String,
        /// What it may have.
        most: String,
    },
    /// The byte count does not fit the size.
    #[error("a picture of {width}×{height} needs {expected} bytes of RGBA, got {got}")]
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

/// An 8-bit RGBA picture, row-major, top row first, code values as displayed (sRGB/BT.709 encoded), not premultiplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Picture {
    /// Takes `width·height·4` bytes.
    pub fn from_rgba(width: u32, height: u32, rgba: Vec<u8>) -> Result<Self, PictureError> {
        let expected = width as usize * height as usize * 4;
        if rgba.len() != expected || expected == 0 {
            return Err(PictureError::Size { width, height, expected, got: rgba.len() });
        }
        Ok(Self { width, height, rgba })
    }

    /// Every pixel the same colour.
    pub fn filled(width: u32, height: u32, color: [u8; 4]) -> Self {
        Self { width, height, rgba: color.repeat(width as usize * height as usize) }
    }

    /// Reads a PNG or JPEG file.
    pub fn load(path: &Path) -> Result<Self, PictureError> {
        let decoded = image::ImageReader::open(path)
            .and_then(image::ImageReader::with_guessed_format)
            .map_err(image::ImageError::IoError)
            .and_then(image::ImageReader::decode)
            .map_err(|source| PictureError::Read { path: path.to_owned(), source })?
            .into_rgba8();
        Ok(Self { width: decoded.width(), height: decoded.height(), rgba: decoded.into_raw() })
    }

    /// The same, for a file that is no larger than so many bytes and pixels: nothing larger is decoded.
    pub fn load_within(path: &Path, most_bytes: u64, most_pixels: u64) -> Result<Self, PictureError> {
        let read = |source| PictureError::Read { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(|e| read(image::ImageError::IoError(e)))?.len();
        if bytes > most_bytes {
            return Err(PictureError::TooLarge {
                path: path.to_owned(),
                what: format!("{} MB", bytes / 1_000_000),
                most: format!("{} MB", most_bytes / 1_000_000),
            });
        }
        let (width, height) = image::ImageReader::open(path)
            .and_then(image::ImageReader::with_guessed_format)
            .map_err(image::ImageError::IoError)
            .and_then(image::ImageReader::into_dimensions)
            .map_err(read)?;
        if u64::from(width) * u64::from(height) > most_pixels {
            let most = format!("{} million pixels", most_pixels / 1_000_000);
            return Err(PictureError::TooLarge { path: path.to_owned(), what: format!("{width}x{height} pixels"), most });
        }
        Self::load(path)
    }

    fn write_jpeg(&self, to: impl std::io::Write, quality: u8) -> Result<(), image::ImageError> {
        let rgb: Vec<u8> = self.rgba.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(to, quality);
        encoder.encode(&rgb, self.width, self.height, image::ExtendedColorType::Rgb8)
    }

    /// Writes PNG or JPEG by the path's extension.
    pub fn save(&self, path: &Path) -> Result<(), PictureError> {
        let is_jpeg = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"));
        let result = if is_jpeg {
            let file = std::fs::File::create(path).map_err(image::ImageError::IoError);
            file.and_then(|file| self.write_jpeg(std::io::BufWriter::new(file), 95))
        } else {
            image::save_buffer_with_format(
                path,
                &self.rgba,
                self.width,
                self.height,
                image::ExtendedColorType::Rgba8,
                image::ImageFormat::Png,
            )
        };
        result.map_err(|source| PictureError::Write { path: path.to_owned(), source })
    }

    /// As JPEG; `quality` in percent. `None` when the picture is too large for it.
    pub fn to_jpeg(&self, quality: u8) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.write_jpeg(&mut out, quality.clamp(1, 100)).ok()?;
        Some(out)
    }

    /// From JPEG bytes of anybody; `None` for what is none, and for pictures larger than `side_px`.
    pub fn from_jpeg(bytes: &[u8], side_px: u32) -> Option<Self> {
        let mut limits = image::Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(side_px), Some(side_px));
        let mut reader = image::ImageReader::with_format(std::io::Cursor::new(bytes), image::ImageFormat::Jpeg);
        reader.limits(limits);
        let decoded = reader.decode().ok()?.into_rgba8();
        Self::from_rgba(decoded.width(), decoded.height(), decoded.into_raw()).ok()
    }

    /// Pixels across.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Row-major RGBA bytes.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// Row-major RGBA bytes, writable.
    pub fn rgba_mut(&mut self) -> &mut [u8] {
        &mut self.rgba
    }

    /// The pixel at column `x`, row `y`. Panics outside the picture.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let i = (y as usize * self.width as usize + x as usize) * 4;
        [self.rgba[i], self.rgba[i + 1], self.rgba[i + 2], self.rgba[i + 3]]
    }

    /// Area-averaged (Lanczos) copy of another size.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let image = image::RgbaImage::from_raw(self.width, self.height, self.rgba.clone());
        match image {
            Some(image) => {
                let out = image::imageops::resize(&image, width, height, image::imageops::FilterType::Lanczos3);
                Self { width, height, rgba: out.into_raw() }
            }
            None => Self::filled(width, height, [0, 0, 0, 255]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_sizes_are_refused() {
        assert!(Picture::from_rgba(2, 2, vec![0; 15]).is_err());
        assert!(Picture::from_rgba(0, 2, vec![]).is_err());
        let e = Picture::load(Path::new("/nowhere/cam.png")).unwrap_err().to_string();
        assert!(e.contains("cam.png"), "{e}");
    }
}
