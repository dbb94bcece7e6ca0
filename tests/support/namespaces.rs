//! Networks of their own within one machine (Linux' network namespaces, by `ip` of iproute2). Root makes them; who is not makes them in a user namespace.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::process::Command;

/// Runs `ip`; what it says where it fails.
pub fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split_whitespace()).output();
    let output = output.unwrap_or_else(|e| panic!("ip does not start ({e}): install the package iproute2"));
    if output.status.success() { Ok(()) } else { Err(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim())) }
}

/// Runs a test of this program once more where nobody in particular is root: in namespaces of its own. `mark` is set in its environment: a test
/// that meets it does not come here again. `why` is what forbade it to this user. What the test said.
pub fn again_as_root(test: &str, mark: &str, why: &str) -> String {
    let inside = format!("mount -t tmpfs none /run && mkdir /run/netns && exec \"$0\" --exact {test} --nocapture");
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", &inside])
        .arg(std::env::current_exe().unwrap())
        .env(mark, "1")
        .output()
        .unwrap_or_else(|e| panic!("unshare does not start ({e}): install the package util-linux"));
    let text = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    println!("{text}");
    assert!(
        run.status.success(),
        "{test} needs network namespaces of its own. They cannot be made by this user ({why}), nor in a user namespace (see above). Run it as root: \
         cargo test --release -- --exact {test}; or let users have namespaces: sysctl -w kernel.unprivileged_userns_clone=1 \
         kernel.apparmor_restrict_unprivileged_userns=0. {text}"
    );
    text
}
