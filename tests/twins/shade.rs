//! Twin of shaders/view/shade.wgsl.

use glam::{Vec2, Vec3};
use volte::gpu::{storage_init, uniform};

use crate::{
    align::{STEP, nodes},
    bench::{Allowed, COLORS, Colors, DEPTHS, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, fetch_cubic, gain_of, linear_from_srgb, picture_px, rim_of, srgb_from_linear, world_from_camera},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{STAGE, noise, pixels},
    vote::Surface,
    wgsl::{mix, smoothstep},
};

/// Code values of the view; pixels filled, pixels that mix cameras.
struct Shaded {
    rgb: Vec<f32>,
    tally: [u32; 2],
}

impl ViewStage {
    /// How far source `s` is moved at a pixel, px of the view.
    fn shift_at(&self, shifts: &[[f32; 2]], s: usize, (x, y): (u32, u32)) -> Vec2 {
        let (columns, rows) = nodes(self);
        let at = Vec2::new(x as f32, y as f32) / STEP as f32;
        let f = at - at.floor();
        let node = |dx, dy| Vec2::from(shifts[((s as u32 * rows + y / STEP + dy) * columns + x / STEP + dx) as usize]);
        node(0, 0).lerp(node(1, 0), f.x).lerp(node(0, 1).lerp(node(1, 1), f.x), f.y)
    }

    /// Of other pictures, with other shares of what a source sees in the boundary band, and where it is clipped.
    fn shade_with(&self, surface: &[Surface], shifts: &[[f32; 2]], pictures: &Colors, band: f32, clipped: f32) -> Shaded {
        let v = &self.view;
        let mut out = Shaded { rgb: vec![], tally: [0; 2] };
        for ((x, y), s) in pixels(v.width, v.height).zip(surface) {
            let z = 1.0 / s[0].clamp(v.rho_min, v.rho_max);
            let world = world_from_camera(&self.cameras[0], (self.ray(x, y) * z).extend(z));
            let rim = rim_of(&self.cameras[0], Vec2::new(x as f32, y as f32) + 0.5, Vec2::new(v.width as f32, v.height as f32));
            let (mut sum, mut weights, mut largest) = (Vec3::ZERO, 0.0, 0.0_f32);
            let (mut fallback, mut fallback_weights) = (Vec3::ZERO, 0.0);
            for (i, c) in self.cameras[1..=v.sources as usize].iter().enumerate() {
                let p = camera_from_world(c, world);
                if p.z <= 1e-6 {
                    continue;
                }
                let ideal = p.truncate() / p.z;
                let px = picture_px(c, ideal);
                let size = Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]);
                let angular = c.working_size[3];
                let seen = self.weigh(c, (ideal, p.z), px, s[1], band);
                let mut from_px = px;
                if v.align_step > 0 {
                    let moved_ray =
                        self.ray(x, y) + self.shift_at(shifts, i, (x, y)) / Vec2::new(self.cameras[0].lens[0], self.cameras[0].lens[1]);
                    let moved = camera_from_world(c, world_from_camera(&self.cameras[0], (moved_ray * z).extend(z)));
                    from_px = picture_px(c, moved.truncate() / moved.z.max(1e-6));
                }
                let coded = fetch_cubic(pictures, from_px, size, c.size_kind_layer[3] as usize);
                let gain = Vec3::from_slice(&c.gain);
                let light = linear_from_srgb(coded);
                let rgb = light * gain_of(c, from_px, light) * rim;
                if v.plane_only == 0 {
                    let last_resort = angular * (seen.feather + 1e-4) * (-0.5 * seen.off_px.min(30.0)).exp() + 1e-9 * angular;
                    fallback += last_resort * rgb;
                    fallback_weights += last_resort;
                }
                let is_clipped = smoothstep(0.96, 0.99, coded.max_element()) * (1.0 - smoothstep(0.85, 0.97, gain.min_element()));
                let weight = angular * seen.visible * (seen.feather + 1e-5) * mix(1.0, clipped, is_clipped);
                sum += weight * rgb;
                weights += weight;
                largest = largest.max(weight);
            }
            let mut rgb = sum / weights.max(1e-12);
            if weights < 1e-3 && v.plane_only == 0 && fallback_weights > 0.0 {
                rgb = (fallback / fallback_weights).lerp(rgb, weights / 1e-3);
            }
            if weights <= 0.0 {
                let c = &self.cameras[1];
                let size = Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]);
                let px = picture_px(c, self.ray(x, y));
                let light = linear_from_srgb(fetch_cubic(pictures, px, size, c.size_kind_layer[3] as usize));
                rgb = light * gain_of(c, px, light) * rim;
            }
            out.tally[0] += u32::from(s[1] < 0.0);
            out.tally[1] += u32::from(largest < 0.999 * weights);
            out.rgb.extend((srgb_from_linear(rgb) * 255.0).to_array());
        }
        out
    }
}

#[test]
fn shade_agrees_with_its_twin() {
    for v in &*VIEWS {
        let mut surface = v.some_surface();
        // Filled pixels have a negative score.
        surface.iter_mut().filter(|s| s[0] <= 0.0).for_each(|s| *s = [0.22, -1.0]);
        // Whole; a cross-fade; seen from one camera's place; and looking away from everything (there a pose counts nothing).
        let alone =
            |v: &mut ViewStage| v.cameras[1..].iter_mut().zip([0.999, 0.0004, 0.0003, 0.0003]).for_each(|(c, w)| c.working_size[3] = w);
        let away = |v: &mut ViewStage| {
            let c = &mut v.cameras[0];
            c.row_x.iter_mut().chain(&mut c.row_z).for_each(|k| *k = -*k);
            c.row_x[3] = 0.0;
            c.row_z[3] = 12.0;
        };
        // The first source is so bright that much of it is clipped, and the view is darker.
        let (bright, layer) = (&mut STAGE.pictures.clone(), v.cameras[1].size_kind_layer[3] as usize);
        for value in bright.layers[layer].iter_mut().flat_map(|p| &mut p[..3]) {
            *value = value.saturating_mul(3);
        }
        let darker = |v: &mut ViewStage| v.cameras[1].gain = [0.4, 0.38, 0.42, 1.0];
        let as_is = &STAGE.pictures;
        let aligned = |v: &mut ViewStage| v.view.align_step = STEP;
        let (columns, rows) = nodes(v);
        let shifts: Vec<[f32; 2]> =
            pixels(columns, rows * 4).map(|(x, y)| [80, 81].map(|k| 3.0 * (noise(x / 2, y / 2, k) - 0.5))).collect();
        for (v, looks_away, pictures) in [
            (v.clone(), false, as_is),
            (v.changed(|v| v.view.plane_only = 1), false, as_is),
            (v.changed(alone), false, as_is),
            (v.changed(away), true, as_is),
            (v.changed(darker), false, &*bright),
            (v.changed(aligned), false, as_is),
        ] {
            let out = GPU.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("view"),
                size: wgpu::Extent3d { width: v.view.width, height: v.view.height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: COLORS,
                usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_SRC,
                view_formats: &[],
            });
            let tally = storage_init(&GPU, "tally", &[0_u32; 2]);
            run(
                "view/shade.wgsl",
                "shade",
                &[
                    (0, uniform(&GPU, "view", &v.view).as_entire_binding()),
                    (1, cameras_buffer(&v.cameras).as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&array_view(&v.depths.upload(DEPTHS)))),
                    (3, storage_init(&GPU, "surface", &surface).as_entire_binding()),
                    (4, wgpu::BindingResource::TextureView(&array_view(&pictures.upload(COLORS)))),
                    (5, storage_init(&GPU, "rays", &v.rays).as_entire_binding()),
                    (6, wgpu::BindingResource::TextureView(&out.create_view(&wgpu::TextureViewDescriptor::default()))),
                    (7, tally.as_entire_binding()),
                    (8, storage_init(&GPU, "shifts", &shifts).as_entire_binding()),
                ],
                tiles(v.view.width, v.view.height),
            );
            let pixels = Colors::read(&out, 0);
            assert!(pixels.iter().all(|p| p[3] == 255), "a hole");
            let found: Vec<f32> = pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect();
            let shaded = |v: &ViewStage| v.shade_with(&surface, &shifts, pictures, 0.1, 0.02);
            let twin = shaded(&v);
            let wrong = |change: fn(&mut ViewStage)| shaded(&v.changed(change)).rgb;
            let mut encoded = twin.rgb.clone();
            for c in &mut encoded {
                *c *= 0.97;
            }
            let mut faults = vec![
                ("a picture shifted by half a px", wrong(|v| v.cameras[1].lens[2] += 0.5)),
                ("a rim that stays", wrong(|v| v.cameras[1].look[0] += 0.4)),
                ("another response", wrong(|v| v.cameras[1].look[2] += 0.1)),
                ("a response without its bend", wrong(|v| v.cameras[1].look[3] += 0.03)),
                ("a view without a rim", wrong(|v| v.cameras[0].look = [0.0; 4])),
                ("a source 5 % brighter", wrong(|v| v.cameras[1].gain[1] *= 1.05)),
                ("3 % darker", encoded),
            ];
            let mixes = v.cameras[1].working_size[3] < 0.9;
            if !looks_away && v.view.plane_only == 0 && mixes {
                faults.push(("no boundary band", v.shade_with(&surface, &shifts, pictures, 1.0, 0.02).rgb));
            }
            if !std::ptr::eq(pictures, as_is) {
                faults.push(("clipped as if it were not", v.shade_with(&surface, &shifts, pictures, 0.1, 1.0).rgb));
            }
            if v.view.align_step > 0 {
                faults.push(("not moved", wrong(|v| v.view.align_step = 0)));
                let other: Vec<[f32; 2]> = shifts.iter().rev().copied().collect();
                faults.push(("moved elsewhere", v.shade_with(&surface, &other, pictures, 0.1, 0.02).rgb));
            }
            if !looks_away {
                faults.push(("a pose off by 2 cm", wrong(|v| v.cameras[1].row_x[3] += 0.02)));
                faults.push((
                    "the other sources' weights",
                    wrong(|v| v.cameras[1..].iter_mut().for_each(|c| c.working_size[3] = 1.0 - c.working_size[3])),
                ));
            }
            judge(
                &format!("shade, plane only {}", v.view.plane_only),
                &found,
                &twin.rgb,
                Allowed { tolerance: 1.1, share: 0.003 },
                &faults,
            );
            let counted: Vec<u32> = read(&tally);
            assert_eq!(counted[0], twin.tally[0], "filled pixels");
            assert!(counted[1].abs_diff(twin.tally[1]) <= 4, "mixed pixels: {} against {}", counted[1], twin.tally[1]);
        }
    }
}
