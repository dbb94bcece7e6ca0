//! Twin of shaders/view/shade.wgsl.

use glam::{IVec2, Vec2, Vec3};
use volte::{
    gpu::{storage_init, uniform},
    scene::gpu_data::CameraGpu,
};

use crate::{
    bench::{Allowed, COLORS, Colors, DEPTHS, GPU, array_view, judge, read, run, tiles},
    camera::{camera_from_world, fetch_cubic, linear_from_srgb, picture_px, srgb_from_linear, working_px, world_from_camera},
    splat::{VIEWS, ViewStage, cameras_buffer},
    stage::{STAGE, pixels},
    vote::Surface,
    wgsl::{mix, smoothstep},
};

/// Code values of the view; pixels filled, pixels that mix cameras.
struct Shaded {
    rgb: Vec<f32>,
    tally: [u32; 2],
}

impl ViewStage {
    /// Does something trusted stand clearly nearer within 1.5 px?
    fn in_band(&self, c: &CameraGpu, uv: Vec2, expected: f32) -> f32 {
        let hi = IVec2::new(c.working_size[0] as i32, c.working_size[1] as i32) - 1;
        let around = [(1.5, 0.0), (-1.5, 0.0), (0.0, 1.5), (0.0, -1.5), (1.06, 1.06), (-1.06, 1.06), (1.06, -1.06), (-1.06, -1.06)];
        let nearer = around
            .into_iter()
            .map(|o| {
                let q = (uv + Vec2::from(o)).floor().as_ivec2().clamp(IVec2::ZERO, hi);
                let [rho, confidence] = self.depths.at(q, c.size_kind_layer[3] as usize);
                (rho - expected) / c.working_size[2] * smoothstep(0.1, 0.5, confidence)
            })
            .fold(0.0, f32::max);
        smoothstep(3.0, 6.0, nearer)
    }

    /// Of other pictures, with other shares of what a source sees in the boundary band, and where it is clipped.
    fn shade_with(&self, surface: &[Surface], pictures: &Colors, band: f32, clipped: f32) -> Shaded {
        let v = &self.view;
        let mut out = Shaded { rgb: vec![], tally: [0; 2] };
        for ((x, y), s) in pixels(v.width, v.height).zip(surface) {
            let z = 1.0 / s[0].clamp(v.rho_min, v.rho_max);
            let world = world_from_camera(&self.cameras[0], (self.ray(x, y) * z).extend(z));
            let (mut sum, mut weights, mut largest) = (Vec3::ZERO, 0.0, 0.0_f32);
            let (mut fallback, mut fallback_weights) = (Vec3::ZERO, 0.0);
            for c in &self.cameras[1..=v.sources as usize] {
                let p = camera_from_world(c, world);
                if p.z <= 1e-6 {
                    continue;
                }
                let ideal = p.truncate() / p.z;
                let px = picture_px(c, ideal);
                let size = Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]);
                let coded = fetch_cubic(pictures, px, size, c.size_kind_layer[3] as usize);
                let gain = Vec3::from_slice(&c.gain);
                let rgb = linear_from_srgb(coded) * gain;
                let feather = smoothstep(-0.5, (0.02 * size.x).max(2.0), px.min(size - px).min_element());
                let angular = c.working_size[3];
                let mut visible = 1.0;
                if v.plane_only == 0 {
                    let (off_px, confidence) = self.judge(c, working_px(c, ideal), 1.0 / p.z);
                    let e = off_px.abs();
                    visible = (1.0 - smoothstep(1.0, 4.0, e)) * (0.15 + 0.85 * confidence) + 1e-4;
                    visible *= mix(1.0, band, self.in_band(c, working_px(c, ideal), 1.0 / p.z));
                    visible = mix(1.0, visible, (s[1].abs() / v.tune[3].max(1e-6)).clamp(0.0, 1.0));
                    visible = mix(visible, 1.0, smoothstep(0.97, 0.999, angular));
                    let last_resort = angular * (feather + 1e-4) * (-0.5 * e.min(30.0)).exp() + 1e-9 * angular;
                    fallback += last_resort * rgb;
                    fallback_weights += last_resort;
                }
                let is_clipped = smoothstep(0.96, 0.99, coded.max_element()) * (1.0 - smoothstep(0.85, 0.97, gain.min_element()));
                let weight = angular * visible * (feather + 1e-5) * mix(1.0, clipped, is_clipped);
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
                rgb = linear_from_srgb(fetch_cubic(pictures, px, size, c.size_kind_layer[3] as usize)) * Vec3::from_slice(&c.gain);
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
        for (v, looks_away, pictures) in [
            (v.clone(), false, as_is),
            (v.changed(|v| v.view.plane_only = 1), false, as_is),
            (v.changed(alone), false, as_is),
            (v.changed(away), true, as_is),
            (v.changed(darker), false, &*bright),
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
                ],
                tiles(v.view.width, v.view.height),
            );
            let pixels = Colors::read(&out, 0);
            assert!(pixels.iter().all(|p| p[3] == 255), "a hole");
            let found: Vec<f32> = pixels.iter().flat_map(|p| [p[0], p[1], p[2]]).map(f32::from).collect();
            let shaded = |v: &ViewStage| v.shade_with(&surface, pictures, 0.1, 0.02);
            let twin = shaded(&v);
            let wrong = |change: fn(&mut ViewStage)| shaded(&v.changed(change)).rgb;
            let mut encoded = twin.rgb.clone();
            for c in &mut encoded {
                *c *= 0.97;
            }
            let mut faults = vec![
                ("a picture shifted by half a px", wrong(|v| v.cameras[1].lens[2] += 0.5)),
                ("a source 5 % brighter", wrong(|v| v.cameras[1].gain[1] *= 1.05)),
                ("3 % darker", encoded),
            ];
            let mixes = v.cameras[1].working_size[3] < 0.9;
            if !looks_away && v.view.plane_only == 0 && mixes {
                faults.push(("no boundary band", v.shade_with(&surface, pictures, 1.0, 0.02).rgb));
            }
            if !std::ptr::eq(pictures, as_is) {
                faults.push(("clipped as if it were not", v.shade_with(&surface, pictures, 0.1, 1.0).rgb));
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
