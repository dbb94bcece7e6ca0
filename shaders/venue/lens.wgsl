// Pixel -> ideal normalized coordinates: Newton's method with the analytic Jacobian of OpenCV's lens models.

#import venue/types.wgsl

struct Ideal {
    // Ideal normalized coordinates (z = 1).
    xy: vec2<f32>,
    // d(ideal)/d(distorted), columns.
    by_x: vec2<f32>,
    by_y: vec2<f32>,
}

fn invert(j: vec4<f32>) -> vec4<f32> {
    // j = (xx, xy, yx, yy), row-major.
    let det = j.x * j.w - j.y * j.z;
    let safe = select(det, 1e-6, abs(det) < 1e-6);
    return vec4<f32>(j.w, -j.y, -j.z, j.x) / safe;
}

fn undistort(d: vec2<f32>) -> Ideal {
    if (view.size.z == 0u) {
        return Ideal(d, vec2<f32>(1.0, 0.0), vec2<f32>(0.0, 1.0));
    }
    var p = d;
    var inverse = vec4<f32>(1.0, 0.0, 0.0, 1.0);
    let k = view.k_low;
    if (view.size.z == 2u) {
        let rd = max(length(d), 1e-9);
        var theta = min(rd, 1.5);
        var slope = 1.0;
        for (var i = 0; i < 8; i++) {
            let t2 = theta * theta;
            let f = theta * (1.0 + t2 * (k.x + t2 * (k.y + t2 * (k.z + t2 * k.w)))) - rd;
            slope = 1.0 + t2 * (3.0 * k.x + t2 * (5.0 * k.y + t2 * (7.0 * k.z + t2 * 9.0 * k.w)));
            theta = clamp(theta - f / slope, 0.0, 1.55);
        }
        let r = tan(theta);
        let dir = d / rd;
        let radial = (1.0 + r * r) / slope;
        let across = r / rd;
        // radial along dir, across perpendicular to it.
        inverse = vec4<f32>(
            radial * dir.x * dir.x + across * dir.y * dir.y,
            (radial - across) * dir.x * dir.y,
            (radial - across) * dir.x * dir.y,
            radial * dir.y * dir.y + across * dir.x * dir.x,
        );
        p = dir * r;
    } else {
        let k5 = view.k_high.x;
        let k6 = view.k_high.y;
        let p1 = view.k_high.z;
        let p2 = view.k_high.w;
        for (var i = 0; i < 8; i++) {
            let r2 = dot(p, p);
            let n = 1.0 + r2 * (k.x + r2 * (k.y + r2 * k.z));
            let n1 = k.x + r2 * (2.0 * k.y + r2 * 3.0 * k.z);
            let m = 1.0 + r2 * (k.w + r2 * (k5 + r2 * k6));
            let m1 = k.w + r2 * (2.0 * k5 + r2 * 3.0 * k6);
            let g = n / m;
            let g1 = (n1 * m - n * m1) / (m * m);
            let f = vec2<f32>(
                p.x * g + 2.0 * p1 * p.x * p.y + p2 * (r2 + 2.0 * p.x * p.x),
                p.y * g + p1 * (r2 + 2.0 * p.y * p.y) + 2.0 * p2 * p.x * p.y,
            ) - d;
            let cross = 2.0 * p.x * p.y * g1 + 2.0 * p1 * p.x + 2.0 * p2 * p.y;
            inverse = invert(vec4<f32>(
                g + 2.0 * p.x * p.x * g1 + 2.0 * p1 * p.y + 6.0 * p2 * p.x,
                cross,
                cross,
                g + 2.0 * p.y * p.y * g1 + 6.0 * p1 * p.y + 2.0 * p2 * p.x,
            ));
            p -= vec2<f32>(inverse.x * f.x + inverse.y * f.y, inverse.z * f.x + inverse.w * f.y);
        }
    }
    return Ideal(p, inverse.xz, inverse.yw);
}

// Position in pixels (first pixel's centre at .5) -> ideal coordinates.
fn ideal_from_px(px: vec2<f32>) -> Ideal {
    return undistort((px - view.focal.zw) / view.focal.xy);
}

fn world_from_ideal(p: vec2<f32>) -> vec3<f32> {
    return view.x_in_world.xyz * p.x + view.y_in_world.xyz * p.y + view.z_in_world.xyz;
}
