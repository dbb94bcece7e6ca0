// Exact ray-primitive intersections. Each moves the ray's origin next to the primitive first: with f32, a bar 2 cm thick
// seen from 10 m needs it.

#import venue/types.wgsl

@group(0) @binding(1) var<uniform> prims: PrimTable;

const FAR: f32 = 1e20;

fn rotate(q: vec4<f32>, v: vec3<f32>) -> vec3<f32> {
    let t = 2.0 * cross(q.xyz, v);
    return v + q.w * t + cross(q.xyz, t);
}

fn rotate_back(q: vec4<f32>, v: vec3<f32>) -> vec3<f32> {
    return rotate(vec4<f32>(-q.xyz, q.w), v);
}

// The hull of two spheres (neither inside the other).
fn hit_cone(a: vec4<f32>, b: vec4<f32>, o: vec3<f32>, d: vec3<f32>) -> f32 {
    let shift = dot(a.xyz - o, d);
    let oa = o + d * shift - a.xyz;
    let ba = b.xyz - a.xyz;
    let dr = a.w - b.w;
    // Along the axis a point of the side has y in 0..side, y = (p-a).ba - ra*dr, and |p-a|^2 side = y^2 + ... = 0.
    let len2 = dot(ba, ba);
    let side = len2 - dr * dr;
    let o_ba = dot(oa, ba);
    let d_ba = dot(d, ba);
    let d_oa = dot(d, oa);
    let oa2 = dot(oa, oa);
    let qa = side - d_ba * d_ba;
    let qb = side * d_oa - o_ba * d_ba + d_ba * dr * a.w;
    let qc = side * oa2 - o_ba * o_ba + 2.0 * o_ba * dr * a.w - len2 * a.w * a.w;
    let disc = qb * qb - qa * qc;
    if (disc >= 0.0 && abs(qa) > 1e-12) {
        let t = (-qb - sqrt(disc)) / qa;
        let y = o_ba + t * d_ba - a.w * dr;
        if (y > 0.0 && y < side) {
            return t + shift;
        }
    }
    let ob = oa - ba;
    let d_ob = dot(d, ob);
    let disc_a = d_oa * d_oa - oa2 + a.w * a.w;
    let disc_b = d_ob * d_ob - dot(ob, ob) + b.w * b.w;
    var best = FAR;
    if (disc_a >= 0.0) {
        best = shift - d_oa - sqrt(disc_a);
    }
    if (disc_b >= 0.0) {
        best = min(best, shift - d_ob - sqrt(disc_b));
    }
    return best;
}

fn hit_ellipsoid(k: u32, o: vec3<f32>, d: vec3<f32>) -> f32 {
    let center = prims.all[k].a.xyz;
    let half_size = prims.all[k].b.xyz;
    let q = prims.all[k].q;
    let shift = dot(center - o, d);
    let uo = rotate_back(q, o + d * shift - center) / half_size;
    let ud = rotate_back(q, d) / half_size;
    let dd = dot(ud, ud);
    let od = dot(uo, ud);
    let disc = od * od - dd * (dot(uo, uo) - 1.0);
    return select(FAR, shift + (-od - sqrt(max(disc, 0.0))) / dd, disc >= 0.0);
}

// Boxes, and meshes of cords in the local xz plane.
fn hit_flat(k: u32, o: vec3<f32>, d: vec3<f32>) -> f32 {
    let center = prims.all[k].a.xyz;
    let size = prims.all[k].b;
    let q = prims.all[k].q;
    let shift = dot(center - o, d);
    let lo = rotate_back(q, o + d * shift - center);
    let ld = rotate_back(q, d);
    let safe = select(ld, vec3<f32>(1e-9), abs(ld) < vec3<f32>(1e-9));
    let mid = -lo / safe;
    if (prims.all[k].what.x == KIND_BOX) {
        let reach = abs(size.xyz / safe);
        let near = mid - reach;
        let far = mid + reach;
        let t0 = max(near.x, max(near.y, near.z));
        let t1 = min(far.x, min(far.y, far.z));
        return select(FAR, t0 + shift, t0 <= t1);
    }
    let at = (lo + ld * mid.y).xz;
    let e = at / size.xy;
    let outside = select(max(abs(e.x), abs(e.y)), dot(e, e), prims.all[k].origin.w > 0.5);
    let cell = abs(fract(at / size.z + 0.5) - 0.5) * size.z;
    return select(FAR, mid.y + shift, outside <= 1.0 && min(cell.x, cell.y) < size.w);
}

fn normal_at(p: Prim, at: vec3<f32>, d: vec3<f32>) -> vec3<f32> {
    if (p.what.x == KIND_CONE) {
        let pa = at - p.a.xyz;
        let ba = p.b.xyz - p.a.xyz;
        let dr = p.a.w - p.b.w;
        let side = dot(ba, ba) - dr * dr;
        let y = dot(pa, ba) - p.a.w * dr;
        if (y <= 0.0) {
            return normalize(pa);
        }
        if (y >= side) {
            return normalize(at - p.b.xyz);
        }
        return normalize(side * pa - ba * y);
    }
    let l = rotate_back(p.q, at - p.a.xyz);
    if (p.what.x == KIND_ELLIPSOID) {
        return normalize(rotate(p.q, l / (p.b.xyz * p.b.xyz)));
    }
    if (p.what.x == KIND_BOX) {
        let e = abs(l / p.b.xyz);
        var n = vec3<f32>(sign(l.x), 0.0, 0.0);
        if (e.y > e.x && e.y >= e.z) {
            n = vec3<f32>(0.0, sign(l.y), 0.0);
        } else if (e.z > e.x) {
            n = vec3<f32>(0.0, 0.0, sign(l.z));
        }
        return rotate(p.q, n);
    }
    let n = rotate(p.q, vec3<f32>(0.0, 1.0, 0.0));
    return select(n, -n, dot(n, d) > 0.0);
}
