// One camera as the shaders see it. Mirrors `gpu_data::CameraGpu` in Rust; world is recentred on the subject.
struct Camera {
    // Rows of camera_from_world: rotation in xyz, translation in w.
    row_x: vec4<f32>,
    row_y: vec4<f32>,
    row_z: vec4<f32>,
    // fx, fy, cx, cy of the real picture, px (first pixel's centre at .5).
    lens: vec4<f32>,
    // k1, k2, p1, p2 (Brown-Conrady) or k1..k4 (fisheye).
    distortion_a: vec4<f32>,
    // k3, k4, k5, k6 (Brown-Conrady).
    distortion_b: vec4<f32>,
    // Width and height of the real picture; kind of distortion (0 none, 1 Brown-Conrady, 2 fisheye); layer in the arrays.
    size_kind_layer: vec4<f32>,
    // fx, fy, cx, cy of the undistorted working picture at level 0, px.
    working_lens: vec4<f32>,
    // Width and height of the working picture at level 0; inverse depth per px of disparity; angular weight.
    working_size: vec4<f32>,
    // What its linear light is multiplied with to match the target's exposure, in rgb.
    gain: vec4<f32>,
    // Stops that its rim loses by the square and by the fourth power of the distance from its middle (corners at 1); stops that are added by
    // the stops that it shows about a middle grey, and by their square, so that its response is the target's.
    look: vec4<f32>,
}

fn camera_from_world(c: Camera, p: vec3<f32>) -> vec3<f32> {
    let h = vec4<f32>(p, 1.0);
    return vec3<f32>(dot(c.row_x, h), dot(c.row_y, h), dot(c.row_z, h));
}

// World point from a point in camera axes.
fn world_from_camera(c: Camera, p: vec3<f32>) -> vec3<f32> {
    let d = p - vec3<f32>(c.row_x.w, c.row_y.w, c.row_z.w);
    return c.row_x.xyz * d.x + c.row_y.xyz * d.y + c.row_z.xyz * d.z;
}

fn camera_center(c: Camera) -> vec3<f32> {
    return world_from_camera(c, vec3<f32>(0.0));
}

// Ideal -> distorted normalized coordinates (OpenCV's models, as geometry::Distortion::distort).
fn distort(c: Camera, ideal: vec2<f32>) -> vec2<f32> {
    let kind = c.size_kind_layer.z;
    if kind < 0.5 {
        return ideal;
    }
    let a = c.distortion_a;
    if kind < 1.5 {
        let b = c.distortion_b;
        let r2 = dot(ideal, ideal);
        let radial = (1.0 + r2 * (a.x + r2 * (a.y + r2 * b.x))) / (1.0 + r2 * (b.y + r2 * (b.z + r2 * b.w)));
        let xy = ideal.x * ideal.y;
        return ideal * radial + vec2<f32>(
            2.0 * a.z * xy + a.w * (r2 + 2.0 * ideal.x * ideal.x),
            a.z * (r2 + 2.0 * ideal.y * ideal.y) + 2.0 * a.w * xy,
        );
    }
    let r = length(ideal);
    if r < 1e-6 {
        return ideal;
    }
    let t = atan(r);
    let t2 = t * t;
    return ideal * (t * (1.0 + t2 * (a.x + t2 * (a.y + t2 * (a.z + t2 * a.w)))) / r);
}

// Pixel position in the real picture of ideal normalized coordinates.
fn picture_px(c: Camera, ideal: vec2<f32>) -> vec2<f32> {
    return distort(c, ideal) * c.lens.xy + c.lens.zw;
}

// Pixel position in the working picture of ideal normalized coordinates.
fn working_px(c: Camera, ideal: vec2<f32>) -> vec2<f32> {
    return ideal * c.working_lens.xy + c.working_lens.zw;
}
