//! Capture nodes on a network that is really lost: each in a network namespace of its own, a wire to the console's, and wires that are pulled.
#![cfg(feature = "gstreamer")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::path::Path;
use std::time::{Duration, Instant};

use volte::engine::production::Production;
use volte::engine::{CapturedFeeds, FeedHealth, Feeds as _};
use volte::frame::Moment;
use volte::link::LinkKey;
use volte::show::Show;

mod support {
    pub mod namespaces;
    pub mod nodes;
    pub mod numbers;
    pub mod peers;
}
use support::namespaces::{again_as_root, ip};
use support::nodes::{NodeProcess, films, playing, read, rig_text};
use support::peers::Peer;

const PATIENCE: Duration = Duration::from_mins(1);
/// Camera `k` shows pictures of camera number `k`.
const CAMERAS: [&str; 4] = ["here", "east1", "east2", "west"];
const NODES: [&str; 2] = ["east", "west"];
/// Set in the child that is root in namespaces of its own.
const WITHOUT_ROOT: &str = "VOLTE_TEST_NODES_AS_NOBODY";
/// Set in the console's namespace: where the other two are.
const INSIDE: &str = "VOLTE_TEST_NODES_WIRED";
/// What it says when it has seen all.
const SEEN: &str = "all wires were pulled and put back";

/// Three namespaces: a console's, with a wire to each of two nodes. Gone when dropped.
struct Wires {
    console: String,
    nodes: [String; 2],
}

impl Wires {
    fn new() -> Result<Self, String> {
        let id = std::process::id();
        let wires = Self { console: format!("volte-k{id}"), nodes: NODES.map(|node| format!("volte-{node}{id}")) };
        let console = &wires.console;
        for space in wires.all() {
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        for (k, node) in wires.nodes.iter().enumerate() {
            ip(&format!("link add wire{k} netns {console} type veth peer name wire netns {node}"))?;
            for (space, link, host) in [(console, format!("wire{k}"), 1), (node, "wire".to_owned(), 2)] {
                ip(&format!("-n {space} addr add 10.78.{k}.{host}/24 dev {link}"))?;
                ip(&format!("-n {space} link set {link} up"))?;
            }
        }
        Ok(wires)
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.console).chain(&self.nodes)
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        for space in self.all() {
            ip(&format!("netns del {space}")).ok();
        }
    }
}

/// The console, in whose namespace this runs; the nodes and their cameras are in theirs, and go on whatever happens to the wires.
struct Stage {
    spaces: [String; 2],
    files: [std::path::PathBuf; 2],
    nodes: [Option<NodeProcess>; 2],
    feeds: CapturedFeeds,
    _cameras: Vec<Peer>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new(spaces: [String; 2]) -> Self {
        let films = films();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let feed = |camera: &str, port: u16| format!("[[feeds]]\ncamera = {camera:?}\naddress = \"udp://127.0.0.1:{port}\"\n");
        let keys = [LinkKey::random().unwrap(), LinkKey::random().unwrap()];
        let node = |k: usize, feeds: &str| {
            let listen = format!("[node]\nlisten = \"10.78.{k}.2:7000\"\nkey = \"{}\"\n{feeds}", keys[k].to_hex());
            write(&format!("{}.toml", NODES[k]), &listen)
        };
        let files = [node(0, &(feed("east1", 5002) + &feed("east2", 5004))), node(1, &feed("west", 5002))];
        let cameras = vec![
            Peer::ffmpeg(&playing(&films[..1], &[5000])),
            camera_in(&spaces[0], &playing(&films[1..3], &[5002, 5004])),
            camera_in(&spaces[1], &playing(&films[3..], &[5002])),
        ];
        let nodes = [0, 1].map(|k| Some(start_in(&spaces[k], &files[k])));
        write("rig.toml", &rig_text(&CAMERAS));
        let of_show = |k: usize, cameras: &[&str]| {
            format!(
                "[[nodes]]\nname = {:?}\naddress = \"10.78.{k}.2:7000\"\nkey = \"{}\"\ncameras = {cameras:?}\n",
                NODES[k],
                keys[k].to_hex()
            )
        };
        let text = format!("rig = \"rig.toml\"\n{}{}{}", feed("here", 5000), of_show(0, &["east1", "east2"]), of_show(1, &["west"]));
        let production = Production::of_show(&Show::load(&write("show.toml", &text)).unwrap()).unwrap();
        let session = production.start().unwrap();
        let feeds = CapturedFeeds::new(production.rig, session, None).unwrap();
        Self { spaces, files, nodes, feeds, _cameras: cameras, _folder: folder }
    }

    /// Waits until of each camera it is true: (its place, what is said of it).
    fn wait(&self, what: &str, done: impl Fn(usize, FeedHealth, &str) -> bool) -> Duration {
        let began = Instant::now();
        while !self.feeds.status().iter().enumerate().all(|(k, s)| done(k, s.health, &s.note)) {
            assert!(began.elapsed() < PATIENCE, "{what}: {:#?}\n{:#?}", self.feeds.status(), self.feeds.session().nodes());
            std::thread::sleep(Duration::from_millis(10));
        }
        began.elapsed()
    }

    /// Exactly the cameras of these nodes are away, each by its node's name; the others are in a moment of now, which waits for nobody.
    fn lost(&self, nodes: &[usize]) -> Duration {
        let node_of = |camera: usize| [None, Some(0), Some(0), Some(1)][camera].filter(|node| nodes.contains(node));
        let away = |camera: usize| node_of(camera).is_some();
        let took = self.wait("who is away is away, and nobody else", |camera, health, note| match node_of(camera) {
            Some(node) => {
                // From the first word on: nobody is sent to a camera whose node does not answer.
                let by_name = note.contains(&format!("node {:?}", NODES[node]));
                assert!(health != FeedHealth::Lost || by_name, "{}: {note}", CAMERAS[camera]);
                health == FeedHealth::Lost
            }
            None => health == FeedHealth::Good,
        });
        let began = Instant::now();
        let moment = self.moment(Duration::from_millis(600));
        let (seen, left_out) = (names(&moment), &moment.left_out);
        assert!(began.elapsed() < Duration::from_secs(10), "a moment took {:?}", began.elapsed());
        for (camera, name) in CAMERAS.iter().enumerate() {
            assert_eq!(!away(camera), seen.contains(&(*name).to_owned()), "{seen:?}, left out {left_out:?}");
            assert_eq!(away(camera), left_out.iter().any(|(left, _)| left == name), "{seen:?}, left out {left_out:?}");
        }
        took
    }

    fn all_are_back(&self) -> Duration {
        let took = self.wait("all are back", |_, health, _| health == FeedHealth::Good);
        // Who came back has to have something to show again.
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(names(&self.moment(Duration::from_millis(600))).len(), CAMERAS.len());
        took
    }

    fn moment(&self, ago: Duration) -> Moment {
        let newest = self.feeds.status()[0].newest.unwrap();
        self.feeds.moment(newest.plus_nanos(-(ago.as_nanos() as i64))).unwrap()
    }

    /// Pulls a node's wire at its own end, or puts it back.
    fn wire(&self, node: usize, up: bool) {
        ip(&format!("-n {} link set wire {}", self.spaces[node], if up { "up" } else { "down" })).unwrap();
    }
}

fn camera_in(space: &str, words: &str) -> Peer {
    let words: Vec<&str> = ["netns", "exec", space, "ffmpeg", "-v", "error", "-nostdin", "-threads", "1"]
        .into_iter()
        .chain(words.split_whitespace())
        .collect();
    Peer::start("ip", "iproute2", &words)
}

fn start_in(space: &str, file: &Path) -> NodeProcess {
    NodeProcess::start_by(&["ip", "netns", "exec", space], file, &[])
}

/// Who is in a moment; each must be itself.
fn names(moment: &Moment) -> Vec<String> {
    let itself = |f: &volte::frame::MomentFrame| {
        let (camera, _) = read(&f.picture).unwrap_or_else(|| panic!("{} shows no number", f.camera));
        assert_eq!(CAMERAS[usize::from(camera)], f.camera, "a camera shows another one's picture");
        f.camera.clone()
    };
    moment.frames.iter().map(itself).collect()
}

/// The side of [`nodes_on_wires_that_are_pulled`] that runs in the console's namespace, by that test only.
#[test]
fn nodes_as_a_console_on_wires_sees_them() {
    let Ok(spaces) = std::env::var(INSIDE) else { return };
    let (east, west) = spaces.split_once(' ').unwrap();
    let mut stage = Stage::new([east.to_owned(), west.to_owned()]);
    stage.all_are_back();
    let before = stage.feeds.session().status()[0].clone();

    // A wire is pulled: nothing says goodbye. The node goes on recording.
    stage.wire(0, false);
    println!("a pulled wire is seen after {:?}", stage.lost(&[0]));
    let during = stage.feeds.status()[0].newest.unwrap();
    std::thread::sleep(Duration::from_secs(2));
    stage.wire(0, true);
    println!("all are back after {:?}", stage.all_are_back());
    // What nobody could fetch then is there now.
    assert_eq!(names(&stage.feeds.moment(during).unwrap()).len(), CAMERAS.len(), "what the node recorded meanwhile");

    // A node is killed: the other one does not notice.
    stage.nodes[1] = None;
    println!("a killed node is seen after {:?}", stage.lost(&[1]));
    // The network goes as a whole.
    stage.wire(0, false);
    println!("both are away after {:?}", stage.lost(&[0, 1]));
    stage.wire(1, false);
    stage.nodes[1] = Some(start_in(&stage.spaces[1], &stage.files[1]));
    stage.wire(0, true);
    println!("one is back after {:?}", stage.lost(&[1]));
    stage.wire(1, true);
    println!("all are back after {:?}", stage.all_are_back());

    // The camera here never noticed.
    let after = stage.feeds.session().status()[0].clone();
    assert_eq!(after.reconnects, before.reconnects, "{after:?}");
    assert!(after.received > before.received + 50);
    println!("{SEEN}");
}

#[test]
fn nodes_on_wires_that_are_pulled() {
    let wires = match Wires::new() {
        Ok(wires) => wires,
        Err(why) => {
            assert!(std::env::var_os(WITHOUT_ROOT).is_none(), "the namespaces cannot be made: {why}");
            let text = again_as_root("nodes_on_wires_that_are_pulled", WITHOUT_ROOT, &why);
            assert!(text.contains(SEEN), "{text}");
            return;
        }
    };
    let console = std::process::Command::new("ip")
        .args(["netns", "exec", &wires.console])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "nodes_as_a_console_on_wires_sees_them", "--nocapture"])
        .env(INSIDE, wires.nodes.join(" "))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&console.stdout), String::from_utf8_lossy(&console.stderr));
    println!("{text}");
    assert!(console.status.success() && text.contains(SEEN), "{text}");
}
