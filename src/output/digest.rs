//! SHA-256 (FIPS 180-4) of files and texts: what tells that something is what it was.

use std::{io::Read as _, path::Path};

use sha2::{Digest as _, Sha256};

use super::OutputError;

/// In hexadecimal, as `sha256sum` prints it.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Of a whole file, in hexadecimal.
pub fn sha256_of_file(file: &Path) -> Result<String, OutputError> {
    let read = |source| OutputError::Read { path: file.to_owned(), source };
    let mut from = std::fs::File::open(file).map_err(read)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 20];
    loop {
        match from.read(&mut part).map_err(read)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&part[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, b| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{b:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_standard() {
        // FIPS 180-4's examples.
        assert_eq!(sha256_of_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        std::fs::write(&file, vec![b'a'; 1_000_000 + (1 << 20)]).unwrap();
        assert_eq!(sha256_of_file(&file).unwrap(), sha256_of_bytes(&vec![b'a'; 1_000_000 + (1 << 20)]));
        std::fs::write(&file, vec![b'a'; 1_000_000]).unwrap();
        assert_eq!(sha256_of_file(&file).unwrap(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        assert!(sha256_of_file(&dir.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
