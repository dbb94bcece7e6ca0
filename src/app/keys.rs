//! winit's keys as the keys of [`crate::control`].

use winit::keyboard::{KeyCode, ModifiersState, NamedKey, PhysicalKey};

use crate::control::{Key, Modifiers};

/// The key of an event. Digits go by their place on the board (a French row types them with Shift), letters and `?` by what
/// they type.
pub(super) fn key(physical: PhysicalKey, logical: &winit::keyboard::Key) -> Option<Key> {
    const ROW: [(KeyCode, KeyCode); 10] = [
        (KeyCode::Digit0, KeyCode::Numpad0),
        (KeyCode::Digit1, KeyCode::Numpad1),
        (KeyCode::Digit2, KeyCode::Numpad2),
        (KeyCode::Digit3, KeyCode::Numpad3),
        (KeyCode::Digit4, KeyCode::Numpad4),
        (KeyCode::Digit5, KeyCode::Numpad5),
        (KeyCode::Digit6, KeyCode::Numpad6),
        (KeyCode::Digit7, KeyCode::Numpad7),
        (KeyCode::Digit8, KeyCode::Numpad8),
        (KeyCode::Digit9, KeyCode::Numpad9),
    ];
    if let PhysicalKey::Code(code) = physical
        && let Some(digit) = ROW.iter().position(|(row, pad)| code == *row || code == *pad)
    {
        return Some(Key::Digit(digit as u8));
    }
    Some(match logical {
        winit::keyboard::Key::Named(named) => match named {
            NamedKey::Space => Key::Space,
            NamedKey::Enter => Key::Enter,
            NamedKey::Escape => Key::Escape,
            NamedKey::ArrowLeft => Key::Left,
            NamedKey::ArrowRight => Key::Right,
            NamedKey::ArrowUp => Key::Up,
            NamedKey::ArrowDown => Key::Down,
            NamedKey::PageUp => Key::PageUp,
            NamedKey::PageDown => Key::PageDown,
            NamedKey::Home => Key::Home,
            NamedKey::End => Key::End,
            NamedKey::Delete => Key::Delete,
            NamedKey::F2 => Key::F2,
            NamedKey::F6 => Key::F6,
            NamedKey::F7 => Key::F7,
            NamedKey::F8 => Key::F8,
            NamedKey::F9 => Key::F9,
            NamedKey::F10 => Key::F10,
            NamedKey::F11 => Key::F11,
            _ => return None,
        },
        winit::keyboard::Key::Character(text) => Key::Character(text.chars().next()?.to_lowercase().next()?),
        _ => return None,
    })
}

/// Keys that may be held down: they travel, the others act once.
pub(super) const fn may_repeat(key: Key) -> bool {
    matches!(key, Key::Left | Key::Right | Key::Up | Key::Down)
}

/// The modifiers that count.
pub(super) fn modifiers(state: ModifiersState) -> Modifiers {
    Modifiers { shift: state.shift_key(), ctrl: state.control_key() || state.super_key() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use winit::keyboard::{Key as Logical, NativeKeyCode};

    const ELSEWHERE: PhysicalKey = PhysicalKey::Unidentified(NativeKeyCode::Unidentified);

    #[test]
    fn digits_go_by_place_and_letters_by_what_they_type() {
        let exclamation = Logical::Character("!".into());
        assert_eq!(key(PhysicalKey::Code(KeyCode::Digit1), &exclamation), Some(Key::Digit(1)));
        assert_eq!(key(PhysicalKey::Code(KeyCode::Numpad0), &Logical::Named(NamedKey::Insert)), Some(Key::Digit(0)));
        assert_eq!(key(ELSEWHERE, &Logical::Character("M".into())), Some(Key::Character('m')));
        assert_eq!(key(ELSEWHERE, &Logical::Character("?".into())), Some(Key::Character('?')));
        assert_eq!(key(ELSEWHERE, &Logical::Named(NamedKey::Enter)), Some(Key::Enter));
        assert_eq!(key(ELSEWHERE, &Logical::Named(NamedKey::F5)), None);
        assert!(may_repeat(Key::Left) && !may_repeat(Key::Enter));
    }
}
