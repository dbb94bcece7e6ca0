//! What a Rust struct that is uploaded looks like in memory, so that a test can compare it with the struct of the same
//! purpose in WGSL.
//!
//! A struct that a shader reads is registered where it is declared, with [`shader_struct!`](crate::shader_struct), and
//! listed by its module; `volte::shader_structs()` collects the lists. `tests/shaders.rs` reflects the shaders and compares
//! names, order, offsets and sizes. Padding members whose name begins with `_` may exist on one side only, because WGSL
//! pads by itself where Rust must spell it out.

/// One member of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name, the same in Rust and WGSL.
    pub name: &'static str,
    /// Bytes from the beginning of the struct.
    pub offset_bytes: usize,
    /// Bytes that it takes.
    pub size_bytes: usize,
}

/// A Rust struct as a shader will find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructLayout {
    /// Path and name in Rust, for messages.
    pub rust_name: &'static str,
    /// Name in WGSL.
    pub wgsl_name: &'static str,
    /// File that declares or imports it: path below `shaders/`.
    pub shader: &'static str,
    /// Bytes of the whole struct, trailing padding included.
    pub size_bytes: usize,
    /// Members in order.
    pub members: &'static [Member],
}

/// A `#[repr(C)]` struct that has a twin in WGSL. Implement it with [`shader_struct!`](crate::shader_struct).
pub trait ShaderStruct: bytemuck::NoUninit {
    /// How it lies in memory.
    const LAYOUT: StructLayout;
}

/// Size of the member that `_get` borrows; a helper of [`shader_struct!`](crate::shader_struct).
#[doc(hidden)]
pub const fn member_size<S, M>(_get: fn(&S) -> &M) -> usize {
    size_of::<M>()
}

/// Registers a `#[repr(C)]` struct as the twin of a WGSL struct:
///
/// ```
/// #[repr(C)]
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// struct Params {
///     size_px: [u32; 2],
///     step: f32,
///     _pad: u32,
/// }
/// volte::shader_struct!(Params as "Params" in "scene/sweep.wgsl" { size_px, step, _pad });
///
/// use volte::gpu::layout::ShaderStruct as _;
/// assert_eq!(Params::LAYOUT.members[1].offset_bytes, 8);
/// ```
///
/// A member that is left out of the braces is a compile error.
#[macro_export]
macro_rules! shader_struct {
    ($rust:ident as $wgsl:literal in $shader:literal { $($member:ident),+ $(,)? }) => {
        impl $crate::gpu::layout::ShaderStruct for $rust {
            const LAYOUT: $crate::gpu::layout::StructLayout = $crate::gpu::layout::StructLayout {
                rust_name: concat!(module_path!(), "::", stringify!($rust)),
                wgsl_name: $wgsl,
                shader: $shader,
                size_bytes: ::core::mem::size_of::<$rust>(),
                members: &[$($crate::gpu::layout::Member {
                    name: stringify!($member),
                    offset_bytes: ::core::mem::offset_of!($rust, $member),
                    size_bytes: $crate::gpu::layout::member_size(|s: &$rust| &s.$member),
                }),+],
            };
        }
        // A struct pattern without `..`: a forgotten member does not compile.
        const _: fn($rust) = |$rust { $($member: _),+ }| {};
    };
}

#[cfg(test)]
mod tests {
    use super::ShaderStruct as _;

    #[repr(C)]
    #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
    struct Sample {
        a: [f32; 3],
        b: u32,
        c: [[f32; 4]; 4],
    }
    shader_struct!(Sample as "Sample" in "nowhere.wgsl" { a, b, c });

    #[test]
    fn members_are_measured() {
        let layout = Sample::LAYOUT;
        assert_eq!(layout.size_bytes, 80);
        let spans: Vec<_> = layout.members.iter().map(|m| (m.name, m.offset_bytes, m.size_bytes)).collect();
        assert_eq!(spans, [("a", 0, 12), ("b", 12, 4), ("c", 16, 64)]);
        assert!(layout.rust_name.ends_with("gpu::layout::tests::Sample"));
    }
}
