//! Where the windows open: program on a monitor of its own, else beside the console, never over it. Pure.

/// A rectangle of the desktop, physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "names carry their unit")]
pub(super) struct Area {
    pub x_px: i32,
    pub y_px: i32,
    pub width_px: u32,
    pub height_px: u32,
}

/// The console shows everything from this width on, logical pixels.
const CONSOLE_MIN: f64 = 960.0;
/// The console is never opened larger than this, logical pixels.
const CONSOLE_MAX: (f64, f64) = (1920.0, 1080.0);
/// Widths of the program window, logical pixels; it is 16:9.
const PROGRAM_MIN: f64 = 320.0;
const PROGRAM_MAX: f64 = 960.0;
/// Share of a single monitor's width that the console gets.
const CONSOLE_SHARE: f64 = 0.7;

/// Places for the console and, where there is room for it, for program. `scale` is physical pixels per logical one on `screen`.
pub(super) fn places(screen: Area, scale: f64, other: Option<Area>, with_program: bool) -> (Area, Option<Area>) {
    let scale = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
    let px = |logical: f64| (logical * scale).round() as u32;
    let height_px = screen.height_px.min(px(CONSOLE_MAX.1));
    let whole = Area { width_px: screen.width_px.min(px(CONSOLE_MAX.0)), height_px, ..screen };
    if !with_program {
        return (whole, None);
    }
    let wide = |width_px: u32| (width_px, (width_px * 9 / 16).max(1));
    if let Some(other) = other {
        let (width_px, height_px) = wide(px(PROGRAM_MAX).min(other.width_px));
        return (whole, Some(Area { width_px, height_px: height_px.min(other.height_px), ..other }));
    }
    let console_px = ((f64::from(screen.width_px) * CONSOLE_SHARE) as u32).clamp(px(CONSOLE_MIN), px(CONSOLE_MAX.0));
    let room_px = screen.width_px.saturating_sub(console_px);
    if room_px < px(PROGRAM_MIN) {
        return (whole, None);
    }
    let (width_px, program_height_px) = wide(room_px.min(px(PROGRAM_MAX)));
    let console = Area { width_px: console_px, ..whole };
    let program = Area { x_px: screen.x_px + console_px as i32, y_px: screen.y_px, width_px, height_px: program_height_px };
    (console, Some(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn screen(x_px: i32, width_px: u32, height_px: u32) -> Area {
        Area { x_px, y_px: 0, width_px, height_px }
    }

    fn overlap(a: Area, b: Area) -> bool {
        let right = |r: Area| r.x_px + r.width_px as i32;
        let bottom = |r: Area| r.y_px + r.height_px as i32;
        a.x_px < right(b) && b.x_px < right(a) && a.y_px < bottom(b) && b.y_px < bottom(a)
    }

    #[test]
    fn on_one_monitor_program_lies_beside_the_console() {
        for (w, h, scale) in [(1280, 720, 1.0), (1366, 768, 1.0), (1600, 900, 1.0), (1920, 1080, 1.0), (2560, 1440, 1.0), (3840, 2160, 2.0)]
        {
            let all = screen(0, w, h);
            let (console, program) = places(all, scale, None, true);
            let program = program.unwrap();
            assert!(!overlap(console, program), "{w}x{h}: {console:?} {program:?}");
            assert!(f64::from(console.width_px) >= CONSOLE_MIN * scale && f64::from(program.width_px) >= PROGRAM_MIN * scale);
            assert!(console.width_px + program.width_px <= w && program.height_px <= h && console.height_px <= h);
        }
    }

    #[test]
    fn a_small_monitor_has_no_program_window_and_a_second_one_has_it_alone() {
        assert_eq!(places(screen(0, 1024, 768), 1.0, None, true), (screen(0, 1024, 768), None));
        assert_eq!(places(screen(0, 3840, 2160), 4.0, None, true).1, None);
        let (console, program) = places(screen(0, 1920, 1080), 1.0, Some(screen(1920, 1280, 1024)), true);
        assert_eq!((console, program), (screen(0, 1920, 1080), Some(screen(1920, 960, 540))));
        assert_eq!(places(screen(0, 1600, 900), f64::NAN, None, false), (screen(0, 1600, 900), None));
    }
}
