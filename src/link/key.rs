//! The key that console and node share.

use std::fmt;
use std::str::FromStr;

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 64 hexadecimal digits; `volte node --new-key` prints a new one, to be written into both files")]
pub struct KeyError;

/// 32 secret bytes. It is compared and handed over, never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// A new one from the system's source of randomness; `None` when it has none.
    pub fn random() -> Option<Self> {
        let pair = snow::Builder::new(super::sealed::PATTERN.parse().ok()?).generate_keypair().ok()?;
        pair.private.try_into().ok().map(Self)
    }

    /// As people copy it. Whoever calls this shows a secret.
    pub fn to_hex(&self) -> String {
        self.0.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for LinkKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits: Vec<u8> = text.trim().chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>().ok_or(KeyError)?;
        if digits.len() != 64 {
            return Err(KeyError);
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_copied_as_text_and_never_shown() {
        let key = LinkKey::random().unwrap();
        assert_eq!(key.to_hex().parse(), Ok(key.clone()));
        assert_ne!(LinkKey::random().unwrap(), key);
        assert_eq!(format!("{key:?}"), "***");
        for bad in ["", "12", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(bad.parse::<LinkKey>(), Err(KeyError), "{bad}");
        }
    }
}
