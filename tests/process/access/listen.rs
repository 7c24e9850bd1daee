//! The broadcast of a user who may not open the file himself.

use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::access::vault::{ALICE, BOB, ROOT, Vault};

fn next(socket: &mut WebSocket<TcpStream>) -> Result<Value, u16> {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.unwrap().code.into()),
            _ => {}
        }
    }
}

/// Clients see what the user may see, also of the past; and when his access
/// goes, so do they.
#[test]
fn clients_have_the_rights_of_who_listens() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ROOT, "larder --db $DB -n a set pub k v; larder --db $DB -n a set priv k v");
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{ALICE} read --group 'p[u]*'"));
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{BOB} read"));
    let mut watch = vault
        .command(ALICE, "exec larder --db $DB -n a watch --listen :0 2>note")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    let note = loop {
        let note = std::fs::read_to_string(vault.home(ALICE).join("note")).unwrap_or_default();
        if note.ends_with('\n') {
            break note;
        }
        assert!(Instant::now() < end, "it does not listen: {note}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let address = note.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect(&note);
    let token = std::fs::read_to_string(vault.home(ALICE).join(".local/share/larder/watch.token")).unwrap();
    let url = format!("ws://{address}/?after=0&token={}", token.trim_end());
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (mut socket, _) = tungstenite::client(url.into_client_request().unwrap(), stream).unwrap();
    let subscribe = json!({ "type": "subscribe", "channel": "store-events" });
    socket.send(Message::text(subscribe.to_string())).unwrap();

    let seen = next(&mut socket).unwrap();
    assert_eq!((&seen["data"]["group"], &seen["data"]["value"]), (&json!("pub"), &json!("v")), "{seen}");
    vault.ok(ROOT, "larder --db $DB -n a set priv k w; larder --db $DB -n a set pub k w");
    let seen = next(&mut socket).unwrap();
    assert_eq!((&seen["data"]["group"], &seen["data"]["value"]), (&json!("pub"), &json!("w")), "{seen}");

    // Nor do the figures count what the user may not see.
    let stats = json!({ "type": "subscribe", "channel": "store-stats" });
    socket.send(Message::text(stats.to_string())).unwrap();
    let seen = next(&mut socket).unwrap();
    assert_eq!(seen["type"], "stats", "{seen}");
    assert_eq!(
        (&seen["data"]["keys"], &seen["data"]["namespaces"][0]["keys"]),
        (&json!(1), &json!(1)),
        "{seen}"
    );
    let stats = json!({ "type": "unsubscribe", "channel": "store-stats" });
    socket.send(Message::text(stats.to_string())).unwrap();

    vault.ok(ROOT, &format!("larder --db $DB access revoke a user:{ALICE}"));
    let end = loop {
        match next(&mut socket) {
            // Under way when they were no longer wanted.
            Ok(message) if message["type"] == "stats" => {}
            other => break other,
        }
    };
    assert_eq!(end, Err(1008));
    while socket.read().is_ok() {}
    assert_eq!(watch.wait().unwrap().code(), Some(5));
}
