//! What somebody in front of the page sees.

use base64::Engine;
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
    browser.reload(&fresh);
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

/// Texts of the cells of a small table, a row a list.
fn cells(id: &str) -> String {
    format!("[...document.querySelectorAll('#{id} tr')].map(r => [...r.cells].map(c => c.textContent))")
}

#[test]
fn figures_beside_the_changes() {
    let t = Test::new();
    let Some(mut browser) = Browser::start(t.home()) else { return };
    t.run(["quota", "set", "full", "--max-keys", "2", "--max-bytes", "1MiB"]).ok("");
    for key in ["a", "b"] {
        t.run(["-n", "full", "set", "g", key, "v"]).ok("");
    }
    t.run(["-n", "free", "set", "g", "k", &"x".repeat(2000)]).ok("");
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["watch", "--consumer", "mails", "--after", "0", "--count", "1"]).ok("1\tset\tfull:g\ta\n");
    let (_watcher, address) = listen(&t, ":0");
    let token = String::from_utf8(t.read("token")).unwrap().trim_end().to_owned();
    let tab = browser.open(&format!("http://{address}/#token={token}"));
    let names = "[...document.querySelectorAll('#namespaces tr')].map(r => r.cells[0].textContent).join()";
    browser.wait_for(&tab, names, &json!("free,full,(none)"));
    let rows = browser.evaluate(&tab, &cells("namespaces"));
    assert_eq!((&rows[0][1], &rows[0][2], &rows[0][4]), (&json!("1"), &json!("2.0 KiB"), &json!("none")));
    assert_eq!((&rows[1][1], &rows[1][4]), (&json!("2"), &json!(" 100 %, 2 of 2 keys")));
    assert_eq!(
        browser.evaluate(&tab, "document.querySelector('#namespaces meter').ariaLabel"),
        "100 % of the keys"
    );
    let rows = browser.evaluate(&tab, &cells("consumers"));
    assert_eq!((&rows[0][0], &rows[0][1]), (&json!("mails"), &json!("3")));
    assert_eq!(
        browser.evaluate(&tab, "document.getElementById('totals').textContent"),
        "4 keys, 2.0 KiB, 3 groups"
    );
    assert_eq!(browser.evaluate(&tab, "document.getElementById('queues').hidden"), true);
    t.execute("INSERT INTO larder_leases(group_name,entry_key,version,free_at,receipt)VALUES('g','k',4,9000000000000,'r')");
    browser.wait_for(&tab, &cells("jobs"), &json!([["g", "1", "0", "0"]]));
    // They follow what happens, and so does the plot.
    let plot = "document.querySelector('#plot path').getAttribute('d')";
    for key in 0..30 {
        t.run(["-n", "busy", "set", "jobs", &key.to_string(), "v"]).ok("");
    }
    browser.wait_for(&tab, names, &json!("free,busy,full,(none)"));
    browser.wait_for(&tab, ROWS, &json!(30));
    browser.wait_for(&tab, &format!("new Set({plot}.match(/ [0-9.]+L/g)).size > 1"), &json!(true));
    if let Some(folder) = std::env::var_os("LARDER_TEST_PICTURES") {
        for (name, size, dark) in
            [("wide", (1280, 800), false), ("medium", (800, 800), true), ("phone", (390, 844), false)]
        {
            browser.resize(&tab, size, dark);
            browser.evaluate(&tab, "new Promise(r => setTimeout(r, 1500))");
            let picture = base64::engine::general_purpose::STANDARD.decode(browser.picture(&tab)).unwrap();
            std::fs::write(std::path::Path::new(&folder).join(format!("watch-{name}.png")), picture).unwrap();
        }
    }
    // Nothing is wider than the window, on a phone either.
    for width in [320, 390, 800, 1280] {
        browser.resize(&tab, (width, 800), false);
        assert_eq!(
            browser.evaluate(&tab, "document.documentElement.scrollWidth <= innerWidth"),
            true,
            "{width}"
        );
    }
    // With the keys alone: to the filter and back, along the rows, into one.
    browser.press(&tab, "/");
    assert_eq!(browser.evaluate(&tab, "document.activeElement.id"), "filter");
    browser.press(&tab, "Escape");
    assert_eq!(browser.evaluate(&tab, "document.activeElement.id"), "");
    browser.evaluate(&tab, "document.querySelector('#rows tr[tabindex=\"0\"]').focus()");
    browser.press(&tab, "ArrowDown");
    browser.press(&tab, "Enter");
    let open = "[...document.querySelectorAll('#rows tr')].findIndex(r => r.classList.contains('open'))";
    assert_eq!(browser.evaluate(&tab, open), 1);
    assert_eq!(
        browser.evaluate(&tab, "document.activeElement === document.querySelectorAll('#rows tr')[1]"),
        true
    );
    let refused: Vec<_> = browser
        .console
        .iter()
        .filter(|line| line.contains("Content Security") || line.contains("exception"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// Who may see the changes of one group must not learn what else there is.
#[test]
fn a_watch_of_a_part_shows_no_figures() {
    let t = Test::new();
    let Some(mut browser) = Browser::start(t.home()) else { return };
    t.run(["set", "g", "k", "v"]).ok("");
    let watcher = Watcher::start(&t, &["g", "--listen", ":0", "--token-file", "token"]);
    until("listening", || watcher.errors().ends_with('\n'));
    let note = watcher.errors();
    let address = note.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect(&note);
    let token = String::from_utf8(t.read("token")).unwrap().trim_end().to_owned();
    let tab = browser.open(&format!("http://{address}/#token={token}"));
    browser.wait_for(&tab, STATUS, &json!("connected"));
    t.run(["set", "g", "k", "w"]).ok("");
    browser.wait_for(&tab, ROWS, &json!(1));
    assert_eq!(browser.evaluate(&tab, "document.getElementById('figures').hidden"), true);
    assert_eq!(browser.evaluate(&tab, "document.getElementById('notice').hidden"), true);
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
