//! Who the client is by `X-Forwarded-For`, where proxies are trusted to write it. Decides nothing about the client.
//!
//! Each proxy appends the address that it was asked from. So the header is read from its end, and only as long as the
//! one that wrote an address is trusted: what stands before that is whatever the client liked to send.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use http::{HeaderMap, HeaderName};

use crate::listen::{Peer, ProxiesConfig};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Puts the client's address where that of the connection was.
pub(super) async fn believe(State(proxies): State<Arc<ProxiesConfig>>, mut request: Request) -> Request {
    if let Some(connection) = request.extensions().get::<Peer>().map(|peer| peer.address) {
        let address = client(&proxies, connection, request.headers());
        if let Some(peer) = request.extensions_mut().get_mut::<Peer>() {
            peer.address = address;
        }
    }
    request
}

/// The last address that is no trusted proxy's: from the connection's own back through the header. What is no address
/// ends the way, and the proxy that wrote it counts. The header has no port; 0 stands for it.
fn client(proxies: &ProxiesConfig, connection: SocketAddr, headers: &HeaderMap) -> SocketAddr {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut client = connection;
    while proxies.trusts(client.ip()) {
        let Some(before) = hops.next().and_then(address) else { break };
        client = SocketAddr::new(before, 0);
    }
    client
}

/// An address as proxies write it: alone or with a port, and of IPv6 with brackets or without.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?.trim_ascii();
    let alone = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    alone.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_header(&[], "10.0.0.1")]
    #[case::one_proxy(&["192.0.2.1"], "192.0.2.1")]
    #[case::two_proxies(&["192.0.2.1, 10.0.0.2"], "192.0.2.1")]
    #[case::what_the_client_sent(&["203.0.113.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1")]
    #[case::in_two_lines(&["203.0.113.9", "192.0.2.1,10.0.0.2"], "192.0.2.1")]
    #[case::a_proxy_that_asks_itself(&["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
    #[case::with_a_port(&["192.0.2.1:4711"], "192.0.2.1")]
    #[case::of_the_newer_kind(&["2001:db8::1"], "2001:db8::1")]
    #[case::in_brackets(&["[2001:db8::1]"], "2001:db8::1")]
    #[case::in_brackets_with_a_port(&["[2001:db8::1]:4711"], "2001:db8::1")]
    #[case::a_mapped_proxy(&["192.0.2.1, ::ffff:10.0.0.2"], "192.0.2.1")]
    #[case::garbage(&["192.0.2.1, unknown"], "10.0.0.1")]
    #[case::garbage_further_on(&["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2")]
    #[case::nothing(&[""], "10.0.0.1")]
    #[case::not_even_text(&["\u{ff}"], "10.0.0.1")]
    fn the_last_address_counts_that_is_no_trusted_proxys(#[case] lines: &[&str], #[case] expected: &str) {
        let trusted_proxies = vec!["10.0.0.0/24".parse().unwrap()];
        let proxies = ProxiesConfig { trusted_proxies, ..ProxiesConfig::NONE };
        let values = lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap());
        let headers: HeaderMap = values.map(|value| (X_FORWARDED_FOR, value)).collect();
        let found = |connection: &str| client(&proxies, connection.parse().unwrap(), &headers);
        assert_eq!(found("10.0.0.1:1").ip(), expected.parse::<IpAddr>().unwrap());
        // Of somebody else nothing is believed.
        assert_eq!(found("10.0.1.1:1"), "10.0.1.1:1".parse().unwrap());
    }
}
