//! One arena of glibc's allocator, so that memory stays flat.
//!
//! glibc gives threads arenas of their own, up to eight per core, and what was once used in one is not used by another. Streams that
//! come and go leave threads' arenas behind: memory grows over a night (docs/capture.md has figures). The limit is read when a process
//! begins, so the program starts itself once more, in the same process, before it has threads.

/// Starts this program anew with one arena, unless somebody has chosen; goes on as it is where that cannot be.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn one_arena() {
    use std::os::unix::process::CommandExt as _;
    const LIMIT: &str = "MALLOC_ARENA_MAX";
    let tuned = std::env::var_os("GLIBC_TUNABLES").is_some_and(|all| all.to_string_lossy().contains("arena_max"));
    if tuned || std::env::var_os(LIMIT).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut again = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // Returns only when it did not work.
    let problem = again.args(arguments).env(LIMIT, "1").exec();
    eprintln!("note: memory may grow over hours ({problem}). Set {LIMIT}=1 before the start");
}

/// Other allocators have no such arenas.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn one_arena() {}
