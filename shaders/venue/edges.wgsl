// Which pixels need all their samples: those next to another surface, those with the crowd's hard pattern, and tiles with
// things thinner than a pixel. Also what each tile shows, and the lists of tiles that the next passes run over.

#import venue/types.wgsl
#import venue/scene.wgsl

@group(0) @binding(9) var<storage, read_write> hits: array<vec2<u32>>;
@group(0) @binding(10) var<storage, read_write> tile_bits: array<atomic<u32>>;
@group(0) @binding(11) var<storage, read_write> sums: array<vec4<f32>>;

@compute @workgroup_size(8, 8)
fn find_edges(@builtin(global_invocation_id) id: vec3<u32>) {
    let px = vec2<u32>(id.x, id.y + view.counts.w);
    if (px.x >= view.size.x || px.y >= view.more.x) {
        return;
    }
    let at = hit_base(px);
    let across = view.size.w + 1u;
    let down = view.size.x * across;
    let center = hits[at].y;
    var edge = center == STANDS || ((tiles[tile_base(px)] >> 24u) != 0u);
    edge = edge || hits[at - select(0u, across, px.x > 0u)].y != center;
    edge = edge || hits[at + select(0u, across, px.x + 1u < view.size.x)].y != center;
    edge = edge || hits[at - select(0u, down, px.y > view.counts.w)].y != center;
    edge = edge || hits[at + select(0u, down, px.y + 1u < view.more.x)].y != center;
    edge = edge && view.size.w > 0u;
    if (view.size.w > 0u) {
        hits[at + 1u].y = select(ONE_SAMPLE, 0u, edge);
    }
    let foreground = select(0.0, f32(prims.all[min(center, 511u)].what.z & 1u), center < SKY);
    sums[(px.y - view.counts.w) * view.size.x + px.x] = vec4<f32>(0.0, 0.0, 0.0, foreground);
    atomicOr(&tile_bits[tile_index(px)], select(class_of(center), TILE_EDGES, edge));
}
