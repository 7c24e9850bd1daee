//! Who gets in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use larder::watch::websocket::{Limits, Origin, listen, parse_address};

use super::fixture::{Server, TOKEN};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[test]
fn the_token_is_always_asked_for() {
    let server = Server::start();
    assert!(server.try_connect("?token=secret", &[]).is_ok());
    assert!(server.try_connect("ws?token=secret", &[]).is_ok());
    assert!(server.try_connect("", &[("Authorization", "Bearer secret")]).is_ok());
    for (query, header) in [("", None), ("?token=", None), ("?token=Secret", None), ("", Some("Bearer nope"))]
    {
        let headers: Vec<_> = header.iter().map(|value| ("Authorization", *value)).collect();
        assert_eq!(server.try_connect(query, &headers).err(), Some(401), "{query} {header:?}");
    }
    server.wait_for_clients(0);
}

#[test]
fn foreign_pages_are_kept_out() {
    let server = Server::with(|config| config.origins.push(Origin::parse("https://dash.example").unwrap()));
    let own = format!("http://{}", server.hub.address());
    let query = format!("?token={TOKEN}");
    for (name, value, admitted) in [
        ("Origin", own.as_str(), true),
        ("Origin", "https://dash.example", true),
        ("Origin", "https://evil.example", false),
        ("Origin", "null", false),
        ("Origin", "http://localhost:1", false),
        ("Host", "localhost:1234", true),
        ("Host", "[::1]", true),
        ("Host", "dash.example", true),
        ("Host", "evil.example", false),
        ("Host", "127.0.0.1.evil.example:80", false),
    ] {
        let result = server.try_connect(&query, &[(name, value)]);
        assert_eq!(result.err(), (!admitted).then_some(403), "{name}: {value}");
    }
    // Rebinding: the name is the stranger's in both headers.
    let rebound = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    assert_eq!(server.try_connect(&query, &rebound).err(), Some(403));
}

#[test]
fn the_page_and_nothing_else() {
    let server = Server::start();
    let get = |path: &str, host: &str| {
        server.raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
    };
    let page = get("/", "localhost");
    assert_eq!(status(&page), "200");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Security-Policy: default-src 'none'; script-src 'nonce-"));
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    assert!(body.starts_with("<!doctype html>") && body.ends_with("</html>\n"));
    assert!(!body.contains("NONCE") && !body.contains("innerHTML") && !body.contains("http:"));
    assert!(!page.contains(TOKEN));
    let nonce = |page: &str| page.split("nonce-").nth(1).unwrap()[..32].to_owned();
    assert_ne!(nonce(&page), nonce(&get("/", "localhost")));

    assert_eq!(status(&get("/favicon.ico", "localhost")), "404");
    assert_eq!(status(&get("/../etc/passwd", "localhost")), "404");
    assert_eq!(status(&get("/ws", "localhost")), "426");
    assert_eq!(status(&get("/", "evil.example")), "403");
    assert_eq!(status(&get("/", "localhost\r\nOrigin: http://evil.example")), "403");
    let post = server.raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(status(&post), "405");
    assert!(post.contains("Allow: GET\r\n"));
}

#[test]
fn what_is_not_http_is_turned_down() {
    let server = Server::start();
    let many = "X: x\r\n".repeat(200);
    for (request, expected) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "400"),
        (b"\r\n\r\n\0\0\0\0\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n".to_vec(), "400"),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000)).into_bytes(), "431"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n").into_bytes(), "431"),
        (b"GET /?token=secret HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n".to_vec(), "400"),
        (
            b"GET /?token=secret&after=x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n".to_vec(),
            "400",
        ),
    ] {
        let answer = server.raw(&request);
        assert_eq!(
            status(&answer),
            expected,
            "{:?}",
            String::from_utf8_lossy(&request[..request.len().min(60)])
        );
    }
    assert!(server.try_connect(&format!("?token={TOKEN}"), &[]).is_ok());
}

/// Byte by byte is no way to hold a connection for long.
#[test]
fn a_request_has_five_seconds() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.hub.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let begin = Instant::now();
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    while begin.elapsed() < Duration::from_secs(30) {
        let _ = stream.write_all(b"x");
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(status(&String::from_utf8_lossy(&answer)), "408");
}

#[test]
fn there_is_room_for_so_many() {
    let server = Server::start();
    let clients: Vec<_> = (0..64).map(|_| server.connect("")).collect();
    assert_eq!(server.try_connect("?token=secret", &[]).err(), Some(503));
    // Who does not know the token is not told how busy it is.
    assert_eq!(server.try_connect("", &[]).err(), Some(401));
    drop(clients);
    server.wait_for_clients(0);
    assert!(server.try_connect("?token=secret", &[]).is_ok());
}

/// Anybody who opened as many connections as were allowed, and said nothing,
/// kept everybody else out: the newcomer was turned away, not the one who had
/// been there longest.
#[test]
fn idle_connections_keep_nobody_out() {
    let server = Server::with(|config| config.limits = Limits { pending: 3, ..Limits::default() });
    let mut first = server.connect("");
    let mut idle: Vec<_> = (0..10).map(|_| TcpStream::connect(server.hub.address()).unwrap()).collect();
    // Half a request is no more than none.
    let mut half = TcpStream::connect(server.hub.address()).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    idle.push(half);
    server.connect("").ping();
    first.ping();
    // The oldest were told.
    let mut answer = String::new();
    idle[0].read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), "503");
    // And one that has shown the token is nobody's to take.
    let more: Vec<_> = (0..10).map(|_| TcpStream::connect(server.hub.address()).unwrap()).collect();
    server.connect("").ping();
    first.ping();
    drop(more);
}

#[test]
fn an_address_in_use_is_told() {
    let server = Server::start();
    let address = server.hub.address();
    let report = larder::exit::report(&listen(address).unwrap_err()).unwrap();
    assert_eq!(
        (report.exit.code(), report.message),
        (10, format!("listen on {address}: Address already in use"))
    );
    // And free again as soon as the hub has gone.
    drop(server);
    listen(address).unwrap();
}

#[test]
fn the_other_loopback() {
    let server = Server::with(|config| config.listener = listen(parse_address("[::1]:0").unwrap()).unwrap());
    server.connect("").ping();
}
