//! Which proxies are believed about who their client is, and how they say it. Reads neither a connection nor a request.

use std::net::IpAddr;

use ipnet::IpNet;

/// What is believed, and of whom. Nothing of nobody, unless it is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct ProxiesConfig {
    /// The networks of the proxies that say truly who their client is, such as 10.0.0.0/16,2001:db8::7
    #[arg(long, env = "INFERENCE_TRUSTED_PROXIES", value_name = "NETWORK", value_delimiter = ',',
          value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Each connection of a trusted proxy begins with a header of the PROXY protocol, version 2; without one it is
    /// closed. Other connections begin with the request, whatever they send
    #[arg(long, env = "INFERENCE_PROXY_PROTOCOL", requires = "trusted_proxies")]
    pub proxy_protocol: bool,

    /// Trusted proxies name their client in X-Forwarded-For. Of its addresses the last one counts that is no trusted
    /// proxy's
    #[arg(long, env = "INFERENCE_FORWARDED_FOR", requires = "trusted_proxies")]
    pub forwarded_for: bool,
}

impl ProxiesConfig {
    /// Nobody is believed.
    pub const NONE: Self = Self { trusted_proxies: Vec::new(), proxy_protocol: false, forwarded_for: false };

    /// Whether what `address` says of its client is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

/// A network, or an address as a network of one.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let read = || text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network: IpNet = read().ok_or("expected a network such as 10.0.0.0/16, or an address")?;
    match network {
        _ if network.prefix_len() == 0 => {
            Err("that is everybody, and anybody could be whoever it likes; expected the proxies' own network"
                .to_owned())
        }
        // Addresses are compared as what they are: no mapped one would ever be found in it.
        IpNet::V6(mapped) if mapped.addr().to_ipv4_mapped().is_some() => {
            Err("an IPv4 address written as IPv6; expected it as IPv4".to_owned())
        }
        _ => Ok(network),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::inside("10.1.0.0/16", "10.1.255.255", true)]
    #[case::outside("10.1.0.0/16", "10.2.0.0", false)]
    #[case::mapped("10.1.0.0/16", "::ffff:10.1.2.3", true)]
    #[case::one_address("192.0.2.1", "192.0.2.1", true)]
    #[case::its_neighbour("192.0.2.1", "192.0.2.2", false)]
    #[case::the_newer_kind("2001:db8::/32", "2001:db8:1::1", true)]
    #[case::the_other_kind("2001:db8::/32", "10.1.2.3", false)]
    fn a_proxy_is_trusted_by_its_network(
        #[case] network: &str,
        #[case] address: &str,
        #[case] trusted: bool,
    ) {
        let trusted_proxies = vec!["198.51.100.1/32".parse().unwrap(), parse_network(network).unwrap()];
        let proxies = ProxiesConfig { trusted_proxies, ..ProxiesConfig::NONE };
        assert_eq!(proxies.trusts(address.parse().unwrap()), trusted);
    }

    #[rstest]
    #[case("10.0.0.0/33", "expected a network such as 10.0.0.0/16")]
    #[case("balancer", "expected a network such as 10.0.0.0/16")]
    #[case("0.0.0.0/0", "that is everybody")]
    #[case("::/0", "that is everybody")]
    #[case("::ffff:10.0.0.0/104", "expected it as IPv4")]
    fn is_no_network_of_proxies(#[case] text: &str, #[case] says: &str) {
        let error = parse_network(text).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
