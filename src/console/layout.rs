//! Where the panels are: one arrangement for 1280×720 to 4K, computed, so that nothing overlaps or is cut.

use egui::{Rect, pos2, vec2};

use super::Panel;

/// Space between panels and to the edge, points.
const GAP: f32 = 6.0;
const HEADER: f32 = 44.0;
const STATUS: f32 = 26.0;
/// Width of the T-bar between the monitors: a thumb's.
const T_BAR: f32 = 52.0;

/// Which panels are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// All of them.
    #[default]
    Whole,
    /// The monitors, the orbit, the cameras and one large button: for one hand that has other things to do.
    Simple,
}

impl Arrangement {
    /// Its name in show files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Simple => "simple",
        }
    }

    /// The one of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Whole, Self::Simple].into_iter().find(|a| a.name() == name)
    }

    /// The one that it is not.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Whole => Self::Simple,
            Self::Simple => Self::Whole,
        }
    }
}

/// The rectangles of the panels, points.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    rects: Vec<(Panel, Rect)>,
    toasts: Rect,
}

impl Layout {
    /// The arrangement in a window with so many cameras.
    pub fn of(whole: Rect, cameras: usize) -> Self {
        Self::arranged(whole, cameras, false)
    }

    /// The same while the path editor is open, in the place of the multiview and the timeline; the monitors give way to it.
    pub fn with_editor(whole: Rect, cameras: usize) -> Self {
        Self::arranged(whole, cameras, true)
    }

    /// The same while the page of the calibration is open: program, the cameras' health and what is used of the machine stay beside it.
    pub fn with_calibration(whole: Rect) -> Self {
        let inner = whole.shrink(GAP);
        let header = Rect::from_min_size(inner.min, vec2(inner.width(), HEADER));
        let status = Rect::from_min_max(pos2(inner.left(), inner.bottom() - STATUS), inner.max);
        let body = Rect::from_min_max(pos2(inner.left(), header.bottom() + GAP), pos2(inner.right(), status.top() - GAP));
        let side_width = (inner.width() * 0.235).clamp(250.0, 560.0);
        let side = Rect::from_min_max(pos2(body.right() - side_width, body.top()), body.max);
        let page = Rect::from_min_max(body.min, pos2(side.left() - GAP, body.bottom()));
        let program = Rect::from_min_size(side.min, vec2(side_width, side_width * 9.0 / 16.0 + 24.0));
        let budgets_height = (side.height() * 0.25).clamp(162.0, 230.0);
        let budgets = Rect::from_min_max(pos2(side.left(), side.bottom() - budgets_height), side.max);
        let cameras = Rect::from_min_max(pos2(side.left(), program.bottom() + GAP), pos2(side.right(), budgets.top() - GAP));
        let rects = vec![
            (Panel::Header, header),
            (Panel::Calibrate, page),
            (Panel::Program, program),
            (Panel::Cameras, cameras),
            (Panel::Budgets, budgets),
            (Panel::Status, status),
        ];
        // Over the cameras' health: neither program nor what the one with the board reads is covered.
        Self { rects, toasts: cameras.shrink2(vec2(6.0, 24.0)) }
    }

    /// The simple arrangement: monitors as large as they can be, and below them what one hand needs.
    pub fn simple(whole: Rect, cameras: usize) -> Self {
        let inner = whole.shrink(GAP);
        let (w, h) = (inner.width(), inner.height());
        let header = Rect::from_min_size(inner.min, vec2(w, HEADER));
        let status = Rect::from_min_max(pos2(inner.left(), inner.bottom() - STATUS), inner.max);
        let body = Rect::from_min_max(pos2(inner.left(), header.bottom() + GAP), pos2(inner.right(), status.top() - GAP));
        let bar = (h * 0.092).clamp(74.0, 110.0);
        let hands = (h * 0.19).clamp(120.0, 300.0);
        let (columns, tile) = grid(vec2(w - 16.0, multiview_height(w, cameras).clamp(80.0, h * 0.24) - 34.0), cameras);
        let views = (cameras.max(1).div_ceil(columns) as f32 * tile.y + 36.0).max(60.0);
        let monitors = body.height() - bar - hands - views - 3.0 * GAP;
        let mut top = body.top();
        let mut row = |height: f32| {
            let rect = Rect::from_min_max(pos2(body.left(), top), pos2(body.right(), top + height));
            top += height + GAP;
            rect
        };
        let pictures = row(monitors);
        let preview = Rect::from_min_size(pictures.min, vec2((w - GAP) / 2.0, monitors));
        let rects = vec![
            (Panel::Header, header),
            (Panel::Preview, preview),
            (Panel::Program, preview.translate(vec2(preview.width() + GAP, 0.0))),
            (Panel::OrbitBar, row(bar)),
            (Panel::NextStep, row(hands)),
            (Panel::Multiview, row(views)),
            (Panel::Status, status),
        ];
        Self { rects, toasts: Rect::from_min_max(preview.min + vec2(12.0, 34.0), preview.max - vec2(12.0, 34.0)) }
    }

    fn arranged(whole: Rect, cameras: usize, editor: bool) -> Self {
        let inner = whole.shrink(GAP);
        let (w, h) = (inner.width(), inner.height());
        let header = Rect::from_min_size(inner.min, vec2(w, HEADER));
        let status = Rect::from_min_max(pos2(inner.left(), inner.bottom() - STATUS), inner.max);
        let body = Rect::from_min_max(pos2(inner.left(), header.bottom() + GAP), pos2(inner.right(), status.top() - GAP));

        let side_width = (w * 0.235).clamp(250.0, 560.0);
        let side = Rect::from_min_max(pos2(body.right() - side_width, body.top()), body.max);
        let main = Rect::from_min_max(body.min, pos2(side.left() - GAP, body.bottom()));

        // The monitors keep 16:9 plus a title line; they give way to the rest when the window is low.
        let monitor_width = (main.width() - T_BAR - 2.0 * GAP) / 2.0;
        let bar = (h * 0.092).clamp(74.0, 110.0);
        let time = (h * 0.088).clamp(66.0, 100.0);
        let hands = (h * 0.16).clamp(104.0, 180.0);
        let views_wanted = multiview_height(main.width(), cameras);
        let fixed = bar + time + hands + 4.0 * GAP;
        let monitor_height = (monitor_width * 9.0 / 16.0 + 24.0).min((main.height() - fixed) * 0.68);
        let views_height = (main.height() - fixed - monitor_height).min(views_wanted.max(80.0)).max(60.0);
        // What the tiles do not fill, and what is left over, goes to the monitors.
        let (columns, tile) = grid(vec2(main.width() - 16.0, views_height - 34.0), cameras);
        let views_height = views_height.min(cameras.max(1).div_ceil(columns) as f32 * tile.y + 36.0).max(60.0);
        let monitor_height = main.height() - fixed - views_height;
        // The editor takes what the multiview and the timeline have, and some of the monitors.
        let (monitor_height, views_height) = if editor {
            let both = monitor_height + views_height;
            let monitor = (h * 0.27).min(both * 0.6);
            (monitor, both - monitor)
        } else {
            (monitor_height, views_height)
        };

        let mut top = main.top();
        let mut row = |height: f32| {
            let rect = Rect::from_min_max(pos2(main.left(), top), pos2(main.right(), top + height));
            top += height + GAP;
            rect
        };
        let monitors = row(monitor_height);
        let orbit = row(bar);
        let hands = row(hands);
        let views = row(views_height);
        let timeline = row(time);
        let preview = Rect::from_min_size(monitors.min, vec2(monitor_width, monitor_height));
        let program = preview.translate(vec2(monitor_width + T_BAR + 2.0 * GAP, 0.0));
        let t_bar = Rect::from_min_max(preview.right_top() + vec2(GAP, 0.0), program.left_bottom() - vec2(GAP, 0.0));
        let jog_width = (hands.width() * 0.25).clamp(210.0, 400.0);
        let jog = Rect::from_min_max(pos2(hands.right() - jog_width, hands.top()), hands.max);
        let transport = Rect::from_min_max(hands.min, pos2(jog.left() - GAP, hands.bottom()));

        let budgets_height = (side.height() * 0.25).clamp(162.0, 230.0);
        let rest = side.height() - budgets_height - 3.0 * GAP;
        let (events_height, list_height) = (rest * 0.41, rest * 0.34);
        let events = Rect::from_min_size(side.min, vec2(side.width(), events_height));
        let list = Rect::from_min_size(pos2(side.left(), events.bottom() + GAP), vec2(side.width(), list_height));
        let cameras_rect =
            Rect::from_min_max(pos2(side.left(), list.bottom() + GAP), pos2(side.right(), side.bottom() - budgets_height - GAP));
        let budgets = Rect::from_min_max(pos2(side.left(), cameras_rect.bottom() + GAP), side.max);

        let below = Rect::from_min_max(views.min, timeline.max);
        let mut rects = vec![
            (Panel::Header, header),
            (Panel::Preview, preview),
            (Panel::TBar, t_bar),
            (Panel::Program, program),
            (Panel::OrbitBar, orbit),
            (Panel::Transport, transport),
            (Panel::Jog, jog),
            (Panel::Multiview, views),
            (Panel::Timeline, timeline),
            (Panel::Events, events),
            (Panel::Playlist, list),
            (Panel::Cameras, cameras_rect),
            (Panel::Budgets, budgets),
            (Panel::Status, status),
        ];
        if editor {
            rects.retain(|(panel, _)| !matches!(panel, Panel::Multiview | Panel::Timeline));
            rects.push((Panel::PathEditor, below));
        }
        // Over preview, below its title: program is never covered.
        let toasts = Rect::from_min_max(preview.min + vec2(12.0, 34.0), preview.max - vec2(12.0, 34.0));
        Self { rects, toasts }
    }

    /// The same with program B: the multiview and the timeline, or the path editor, give it room at their right.
    #[must_use]
    pub fn with_second(mut self) -> Self {
        let beside = |panel: Panel| matches!(panel, Panel::Multiview | Panel::Timeline | Panel::PathEditor);
        let below = self.panels().filter(|(panel, _)| beside(*panel)).map(|(_, rect)| rect).reduce(Rect::union);
        // A page that takes nearly everything leaves none.
        let Some(below) = below else { return self };
        let width = (below.width() * 0.24).clamp(200.0, 460.0);
        let left = below.right() - width;
        for (_, rect) in self.rects.iter_mut().filter(|(panel, _)| beside(*panel)) {
            rect.max.x = left - GAP;
        }
        self.rects.push((Panel::Second, Rect::from_min_max(pos2(left, below.top()), below.max)));
        self
    }

    /// Every panel and its rectangle.
    pub fn panels(&self) -> impl Iterator<Item = (Panel, Rect)> + '_ {
        self.rects.iter().copied()
    }

    /// The rectangle of a panel.
    pub fn rect(&self, panel: Panel) -> Rect {
        self.rects.iter().find(|(p, _)| *p == panel).map_or(Rect::NOTHING, |(_, r)| *r)
    }

    /// Where toasts appear.
    pub const fn toasts(&self) -> Rect {
        self.toasts
    }
}

/// How large everything is drawn: what the operator wants, and what a window has room for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Times the first size.
    wanted: f32,
    /// What egui was last told.
    told: f32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { wanted: 1.0, told: 1.0 }
    }
}

impl Scale {
    /// What the operator wanted once.
    pub const fn of(wanted: f32) -> Self {
        Self { wanted, told: 1.0 }
    }

    /// What the operator wants, times.
    pub const fn wanted(self) -> f32 {
        self.wanted
    }

    /// A new interface draws at the first size until it is told another.
    pub const fn begin(&mut self) {
        self.told = 1.0;
    }

    /// What egui is to be told when it draws at `now`, in a window of so many points at a scale of one. Where `now` is not what it was told, its own keys (Ctrl and plus,
    /// minus) have been pressed: that is wanted from then on, as far as there is room. What was wanted in a larger window is wanted still.
    pub fn follow(&mut self, now: f32, window: egui::Vec2) -> f32 {
        if (now - self.told).abs() > 1e-4 {
            self.wanted = scale_within(now, window);
        }
        self.told = scale_within(self.wanted, window);
        self.told
    }
}

/// How much larger than at first (`wanted`, times) the panels may be drawn, in a window of so many points at a scale of one: nothing is cut in a
/// room of 1280×720, and below four fifths fingers miss the buttons.
pub fn scale_within(wanted: f32, window: egui::Vec2) -> f32 {
    let most = (window.x / 1280.0).min(window.y / 720.0);
    let wanted = if wanted.is_finite() { wanted } else { 1.0 };
    wanted.clamp(0.8, if most.is_finite() { most.max(1.0) } else { 1.0 })
}

/// Columns of the multiview for a width and a height: tiles as large as possible.
pub(super) fn grid(size: egui::Vec2, cameras: usize) -> (usize, egui::Vec2) {
    let mut best = (1, vec2(0.0, 0.0));
    for columns in 1..=cameras.max(1) {
        let rows = cameras.max(1).div_ceil(columns);
        let (w, h) = (size.x / columns as f32, size.y / rows as f32);
        // Width of the picture that fits, a label line included.
        let fit = w.min((h - 18.0).max(1.0) * 16.0 / 9.0);
        if fit > best.1.x {
            best = (columns, vec2(fit, fit * 9.0 / 16.0 + 18.0));
        }
    }
    best
}

/// Height that the multiview wants at a width: 8 tiles in a row at most, two rows at most.
fn multiview_height(width: f32, cameras: usize) -> f32 {
    let columns = if cameras <= 8 { cameras.max(4) } else { cameras.div_ceil(2).max(8) };
    let rows = cameras.max(1).div_ceil(columns);
    rows as f32 * (width / columns as f32 * 9.0 / 16.0 + 20.0) + 30.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_or_leaves_the_window() {
        for (w, h) in [(1280.0, 720.0), (1366.0, 768.0), (1920.0, 1080.0), (2560.0, 1440.0), (3840.0, 2160.0)] {
            for cameras in [0, 1, 4, 12, 16, 50, 100] {
                let whole = Rect::from_min_size(pos2(0.0, 0.0), vec2(w, h));
                for (layout, panels) in [
                    (Layout::of(whole, cameras), Panel::ALL.len() - 5),
                    (Layout::with_editor(whole, cameras), Panel::ALL.len() - 6),
                    (Layout::of(whole, cameras).with_second(), Panel::ALL.len() - 4),
                    (Layout::with_editor(whole, cameras).with_second(), Panel::ALL.len() - 5),
                    (Layout::simple(whole, cameras), 7),
                    (Layout::simple(whole, cameras).with_second(), 8),
                    (Layout::with_calibration(whole), 6),
                    (Layout::with_calibration(whole).with_second(), 6),
                ] {
                    let all: Vec<_> = layout.panels().collect();
                    assert_eq!(all.len(), panels);
                    for (k, (panel, rect)) in all.iter().enumerate() {
                        assert!(whole.contains_rect(*rect), "{panel:?} {rect:?} leaves {w}×{h} with {cameras}");
                        let least = if *panel == Panel::TBar { 44.0 } else { 100.0 };
                        assert!(rect.width() > least && rect.height() > 20.0, "{panel:?} is too small: {rect:?} in {w}×{h} with {cameras}");
                        for (other, r) in &all[k + 1..] {
                            assert!(
                                !rect.shrink(0.5).intersects(r.shrink(0.5)),
                                "{panel:?} and {other:?} overlap at {w}×{h} with {cameras}"
                            );
                        }
                    }
                    if panels == 6 {
                        assert!(layout.rect(Panel::Calibrate).width() > w * 0.6 && layout.toasts().height() > 100.0);
                        continue;
                    }
                    let monitor = layout.rect(Panel::Preview);
                    assert!(monitor.height() > h * 0.25, "monitor {monitor:?} at {w}×{h} with {cameras}");
                }
            }
        }
    }

    #[test]
    fn the_scale_ends_where_panels_would_be_cut() {
        let four_k = vec2(3840.0, 2160.0);
        assert_eq!([0.2, 1.0, 2.5, 9.0].map(|wanted| scale_within(wanted, four_k)), [0.8, 1.0, 2.5, 3.0]);
        // A window that is too small already is not made worse, and nothing that is no number is taken over.
        assert_eq!(scale_within(2.0, vec2(960.0, 600.0)), 1.0);
        assert_eq!([f32::NAN, f32::INFINITY].map(|wanted| scale_within(wanted, vec2(0.0, f32::NAN))), [1.0, 1.0]);
    }

    #[test]
    fn the_grid_uses_the_room() {
        let (columns, tile) = grid(vec2(1400.0, 250.0), 16);
        assert_eq!(columns, 8);
        assert!(tile.x * 8.0 <= 1400.5 && tile.y * 2.0 <= 250.5);
        assert_eq!(grid(vec2(300.0, 300.0), 0).0, 1);
    }

    /// A frame of an interface in a window, as the console's window draws it; whether the key for larger is pressed.
    fn drawn(context: &egui::Context, scale: &mut Scale, window: egui::Vec2, larger: bool) {
        let within = scale.follow(context.zoom_factor(), window);
        context.set_zoom_factor(within);
        let key = |pressed| egui::Event::Key {
            key: egui::Key::Plus,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: egui::Modifiers::COMMAND,
        };
        let held = egui::Event::ModifiersChanged;
        let raw = egui::RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, window)),
            events: if larger { vec![held(egui::Modifiers::COMMAND), key(true), key(false), held(egui::Modifiers::NONE)] } else { vec![] },
            ..egui::RawInput::default()
        };
        drop(context.run_ui(raw, |_| {}));
    }

    #[test]
    fn the_keys_for_larger_are_what_is_wanted_and_a_small_window_forgets_nothing() {
        let (four_k, small) = (vec2(3840.0, 2160.0), vec2(1280.0, 720.0));
        let context = egui::Context::default();
        let mut scale = Scale::default();
        for larger in [false, true, false, true, false, false] {
            drawn(&context, &mut scale, four_k, larger);
        }
        assert!((scale.wanted() - 1.2).abs() < 1e-3 && (context.zoom_factor() - 1.2).abs() < 1e-3, "{scale:?}");
        // In a smaller window there is no room for it, and in the large one it is there again.
        (0..3).for_each(|_| drawn(&context, &mut scale, small, false));
        assert!((context.zoom_factor() - 1.0).abs() < 1e-3 && (scale.wanted() - 1.2).abs() < 1e-3, "{scale:?}");
        (0..3).for_each(|_| drawn(&context, &mut scale, four_k, false));
        assert!((context.zoom_factor() - 1.2).abs() < 1e-3, "{scale:?}");
        // Larger than has room: what fits is wanted, however often the keys are pressed.
        for _ in 0..40 {
            drawn(&context, &mut scale, four_k, true);
            drawn(&context, &mut scale, four_k, false);
        }
        (0..3).for_each(|_| drawn(&context, &mut scale, four_k, false));
        assert!((scale.wanted() - 3.0).abs() < 1e-3 && (context.zoom_factor() - 3.0).abs() < 1e-3, "{scale:?}");
        // A new interface, after a lost device or a restart, draws as large as was wanted.
        let mut scale = Scale::of(scale.wanted());
        let context = egui::Context::default();
        scale.begin();
        (0..3).for_each(|_| drawn(&context, &mut scale, four_k, false));
        assert!((context.zoom_factor() - 3.0).abs() < 1e-3, "{scale:?}");
    }
}
