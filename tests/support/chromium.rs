//! A headless Chromium that a test talks to over a pipe, in the words of its developer tools. One that is not installed fails the test
//! and says what to install.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use crossbeam::channel::{Receiver, bounded};
use serde_json::{Value, json};

/// How long Chromium may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page; killed when it is dropped.
pub struct Chromium {
    child: Child,
    say: ChildStdin,
    answers: Receiver<Value>,
    next: u64,
    session: Option<String>,
    /// What it told by itself.
    pub events: Vec<Value>,
    /// Kept until the end.
    _profile: tempfile::TempDir,
}

/// `VOLTE_CHROMIUM`, or what is on the path.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("VOLTE_CHROMIUM") {
        return named.into();
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let all = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!(
            "no Chromium is installed. Debian: install the package chromium. Ubuntu has it only as a snap, which does not run headless \
             everywhere: install Google Chrome's own package (google-chrome-stable), or name a Chromium with VOLTE_CHROMIUM=FILE"
        )
    })
}

impl Chromium {
    /// Starts it with an empty page of that address.
    pub fn start(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // Its pipes are the file descriptors 3 and 4, which a shell makes of what it has.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(program())
            .args("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split(' '))
            .args("--disable-component-update --disable-sync --remote-debugging-pipe".split(' '))
            // Pages run at full speed although nobody looks; a video with sound begins without a click.
            .args("--disable-renderer-backgrounding --autoplay-policy=no-user-gesture-required".split(' '))
            // WebRTC on a machine without a network: loopback counts, and addresses are not hidden behind names. Only pages that may hear a
            // microphone see all of them: it is given one.
            .args("--allow-loopback-in-peer-connection --disable-features=WebRtcHideLocalIpsWithMdns".split(' '))
            .args("--use-fake-ui-for-media-stream --use-fake-device-for-media-stream".split(' '))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("VOLTE_PEERS_TALK").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap();
        let (say, mut hears) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        // Lossless: what is not read yet waits within Chromium.
        let (told, answers) = bounded(4096);
        let listen = move || {
            let mut line = Vec::new();
            while hears.read_until(0, &mut line).is_ok_and(|len| len > 0) {
                if let Ok(value) = serde_json::from_slice(line.strip_suffix(&[0]).unwrap_or(&line))
                    && told.send(value).is_err()
                {
                    return;
                }
                line.clear();
            }
        };
        std::thread::Builder::new().name("chromium".to_owned()).spawn(listen).unwrap();
        let mut chromium = Self { child, say, answers, next: 0, session: None, events: Vec::new(), _profile: profile };
        let target = chromium.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = chromium.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        chromium.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Runtime.enable", "Network.enable"] {
            chromium.call(domain, &json!({}));
        }
        chromium.open(url);
        chromium
    }

    /// Calls a method of the developer tools' protocol.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.say.write_all(format!("{message}\0").as_bytes()).unwrap_or_else(|e| panic!("Chromium is gone ({e})"));
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.answers.recv_timeout(until.saturating_duration_since(Instant::now()));
            let mut answer =
                answer.unwrap_or_else(|e| panic!("Chromium does not answer {method} ({e}); VOLTE_PEERS_TALK=1 shows what it says"));
            if answer["id"] == json!(self.next) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// Goes to a page, and waits until it is there.
    pub fn open(&mut self, url: &str) {
        let told = self.call("Page.navigate", &json!({ "url": url }));
        assert!(told["errorText"].is_null(), "{url}: {}", told["errorText"]);
        self.wait_for("document.readyState === 'complete'");
    }

    /// What an expression, or its promise, gives.
    #[track_caller]
    pub fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut told = self.call("Runtime.evaluate", &params);
        assert!(told["exceptionDetails"].is_null(), "{script}: {}", told["exceptionDetails"]);
        told["result"]["value"].take()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait_for(&mut self, condition: &str) {
        let until = Instant::now() + PATIENCE;
        while self.evaluate(&format!("!!({condition})")) != json!(true) {
            assert!(Instant::now() < until, "it does not come true: {condition}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What stands on the screen where an element is, as RGB.
    pub fn seen(&mut self, selector: &str) -> image::RgbImage {
        let script = format!(
            "(() => {{ const r = document.querySelector('{selector}').getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }})()"
        );
        let at: Vec<f64> = serde_json::from_value(self.evaluate(&script)).unwrap();
        let clip = json!({ "x": at[0], "y": at[1], "width": at[2], "height": at[3], "scale": 1 });
        let shot = self.call("Page.captureScreenshot", &json!({ "format": "png", "clip": clip }));
        let png = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, shot["data"].as_str().unwrap()).unwrap();
        image::load_from_memory(&png).unwrap().to_rgb8()
    }

    /// A mouse at a place of the page, in its pixels: `mousePressed`, `mouseMoved` or `mouseReleased`.
    pub fn mouse(&mut self, what: &str, x: f64, y: f64) {
        let buttons = u8::from(what != "mouseReleased");
        let params = json!({ "type": what, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", &params);
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
