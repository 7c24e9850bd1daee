//! What somebody in front of the page sees.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::browser::chromium::Browser;
use crate::common::Test;
use crate::common::watcher::{Watcher, until};

const STATUS: &str = "document.getElementById('status').textContent";
const ROWS: &str = "document.querySelectorAll('#rows tr').length";
const SHOWN: &str = "[...document.querySelectorAll('#rows tr')].filter(r => !r.hidden).map(r => r.cells[4].textContent).join()";

fn listen(t: &Test, address: &str) -> (Watcher, String) {
    let watcher = Watcher::start(t, &["--listen", address, "--token-file", "token"]);
    until("listening", || watcher.errors().ends_with('\n'));
    let note = watcher.errors();
    let address =
        note.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect(&note).to_owned();
    (watcher, address)
}

#[test]
fn live_changes_filtered_escaped_and_resumed() {
    let t = Test::new();
    let Some(mut browser) = Browser::start(t.home()) else { return };
    t.run(["set", "g", "before", "1"]).ok("");
    let (mut watcher, address) = listen(&t, ":0");
    let token = String::from_utf8(t.read("token")).unwrap().trim_end().to_owned();

    let tab = browser.open(&format!("http://{address}/#token={token}"));
    browser.wait_for(&tab, STATUS, &json!("connected"));
    // Out of the address bar, and kept for a reload.
    assert_eq!(browser.evaluate(&tab, "location.hash + location.search"), "");

    // Stored text is text, whatever it looks like.
    let hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    t.run(["set", "g", hostile, hostile]).ok("");
    browser.wait_for(&tab, ROWS, &json!(1));
    let cells = "[...document.querySelector('#rows tr').cells].map(c => c.textContent)";
    let cells = browser.evaluate(&tab, cells);
    assert_eq!((&cells[0], &cells[2], &cells[3]), (&json!("2"), &json!("set"), &json!("g")));
    assert_eq!((&cells[4], &cells[5]), (&json!(hostile), &json!(hostile)));
    assert_eq!(
        browser.evaluate(&tab, "document.images.length + document.querySelectorAll('#rows script').length"),
        0
    );
    assert_eq!(browser.evaluate(&tab, "document.title"), "larder watch");
    // Nor could a script run that got in some other way.
    let inject = "(() => { const s = document.createElement('div'); s.innerHTML = '<img src=x onerror=\"window.ran=1\">'; document.body.append(s); s.remove(); return new Promise(r => setTimeout(() => r(window.ran === undefined), 200)); })()";
    assert_eq!(browser.evaluate(&tab, inject), true);
    browser.console.clear();

    // The newest is on top; the filter takes effect on old and new rows.
    t.run(["set", "g", "large", "-"]).stdin(vec![b'x'; 100_000]).ok("");
    t.run(["set", "ns:g", "control", "a\nb\u{202e}\u{1b}"]).ok("");
    t.run(["delete", "g", "large"]).ok("");
    browser.wait_for(&tab, ROWS, &json!(4));
    let texts = "[...document.querySelectorAll('#rows tr')].map(r => r.cells[2].textContent + ' ' + r.cells[3].textContent + ' ' + r.cells[5].textContent)";
    let texts = browser.evaluate(&tab, texts);
    assert_eq!(texts[0], "delete g ");
    assert_eq!(texts[1], "set ns:g a↵b\\u202e\\u001b");
    assert_eq!(texts[2], "set g (100005 bytes, too large to show)");
    let filter = |text: &str| {
        format!(
            "(() => {{ const f = document.getElementById('filter'); f.value = {text:?}; f.dispatchEvent(new Event('input')); }})()"
        )
    };
    browser.evaluate(&tab, &filter("LARGE"));
    assert_eq!(browser.evaluate(&tab, SHOWN), "large,large");
    t.run(["set", "g", "large2", "v"]).ok("");
    t.run(["set", "g", "other", "v"]).ok("");
    browser.wait_for(&tab, SHOWN, &json!("large2,large,large"));
    browser.wait_for(&tab, ROWS, &json!(6));
    browser.evaluate(&tab, &filter(""));

    // Gone without a goodbye; what happens meanwhile is caught up on.
    watcher.signal(Signal::SIGKILL);
    watcher.end();
    browser.wait_for(&tab, &format!("{STATUS}.startsWith('disconnected')"), &json!(true));
    t.run(["set", "g", "missed", "1"]).ok("");
    let (mut watcher, _) = listen(&t, &address);
    browser.wait_for(&tab, STATUS, &json!("connected"));
    browser.wait_for(&tab, ROWS, &json!(7));
    t.run(["set", "g", "after", "1"]).ok("");
    browser.wait_for(&tab, ROWS, &json!(8));
    let seqs = "[...document.querySelectorAll('#rows tr')].map(r => r.cells[0].textContent).join()";
    assert_eq!(browser.evaluate(&tab, seqs), "9,8,7,6,5,4,3,2");
    if let Some(path) = std::env::var_os("LARDER_TEST_PICTURE") {
        std::fs::write(path, browser.picture(&tab)).unwrap();
    }

    // Even if nothing had happened before it went away: a second page, that
    // has seen no event yet, and reloads by itself with the token it has.
    let fresh = browser.open(&format!("http://{address}/#token={token}"));
    browser.wait_for(&fresh, STATUS, &json!("connected"));
    // Connected is said before the position is known.
    t.run(["set", "g", "seen", "1"]).ok("");
    browser.wait_for(&fresh, ROWS, &json!(1));
    browser.evaluate(&fresh, "location.reload()");
    browser.wait_for(&fresh, ROWS, &json!(0));
    browser.wait_for(&fresh, STATUS, &json!("connected"));
    watcher.signal(Signal::SIGTERM);
    watcher.end();
    browser.wait_for(&fresh, STATUS, &json!("disconnected: larder watch has ended"));

    let refused: Vec<_> = browser
        .console
        .iter()
        .filter(|line| line.contains("Content Security") || line.contains("exception"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_page_without_the_token_asks_for_it() {
    let t = Test::new();
    let Some(mut browser) = Browser::start(t.home()) else { return };
    t.run(["set", "g", "k", "1"]).ok("");
    let (_watcher, address) = listen(&t, "[::1]:0");
    let token = String::from_utf8(t.read("token")).unwrap().trim_end().to_owned();
    let asked = "!document.getElementById('ask').hidden";
    let tab = browser.open(&format!("http://{address}/"));
    browser.wait_for(&tab, asked, &json!(true));
    let enter = |token: &str| {
        format!(
            "(() => {{ document.getElementById('token').value = {token:?}; document.getElementById('ask').requestSubmit(); }})()"
        )
    };
    browser.evaluate(&tab, &enter("wrong"));
    browser.wait_for(
        &tab,
        "document.getElementById('notice').textContent.includes('wrong token')",
        &json!(true),
    );
    browser.evaluate(&tab, &enter(&token));
    browser.wait_for(&tab, STATUS, &json!("connected"));
    browser.wait_for(&tab, asked, &json!(false));
    t.run(["set", "g", "k", "2"]).ok("");
    browser.wait_for(&tab, ROWS, &json!(1));
}
