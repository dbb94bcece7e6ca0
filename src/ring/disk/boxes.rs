//! MP4 boxes as bytes: a length, four letters, and what is inside.

/// Grows a byte string box by box.
#[derive(Debug, Default)]
pub(super) struct BoxWriter {
    pub bytes: Vec<u8>,
}

/// No rotation, no scaling: the matrix that every header carries.
const UNITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

impl BoxWriter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(super) fn u8(&mut self, v: u8) {
        self.bytes.push(v);
    }

    pub(super) fn u16(&mut self, v: u16) {
        self.bytes.extend_from_slice(&v.to_be_bytes());
    }

    pub(super) fn u32(&mut self, v: u32) {
        self.bytes.extend_from_slice(&v.to_be_bytes());
    }

    pub(super) fn u64(&mut self, v: u64) {
        self.bytes.extend_from_slice(&v.to_be_bytes());
    }

    pub(super) fn put(&mut self, v: &[u8]) {
        self.bytes.extend_from_slice(v);
    }

    pub(super) fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    /// A box around what `inside` writes.
    pub(super) fn boxed(&mut self, kind: [u8; 4], inside: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(0);
        self.put(&kind);
        inside(self);
        // Headers are far below 4 GiB: the caller bounds what it puts in.
        let len = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&len.to_be_bytes());
    }

    /// A box with version and flags.
    pub(super) fn full(&mut self, kind: [u8; 4], version: u8, flags: u32, inside: impl FnOnce(&mut Self)) {
        self.boxed(kind, |w| {
            w.u32(u32::from(version) << 24 | flags & 0xff_ffff);
            inside(w);
        });
    }

    pub(super) fn matrix(&mut self) {
        for v in UNITY {
            self.u32(v);
        }
    }
}

/// A box's length and letters at the beginning of `bytes`: (length of the whole box, letters, length of its header). `None`
/// when it cannot be one.
pub(super) fn header(bytes: &[u8]) -> Option<(u64, [u8; 4], u64)> {
    let short = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let kind: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
    let (len, header_len) = if short == 1 { (u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?), 16) } else { (u64::from(short), 8) };
    (len >= header_len && kind.iter().all(|b| (0x20..0x7f).contains(b) || *b == 0xa9)).then_some((len, kind, header_len))
}
