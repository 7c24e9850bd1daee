//! Where to listen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Reads an address: `8080` and `:8080` are ports of the loopback interface,
/// as is `localhost:8080`; else an IP address and a port. Port 0 takes a free
/// one. Names are not looked up.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').or_else(|| text.strip_prefix("localhost:")).unwrap_or(text);
    // A sign would pass for a number.
    if port.bytes().all(|b| b.is_ascii_digit())
        && let Ok(port) = port.parse()
    {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| {
        format!("{text:?} is not an address such as 8080, 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, address) in [
            ("8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("localhost:0", "127.0.0.1:0"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:0", "[::1]:0"),
            ("0.0.0.0:1", "0.0.0.0:1"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), address);
        }
        for bad in [
            "",
            ":",
            "65536",
            ":x",
            "+80",
            "127.0.0.1",
            "::1",
            "[::1]",
            "example.org:80",
            "*:80",
            "127.0.0.1:+1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
