//! Twins of shaders/scene/prepare.wgsl.

use glam::{IVec2, Vec2, Vec3};
use volte::{
    gpu::{storage_init, uniform},
    scene::gpu_data::{CameraGpu, PrepareGpu},
};

use crate::{
    bench::{Allowed, COLORS, Colors, GPU, array_view, judge, run, tiles},
    camera::{fetch_cubic, ideal_of_working, linear_from_srgb, luma_of, picture_px, srgb_from_linear},
    stage::{STAGE, pixels},
};

fn codes(v: glam::Vec4) -> [u8; 4] {
    v.to_array().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
}

/// One layer of `layer_size`, of which `size` is used.
pub fn undistort(pictures: &Colors, c: &CameraGpu, size: (u32, u32), samples: u32, layer_size: (u32, u32)) -> Vec<[u8; 4]> {
    let mut out = Colors::new(layer_size.0, layer_size.1, 1);
    let picture_size = Vec2::new(c.size_kind_layer[0], c.size_kind_layer[1]);
    for (x, y) in pixels(size.0, size.1) {
        let mut sum = Vec3::ZERO;
        for (i, j) in pixels(samples, samples) {
            let p = Vec2::new(x as f32, y as f32) + (Vec2::new(i as f32, j as f32) + 0.5) / samples as f32;
            sum += fetch_cubic(pictures, picture_px(c, ideal_of_working(c, p)), picture_size, c.size_kind_layer[3] as usize);
        }
        let mut rgb = sum / (samples * samples) as f32;
        let gain = Vec3::new(c.gain[0], c.gain[1], c.gain[2]);
        if gain != Vec3::ONE {
            rgb = srgb_from_linear(linear_from_srgb(rgb.max(Vec3::ZERO)) * gain);
        }
        out.set(x, y, 0, codes(rgb.extend(luma_of(rgb))));
    }
    out.layers.remove(0)
}

/// One layer of `layer_size`, of which `size` is used; `fine_size` of the finer level is.
pub fn halve(fine: &Colors, layer: usize, fine_size: (u32, u32), size: (u32, u32), layer_size: (u32, u32)) -> Vec<[u8; 4]> {
    let mut out = Colors::new(layer_size.0, layer_size.1, 1);
    let hi = IVec2::new(fine_size.0 as i32, fine_size.1 as i32) - 1;
    for (x, y) in pixels(size.0, size.1) {
        let sum: glam::Vec4 = pixels(2, 2).map(|(i, j)| fine.load(IVec2::new((x * 2 + i) as i32, (y * 2 + j) as i32).min(hi), layer)).sum();
        out.set(x, y, 0, codes(sum * 0.25));
    }
    out.layers.remove(0)
}

fn floats(colors: &[[u8; 4]]) -> Vec<f32> {
    colors.as_flattened().iter().map(|v| f32::from(*v)).collect()
}

/// Code values: here and there rounding falls the other way.
const ALLOWED: Allowed = Allowed { tolerance: 0.5, share: 0.06 };

#[test]
fn undistort_agrees_with_its_twin() {
    let stage = &*STAGE;
    let cameras = storage_init(&GPU, "cameras", &stage.gpu_cameras);
    let pictures = array_view(&stage.pictures.upload(COLORS));
    for i in 0..4 {
        for samples in [1, 2, 3] {
            let (width, height) = stage.size(i, 0);
            let parameters = uniform(&GPU, "prepare", &PrepareGpu { camera: i as u32, width, height, samples });
            let out = Colors::new(64, 48, 4).upload(COLORS);
            run(
                "scene/prepare.wgsl",
                "undistort",
                &[
                    (0, parameters.as_entire_binding()),
                    (1, cameras.as_entire_binding()),
                    (2, wgpu::BindingResource::TextureView(&pictures)),
                    (3, wgpu::BindingResource::TextureView(&array_view(&out))),
                ],
                tiles(width, height),
            );
            let twin = |c: &CameraGpu, samples| floats(&undistort(&stage.pictures, c, (width, height), samples, (64, 48)));
            let own = stage.gpu_cameras[i];
            let mut shifted = own;
            shifted.lens[2] += 0.25;
            let mut bent = own;
            bent.size_kind_layer[2] = 1.0;
            bent.distortion_a[0] += 0.02;
            judge(
                &format!("undistort, camera {i}, {samples} samples"),
                &floats(&Colors::read(&out, i as u32)),
                &twin(&own, samples),
                ALLOWED,
                &[
                    ("a principal point off by a quarter px", twin(&shifted, samples)),
                    ("another distortion", twin(&bent, samples)),
                    ("another number of samples", twin(&own, samples + 1)),
                ],
            );
        }
    }
}

#[test]
fn pictures_are_brought_to_one_exposure_as_the_twin_does() {
    let stage = &*STAGE;
    let mut camera = stage.gpu_cameras[1];
    camera.gain = [0.5, 0.7, 1.0, 1.0];
    let mut cameras = stage.gpu_cameras.clone();
    cameras[1] = camera;
    let (width, height) = stage.size(1, 0);
    let out = Colors::new(64, 48, 4).upload(COLORS);
    run(
        "scene/prepare.wgsl",
        "undistort",
        &[
            (0, uniform(&GPU, "prepare", &PrepareGpu { camera: 1, width, height, samples: 1 }).as_entire_binding()),
            (1, storage_init(&GPU, "cameras", &cameras).as_entire_binding()),
            (2, wgpu::BindingResource::TextureView(&array_view(&stage.pictures.upload(COLORS)))),
            (3, wgpu::BindingResource::TextureView(&array_view(&out))),
        ],
        tiles(width, height),
    );
    let twin = |c: &CameraGpu| floats(&undistort(&stage.pictures, c, (width, height), 1, (64, 48)));
    let mut grey = camera;
    grey.gain = [0.7; 4];
    judge(
        "undistort, evened",
        &floats(&Colors::read(&out, 1)),
        &twin(&camera),
        ALLOWED,
        &[("the picture as it is", twin(&stage.gpu_cameras[1])), ("one gain for all channels", twin(&grey))],
    );
}

#[test]
fn halve_agrees_with_its_twin() {
    let stage = &*STAGE;
    let cameras = storage_init(&GPU, "cameras", &stage.gpu_cameras);
    let fine = array_view(&stage.levels[0].upload(COLORS));
    // Camera 3 twice: its real size, and as if its width and height were odd.
    for (i, size) in [(0, (64, 48)), (3, (60, 44)), (3, (59, 43))] {
        let half: (u32, u32) = (u32::div_ceil(size.0, 2), u32::div_ceil(size.1, 2));
        let parameters =
            uniform(&GPU, "prepare", &PrepareGpu { camera: i as u32, width: half.0, height: half.1, samples: size.1 << 16 | size.0 });
        let out = Colors::new(32, 24, 4).upload(COLORS);
        run(
            "scene/prepare.wgsl",
            "halve",
            &[
                (0, parameters.as_entire_binding()),
                (1, cameras.as_entire_binding()),
                (3, wgpu::BindingResource::TextureView(&array_view(&out))),
                (4, wgpu::BindingResource::TextureView(&fine)),
            ],
            tiles(half.0, half.1),
        );
        let twin = halve(&stage.levels[0], i, size, half, (32, 24));
        let cut = halve(&stage.levels[0], i, (size.0 - 2, size.1 - 2), half, (32, 24));
        let other = halve(&stage.levels[0], i - usize::from(i > 0) + usize::from(i == 0), size, half, (32, 24));
        judge(
            &format!("halve, camera {i}, {size:?}"),
            &floats(&Colors::read(&out, i as u32)),
            &floats(&twin),
            // A quarter of a whole number is often a half: rounding falls either way.
            Allowed { tolerance: 1.0, share: 0.0 },
            &[("a border two px too early", floats(&cut)), ("another layer", floats(&other))],
        );
    }
}
