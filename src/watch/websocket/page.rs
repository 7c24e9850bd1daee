//! The page that shows live changes in a browser.

use std::net::TcpStream;

use tungstenite::handshake::server::Request;

use super::http::{self, Refusal};
use super::token::random_hex;

const PAGE: &str = include_str!("page.html");

/// Answers with the page. Nothing is loaded from elsewhere, and no script but
/// the page's own runs: it carries a nonce that no stored text can know.
pub fn send(request: &Request, stream: &mut TcpStream) -> Result<(), Refusal> {
    let nonce = random_hex::<16>().map_err(|_| Refusal::new(500, "no randomness"))?;
    // Admission has checked it; not every browser takes 'self' for a socket.
    let host = http::header(request, "host")?.unwrap_or_default();
    let headers = [
        format!(
            "Content-Security-Policy: default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy: no-referrer".to_owned(),
        "X-Frame-Options: DENY".to_owned(),
        "Cross-Origin-Resource-Policy: same-origin".to_owned(),
    ];
    let page = PAGE.replace("NONCE", &nonce);
    http::answer(stream, &http::render(200, "text/html; charset=utf-8", &headers, &page));
    Ok(())
}
