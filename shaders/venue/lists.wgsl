// Lists of tiles: first those with edges, later one list for each class of surface. One thread per tile. The order in a list
// is the adapter's, the pictures do not depend on it.

#import venue/types.wgsl

@group(0) @binding(10) var<storage, read_write> tile_bits: array<atomic<u32>>;
// Five lists of view.counts-many tiles each.
@group(0) @binding(12) var<storage, read_write> lists: array<u32>;
// Five times (workgroups x, y, z, unused).
@group(0) @binding(13) var<storage, read_write> groups: array<atomic<u32>>;

fn append(list: u32, tile: u32, capacity: u32) {
    let at = atomicAdd(&groups[list * 4u], 1u);
    lists[list * capacity + at] = tile;
}

fn tile_of(id: u32) -> u32 {
    return (view.counts.w / TILE) * view.counts.z + id;
}

fn tile_count() -> u32 {
    return view.counts.z * ((view.more.x - view.counts.w + TILE - 1u) / TILE);
}

// The five lists begin at multiples of this.
fn capacity() -> u32 {
    return view.kinds.w;
}

@compute @workgroup_size(64)
fn list_edges(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < tile_count()) {
        let tile = tile_of(id.x);
        if ((atomicLoad(&tile_bits[tile]) & TILE_EDGES) != 0u) {
            append(4u, tile, capacity());
        }
    }
}

@compute @workgroup_size(64)
fn list_classes(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < tile_count()) {
        let tile = tile_of(id.x);
        let bits = atomicLoad(&tile_bits[tile]);
        for (var c = 0u; c < 4u; c++) {
            if ((bits & (1u << c)) != 0u) {
                append(c, tile, capacity());
            }
        }
    }
}
