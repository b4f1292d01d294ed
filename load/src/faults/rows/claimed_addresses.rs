//! What somebody may write into a request to seem to come from elsewhere.
//!
//! Promises: each claim names another address than those before it; what a proxy adds stands where proxies add it.
//! Must never: name the address that one has.

use std::net::Ipv4Addr;

/// How many shapes there are.
pub const CLAIMS: usize = SHAPES.len();

/// Header lines: `{a}` and `{b}` are addresses, `{v6}` is one of another kind.
const SHAPES: [&str; 30] = [
    "X-Forwarded-For: {a}\r\n",
    "X-Forwarded-For: {a}, {b}\r\n",
    "X-Forwarded-For: {a},{b},{a}\r\n",
    "X-Forwarded-For: {a}\r\nX-Forwarded-For: {b}\r\n",
    "X-Forwarded-For: {a}:4711\r\n",
    "X-Forwarded-For: \"{a}\"\r\n",
    "X-Forwarded-For:   {a}  \r\n",
    "X-Forwarded-For: {v6}\r\n",
    "X-Forwarded-For: [{v6}]\r\n",
    "X-Forwarded-For: [{v6}]:4711\r\n",
    "X-Forwarded-For: ::ffff:{a}\r\n",
    "X-Forwarded-For: 127.0.0.1\r\n",
    "X-Forwarded-For: {a}, 127.0.0.1\r\n",
    "X-Forwarded-For: unknown\r\n",
    "X-Forwarded-For: \r\n",
    "X-Forwarded-For: , ,{a},\r\n",
    "x-FORWARDED-for: {a}\r\n",
    "Forwarded: for={a}\r\n",
    "Forwarded: For=\"{a}:4711\"\r\n",
    "Forwarded: for=\"[{v6}]:4711\"\r\n",
    "Forwarded: for={a};by={b};proto=https\r\n",
    "Forwarded: for={a}, for={b}\r\n",
    "Forwarded: for=_hidden\r\n",
    "Forwarded: for={a}\r\nX-Forwarded-For: {b}\r\n",
    "X-Real-IP: {a}\r\n",
    "True-Client-IP: {a}\r\n",
    "CF-Connecting-IP: {a}\r\n",
    "X-Client-IP: {a}\r\n",
    "X-Cluster-Client-IP: {a}\r\n",
    "Client-IP: {a}\r\nVia: 1.1 {b}\r\n",
];

/// The header lines of a claim; with what a proxy adds for a client, if it comes by one.
///
/// A proxy writes one header and hands on no other that says the same: whoever trusts it has told it so.
pub fn claim(number: usize, for_client: Option<Ipv4Addr>) -> String {
    let [one, two] = [number, number + 1].map(|number| u16::try_from(number % 60_000).unwrap_or(0).to_be_bytes());
    let (a, b) = (Ipv4Addr::new(198, 18, one[0], one[1]), Ipv4Addr::new(198, 19, two[0], two[1]));
    let shape = SHAPES[number % CLAIMS].replace("{v6}", &format!("2001:db8:{:x}::1", number % 60_000));
    let lines = shape.replace("{a}", &a.to_string()).replace("{b}", &b.to_string());
    let Some(client) = for_client else { return lines };
    let kept = lines.split_inclusive("\r\n").filter(|line| !line.starts_with("Forwarded:"));
    kept.collect::<String>() + &format!("X-Forwarded-For: {client}\r\n")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{CLAIMS, claim};

    #[test]
    fn what_a_proxy_adds_stands_last() {
        for number in 0..2 * CLAIMS {
            let own = claim(number, None);
            assert!(own.ends_with("\r\n") && !own.contains('{'), "{own}");
            let passed_on = claim(number, Some(Ipv4Addr::new(127, 1, 2, 3)));
            assert!(passed_on.ends_with("X-Forwarded-For: 127.1.2.3\r\n"), "{passed_on}");
        }
    }
}
