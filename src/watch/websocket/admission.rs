//! Who may connect.
//!
//! Any page in the user's browser can open a connection to the loopback
//! interface, so a token is not all: `Host` must be a name of ours (else a
//! foreign name was rebound to our address), and `Origin`, which browsers
//! send and pages cannot forge, must be our own page or on the list.

use std::net::IpAddr;

use tungstenite::handshake::server::Request;

use super::http::{Refusal, header, query};
use super::token::Token;

/// The rules of one listener.
#[derive(Debug)]
pub struct Admission {
    /// What clients show.
    pub token: Token,
    /// Origins beside our own that may connect.
    pub origins: Vec<Origin>,
}

/// Where a page came from: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin as browsers write it: `https://example.org` or
    /// `http://localhost:3000`, without a path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let host =
            lower.split_once("://").map(|(scheme, host)| (scheme, host.strip_suffix('/').unwrap_or(host)));
        match host {
            Some((scheme, host))
                if !scheme.is_empty()
                    && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
                    && name_and_port(host).is_some() =>
            {
                Ok(Self(format!("{scheme}://{host}")))
            }
            _ => {
                Err(format!("{text:?} is not an origin such as https://example.org or http://localhost:3000"))
            }
        }
    }

    fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }
}

impl Admission {
    /// Checks `Host` and `Origin`; `local` is our side of the connection.
    pub fn admit(&self, request: &Request, local: IpAddr) -> Result<(), Refusal> {
        let Some(host) = header(request, "host")? else {
            return Err(Refusal::new(400, "the request has no Host"));
        };
        let host = host.to_ascii_lowercase();
        if !self.is_our_name(&host, local) {
            return Err(Refusal::new(
                403,
                "this Host is not allowed: use the address that larder listens on, or see --allow-origin",
            ));
        }
        if let Some(origin) = header(request, "origin")? {
            let origin = origin.to_ascii_lowercase();
            let own = origin.strip_prefix("http://") == Some(&host);
            if !own && !self.origins.iter().any(|allowed| allowed.0 == origin) {
                return Err(Refusal::new(403, "this Origin is not allowed: see --allow-origin"));
            }
        }
        Ok(())
    }

    /// Checks the token.
    pub fn authenticate(&self, request: &Request) -> Result<(), Refusal> {
        let bearer = header(request, "authorization")?.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes().to_vec())
        });
        let shown = [bearer, query(request, "token")];
        if shown.iter().flatten().any(|shown| self.token.is(shown)) {
            return Ok(());
        }
        Err(Refusal::new(401, "the token is missing or wrong").header("WWW-Authenticate: Bearer"))
    }

    /// A name that cannot have been rebound by a stranger: a loopback name, an
    /// address in digits that is ours, or the host of an allowed origin.
    fn is_our_name(&self, host: &str, local: IpAddr) -> bool {
        let Some((name, _)) = name_and_port(host) else { return false };
        let digits = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
        let address = digits.parse::<IpAddr>().ok();
        name == "localhost"
            || address.is_some_and(|a| a.is_loopback() || a.to_canonical() == local.to_canonical())
            || self.origins.iter().any(|origin| name_and_port(origin.host()).is_some_and(|(n, _)| n == name))
    }
}

/// Splits `name`, `name:port` or `[v6]:port`.
fn name_and_port(host: &str) -> Option<(&str, Option<u16>)> {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at_checked(end)?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    if name.is_empty() || !name.bytes().all(legal) {
        return None;
    }
    if port.is_empty() {
        return Some((name, None));
    }
    let digits = port.strip_prefix(':')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((name, Some(digits.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(origins: &[&str]) -> Admission {
        let token = Token::new("T+%").unwrap();
        Admission { token, origins: origins.iter().map(|o| Origin::parse(o).unwrap()).collect() }
    }

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = tungstenite::http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn admits(admission: &Admission, local: &str, headers: &[(&str, &str)]) -> u16 {
        admission.admit(&request("/", headers), local.parse().unwrap()).map_or_else(|r| r.status, |()| 200)
    }

    #[test]
    fn hosts() {
        let plain = admission(&[]);
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:9", "192.168.1.2:80"] {
            assert_eq!(admits(&plain, "192.168.1.2", &[("Host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "192.168.1.3",
            "localhost:x",
            "localhost:",
            "a@localhost",
            "[::1",
            "::1",
            "",
        ] {
            assert_eq!(admits(&plain, "192.168.1.2", &[("Host", host)]), 403, "{host}");
        }
        assert_eq!(admits(&plain, "127.0.0.1", &[]), 400);
        assert_eq!(admits(&plain, "127.0.0.1", &[("Host", "localhost"), ("Host", "evil")]), 400);
        let named = admission(&["https://dash.example.org"]);
        assert_eq!(admits(&named, "127.0.0.1", &[("Host", "dash.example.org:8080")]), 200);
    }

    #[test]
    fn origins() {
        let plain = admission(&[]);
        let from = |admission: &Admission, origin: &str| {
            admits(admission, "127.0.0.1", &[("Host", "localhost:80"), ("Origin", origin)])
        };
        assert_eq!(from(&plain, "http://localhost:80"), 200);
        for origin in
            ["http://localhost", "http://localhost:3000", "https://localhost:80", "http://evil", "null", ""]
        {
            assert_eq!(from(&plain, origin), 403, "{origin}");
        }
        assert_eq!(from(&admission(&["http://Localhost:3000/"]), "http://localhost:3000"), 200);
        for bad in ["*", "null", "localhost", "http://", "http://a/b", "://a", "http://a b", "http://a:x"] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tokens() {
        let admission = admission(&[]);
        let status = |uri: &str, headers: &[(&str, &str)]| {
            admission.authenticate(&request(uri, headers)).map_or_else(|r| r.status, |()| 200)
        };
        assert_eq!(status("/", &[("Authorization", "Bearer T+%")]), 200);
        assert_eq!(status("/?token=T+%25", &[]), 200);
        assert_eq!(status("/?after=1&token=T%2b%25", &[("Authorization", "Bearer wrong")]), 200);
        assert_eq!(status("/", &[]), 401);
        assert_eq!(status("/?token=", &[]), 401);
        assert_eq!(status("/?token=T", &[]), 401);
        assert_eq!(status("/", &[("Authorization", "T+%")]), 401);
        assert_eq!(status("/", &[("Authorization", "Basic T+%")]), 401);
    }
}
