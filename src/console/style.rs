//! Colours and type: dark, calm, and tally colours only where something is on program or preview.

use std::sync::Arc;

use egui::{Color32, FontFamily, FontId, TextStyle};

/// Behind everything.
pub const BACKGROUND: Color32 = Color32::from_rgb(13, 15, 19);
/// Panels.
pub const PANEL: Color32 = Color32::from_rgb(22, 25, 31);
/// Things to press or to fill.
pub const RAISED: Color32 = Color32::from_rgb(37, 42, 51);
/// Borders and grids.
pub const LINE: Color32 = Color32::from_rgb(48, 54, 65);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(222, 227, 234);
/// Text of less weight.
pub const DIM: Color32 = Color32::from_rgb(150, 158, 171);
/// On program.
pub const PROGRAM: Color32 = Color32::from_rgb(226, 52, 58);
/// In preview.
pub const PREVIEW: Color32 = Color32::from_rgb(38, 166, 91);
/// Words of what is well: lighter than [`PREVIEW`], so that they are read on dark.
pub const PREVIEW_TEXT: Color32 = Color32::from_rgb(104, 211, 145);
/// Marks, and things that need a hand.
pub const AMBER: Color32 = Color32::from_rgb(240, 173, 58);
/// What is selected and neither program nor preview.
pub const ACCENT: Color32 = Color32::from_rgb(78, 156, 245);
/// Text on tally colours.
pub const ON_COLOR: Color32 = Color32::WHITE;

/// Corners of panels and buttons, points.
pub const CORNER: f32 = 4.0;

/// Proportional text of a size, points.
pub const fn text(size: f32) -> FontId {
    FontId { size, family: FontFamily::Proportional }
}

/// Text of fixed width, for numbers that change, points.
pub const fn digits(size: f32) -> FontId {
    FontId { size, family: FontFamily::Monospace }
}

/// The console's own fonts: one for text, one for numbers, each standing in for the other's gaps.
fn fonts() -> egui::FontDefinitions {
    let mut fonts = egui::FontDefinitions::empty();
    let (words, numbers) = ("Ubuntu Light".to_owned(), "Hack".to_owned());
    fonts.font_data.insert(words.clone(), Arc::new(egui::FontData::from_static(epaint_default_fonts::UBUNTU_LIGHT)));
    fonts.font_data.insert(numbers.clone(), Arc::new(egui::FontData::from_static(epaint_default_fonts::HACK_REGULAR)));
    fonts.families.insert(FontFamily::Proportional, vec![words.clone(), numbers.clone()]);
    fonts.families.insert(FontFamily::Monospace, vec![numbers, words]);
    fonts
}

/// Sets the look of a context; once, before the first frame.
pub fn apply(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_theme(egui::Theme::Dark);
    ctx.all_styles_mut(|style| {
        let v = &mut style.visuals;
        *v = egui::Visuals::dark();
        v.panel_fill = BACKGROUND;
        v.window_fill = PANEL;
        v.extreme_bg_color = BACKGROUND;
        v.override_text_color = Some(TEXT);
        v.selection.bg_fill = ACCENT;
        v.widgets.noninteractive.bg_stroke.color = LINE;
        v.widgets.inactive.weak_bg_fill = RAISED;
        v.widgets.inactive.bg_fill = RAISED;
        for (kind, size) in [(TextStyle::Body, 13.5), (TextStyle::Button, 13.5), (TextStyle::Small, 11.0), (TextStyle::Heading, 16.0)] {
            style.text_styles.insert(kind, text(size));
        }
        style.text_styles.insert(TextStyle::Monospace, digits(12.5));
        style.interaction.selectable_labels = false;
        style.animation_time = 0.0;
        style.spacing.item_spacing = egui::vec2(6.0, 4.0);
    });
}
