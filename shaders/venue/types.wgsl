// What the venue's passes share: the camera, the primitives and how they are bound.
// The Rust side is src/venue/layout.rs.

// One camera and one dispatch.
struct View {
    // Columns of world_from_camera.
    x_in_world: vec4<f32>,
    y_in_world: vec4<f32>,
    z_in_world: vec4<f32>,
    // xyz: centre, m; w: radians of one pixel at the picture's centre.
    center: vec4<f32>,
    // fx, fy, cx, cy, px.
    focal: vec4<f32>,
    // k1..k4.
    k_low: vec4<f32>,
    // k5, k6, p1, p2.
    k_high: vec4<f32>,
    // Width, height, px; lens kind (0 pinhole, 1 Brown-Conrady, 2 fisheye); samples per pixel.
    size: vec4<u32>,
    // Primitives, clusters, tiles across, first row of this dispatch (a multiple of TILE).
    counts: vec4<u32>,
    // Row after the last of this dispatch; 1 = write depth and matte; seed; unused.
    more: vec4<u32>,
    // Primitives are sorted: cones end here, ellipsoids end here, boxes and meshes end here; first row of the picture's buffers.
    kinds: vec4<u32>,
    // Phase of the loop 0..1; exposure gain; unused.
    clock: vec4<f32>,
}

struct Prim {
    // Round cone: first centre and radius. Others: centre.
    a: vec4<f32>,
    // Round cone: second centre and radius. Ellipsoid, box: half sizes. Mesh: half sizes x, z; pitch; cord half width.
    b: vec4<f32>,
    // world_from_texture rotation (quaternion x, y, z, w); also the axes of ellipsoid, box and mesh.
    q: vec4<f32>,
    // Origin of the texture frame; w: 1 = the mesh is an ellipse.
    origin: vec4<f32>,
    // Linear albedo; w: unused.
    color: vec4<f32>,
    color2: vec4<f32>,
    // Kind, material, flags (bit 0 = foreground, bits 8.. = number or message), seed.
    what: vec4<u32>,
}

// A round cone that casts shadow and occludes ambient light.
struct Caster {
    a: vec4<f32>,
    b: vec4<f32>,
}

// Casters first..first+count lie in the sphere.
struct Cluster {
    sphere: vec4<f32>,
    range: vec4<u32>,
}

// Tables are uniforms, not storage: a software adapter gathers from uniforms several times faster.
struct PrimTable {
    all: array<Prim, 512>,
}

struct BoundTable {
    all: array<vec4<f32>, 512>,
}

struct CasterTable {
    all: array<Caster, 512>,
}

struct ClusterTable {
    all: array<Cluster, 32>,
}

struct GlyphTable {
    all: array<vec4<u32>, 64>,
}

const TILE: u32 = 8u;
const TILE_CAPACITY: u32 = 127u;
// A tile that has more primitives than it can list: its rays test all.
const TILE_OVERFLOW: u32 = 0xffffffffu;
// Bits of a tile's state beside the classes of what it shows.
const CLASS_FLOOR: u32 = 1u;
const CLASS_STANDS: u32 = 2u;
const CLASS_REST: u32 = 4u;
const CLASS_PRIMS: u32 = 8u;
const TILE_EDGES: u32 = 16u;
// Sample 1 of a pixel that is shaded through its centre only.
const ONE_SAMPLE: u32 = 0xfffffffeu;

const KIND_CONE: u32 = 0u;
const KIND_ELLIPSOID: u32 = 1u;
const KIND_BOX: u32 = 2u;
const KIND_MESH: u32 = 3u;

// Storage, not uniform: `gpu::uniform` says why.
@group(0) @binding(0) var<storage, read> view: View;
