//! Host names for which the server accepts requests. A page of another site can resolve its own
//! name to this machine's address (DNS rebinding), and then call the server.

use std::net::IpAddr;

/// `None` allows all names.
pub(super) struct Hosts(Option<Vec<String>>);

impl Hosts {
    /// IP addresses and `localhost` are always allowed.
    pub(super) fn only(hosts: Option<Vec<String>>) -> Self {
        Self(hosts)
    }

    pub(super) fn allow(&self, host: &str) -> bool {
        let Some(hosts) = &self.0 else { return true };
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address
            || host.eq_ignore_ascii_case("localhost")
            || hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}
