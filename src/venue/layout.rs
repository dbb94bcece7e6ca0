//! The structs that the shaders read (`shaders/venue/types.wgsl`), byte for byte.

use bytemuck::{Pod, Zeroable};
use glam::Vec4;

use crate::gpu::layout::{ShaderStruct as _, StructLayout};

/// One camera and one dispatch.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct View {
    /// First column of `world_from_camera` (w unused).
    pub x_in_world: Vec4,
    /// Second column.
    pub y_in_world: Vec4,
    /// Third column.
    pub z_in_world: Vec4,
    /// Centre, metres; w = radians of one pixel at the picture's centre.
    pub center: Vec4,
    /// fx, fy, cx, cy, px.
    pub focal: Vec4,
    /// k1…k4.
    pub k_low: Vec4,
    /// k5, k6, p1, p2.
    pub k_high: Vec4,
    /// Width, height, lens kind, samples per pixel.
    pub size: [u32; 4],
    /// Primitives, clusters, tiles across, first row.
    pub counts: [u32; 4],
    /// End row, write depth and matte, seed, 0.
    pub more: [u32; 4],
    /// Where cones, ellipsoids and all primitives end; tiles that a list holds.
    pub kinds: [u32; 4],
    /// Phase of the loop 0…1, exposure gain, 0, 0.
    pub clock: Vec4,
}

/// One primitive; see the shader for the meaning per kind.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Prim {
    /// First centre and radius, or centre.
    pub a: Vec4,
    /// Second centre and radius, or half sizes.
    pub b: Vec4,
    /// `world_from_texture` quaternion.
    pub q: Vec4,
    /// Origin of the texture frame; w: 1 = elliptic mesh.
    pub origin: Vec4,
    /// Linear albedo.
    pub color: Vec4,
    /// Second linear albedo.
    pub color2: Vec4,
    /// Kind, material, flags, seed.
    pub what: [u32; 4],
}

/// A round cone that casts shadow.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Caster {
    /// First centre and radius.
    pub a: Vec4,
    /// Second centre and radius.
    pub b: Vec4,
}

/// A run of casters inside a sphere.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Cluster {
    /// Centre and radius, metres.
    pub sphere: Vec4,
    /// First caster, count, 0, 0.
    pub range: [u32; 4],
}

crate::shader_struct!(View as "View" in "venue/cull.wgsl" {
    x_in_world, y_in_world, z_in_world, center, focal, k_low, k_high, size, counts, more, kinds, clock,
});
crate::shader_struct!(Prim as "Prim" in "venue/shade_prims.wgsl" { a, b, q, origin, color, color2, what });
crate::shader_struct!(Caster as "Caster" in "venue/shade_prims.wgsl" { a, b });
crate::shader_struct!(Cluster as "Cluster" in "venue/shade_prims.wgsl" { sphere, range });

/// Every struct of the venue's shaders.
pub fn shader_structs() -> Vec<StructLayout> {
    vec![View::LAYOUT, Prim::LAYOUT, Caster::LAYOUT, Cluster::LAYOUT]
}

/// Room in the shaders' tables.
pub const PRIMS: usize = 512;
/// Room in the shaders' tables.
pub const CASTERS: usize = 512;
/// Room in the shaders' tables.
pub const CLUSTERS: usize = 32;
/// Words in the shaders' table of glyphs.
pub const GLYPH_WORDS: usize = 256;

/// Pixels of a culling tile's side.
pub const TILE: u32 = 8;
/// Primitives that a tile lists; beyond, its rays test all.
pub const TILE_CAPACITY: u32 = 127;

/// Kinds of primitive.
pub mod kind {
    /// Hull of two spheres.
    pub const CONE: u32 = 0;
    /// Ellipsoid.
    pub const ELLIPSOID: u32 = 1;
    /// Box.
    pub const BOX: u32 = 2;
    /// Plane of crossing cords.
    pub const MESH: u32 = 3;
}

/// Materials.
pub mod material {
    /// Bare skin.
    pub const SKIN: u32 = 0;
    /// Shirt with pattern and number.
    pub const SHIRT: u32 = 1;
    /// Plain cloth with a seam.
    pub const CLOTH: u32 = 2;
    /// Hair.
    pub const HAIR: u32 = 3;
    /// Shoe.
    pub const SHOE: u32 = 4;
    /// Painted metal or plastic.
    pub const PAINT: u32 = 5;
    /// Painted in two colours along x.
    pub const STRIPED: u32 = 6;
    /// Advertising board.
    pub const BOARD: u32 = 7;
    /// Cord of a net.
    pub const CORD: u32 = 8;
    /// Ball.
    pub const BALL: u32 = 9;
    /// Head with a face.
    pub const HEAD: u32 = 10;
}
