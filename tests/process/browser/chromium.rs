//! A browser without a window.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::common::skip::skip;

const PROGRAM: &str = "/usr/bin/chromium";

/// Longer than a page needs on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A running browser. Killed when dropped.
pub struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    last_id: u64,
    /// What pages wrote to their consoles, refusals of the browser included.
    pub console: Vec<String>,
}

/// One tab.
pub struct Tab(String);

impl Browser {
    /// Starts the browser with a new profile in `home`. `None`: there is none.
    pub fn start(home: &Path) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            skip("the page in a browser", &format!("there is no {PROGRAM}"));
            return None;
        }
        let mut process = Command::new(PROGRAM)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args([
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--disable-sync", "--remote-debugging-port=0", "about:blank"])
            .arg(format!("--user-data-dir={}", home.join("profile").display()))
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the browser");
        let stderr = BufReader::new(process.stderr.take().expect("its errors"));
        let (send, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
        let url = loop {
            let line = lines.recv_timeout(TIMEOUT).expect("the browser's address");
            if let Some(url) = line.strip_prefix("DevTools listening on ") {
                break url.to_owned();
            }
        };
        let address = url.trim_start_matches("ws://").split('/').next().expect("an address").to_owned();
        let stream = TcpStream::connect(address).expect("connect to the browser");
        stream.set_read_timeout(Some(TIMEOUT)).expect("set a timeout");
        let request = url.into_client_request().expect("a request");
        let (socket, _) = tungstenite::client(request, stream).expect("speak to the browser");
        Some(Self { process, socket, last_id: 0, console: vec![] })
    }

    /// Opens a page in a new tab.
    pub fn open(&mut self, url: &str) -> Tab {
        let target =
            self.call(None, "Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].take();
        let session =
            self.call(None, "Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        let tab = Tab(session["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Runtime", "Log"] {
            self.call(Some(&tab), &format!("{domain}.enable"), &json!({}));
        }
        self.call(Some(&tab), "Page.navigate", &json!({ "url": url }));
        tab
    }

    /// The value of a JavaScript expression in a page.
    #[track_caller]
    pub fn evaluate(&mut self, tab: &Tab, expression: &str) -> Value {
        self.try_evaluate(tab, expression).unwrap_or_else(|e| panic!("{expression}: {e}"))
    }

    fn try_evaluate(&mut self, tab: &Tab, expression: &str) -> Result<Value, Value> {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        // A page that is on its way to being another one has no answer.
        let mut result = self.ask(Some(tab), "Runtime.evaluate", &params)?;
        if result.get("exceptionDetails").is_some() {
            return Err(result["exceptionDetails"]["exception"]["description"].take());
        }
        Ok(result["result"]["value"].take())
    }

    /// Waits until an expression has this value. Until a page has loaded,
    /// expressions about it may fail.
    #[track_caller]
    pub fn wait_for(&mut self, tab: &Tab, expression: &str, expected: &Value) {
        let end = Instant::now() + TIMEOUT;
        loop {
            let value = self.try_evaluate(tab, expression);
            if value.as_ref() == Ok(expected) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{expression} is {value:?}, not {expected}; console: {:?}",
                self.console
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Shows a page in a window of this size, on a light or a dark screen.
    pub fn resize(&mut self, tab: &Tab, (width, height): (u32, u32), dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call(Some(tab), "Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call(Some(tab), "Emulation.setEmulatedMedia", &scheme);
    }

    /// Presses a key, named as in a `KeyboardEvent`.
    pub fn press(&mut self, tab: &Tab, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call(Some(tab), "Input.dispatchKeyEvent", &json!({ "type": kind, "key": key }));
        }
    }

    /// A picture of a page, as base64 of a PNG file.
    pub fn picture(&mut self, tab: &Tab) -> String {
        let mut result = self.call(Some(tab), "Page.captureScreenshot", &json!({}));
        result["data"].take().as_str().unwrap_or_default().to_owned()
    }

    /// Loads a page again.
    pub fn reload(&mut self, tab: &Tab) {
        self.call(Some(tab), "Page.reload", &json!({}));
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, params: &Value) -> Value {
        self.ask(tab, method, params).unwrap_or_else(|e| panic!("{method}: {e}"))
    }

    fn ask(&mut self, tab: Option<&Tab>, method: &str, params: &Value) -> Result<Value, Value> {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(Tab(session)) = tab {
            request["sessionId"] = session.as_str().into();
        }
        self.socket.send(Message::text(request.to_string())).expect("ask the browser");
        loop {
            let Message::Text(text) = self.socket.read().expect("the browser's answer") else { continue };
            let mut message: Value = serde_json::from_str(&text).expect("JSON");
            if message["id"] == self.last_id {
                return match message.get_mut("error") {
                    Some(error) => Err(error.take()),
                    None => Ok(message["result"].take()),
                };
            }
            if matches!(
                message["method"].as_str(),
                Some("Log.entryAdded" | "Runtime.exceptionThrown" | "Runtime.consoleAPICalled")
            ) {
                self.console.push(message["params"].to_string());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = json!({ "id": 0, "method": "Browser.close" });
        let _ = self.socket.send(Message::text(close.to_string()));
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
