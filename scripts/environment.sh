# Sourced by the other scripts: stands in the repository's root, and sets what a bare machine lacks.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Where the pictures and footage of the tests are (their licences keep them out of the repository).
export VOLTE_DATA=${VOLTE_DATA:-$PWD/../shared/data}

# Windows and Vulkan want a private folder for their sockets; a bare container has none.
if [ -z "${XDG_RUNTIME_DIR:-}" ] || [ ! -d "$XDG_RUNTIME_DIR" ]; then
    XDG_RUNTIME_DIR=${TMPDIR:-/tmp}/volte-runtime-$(id -u)
    mkdir -p -m 700 "$XDG_RUNTIME_DIR"
    export XDG_RUNTIME_DIR
fi

target=${CARGO_TARGET_DIR:-target}

# Runs a command with a display of 1600×900: the one at hand, unless in CI.
with_display() {
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ -z "${CI:-}" ]; then
        "$@"
    else
        env -u WAYLAND_DISPLAY xvfb-run --auto-servernum --server-args="-screen 0 1600x900x24" "$@"
    fi
}
