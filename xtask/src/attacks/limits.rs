//! Callers that ask too much, guess, or say that they are somebody else's address.

use std::io::Write as _;

use super::tokens::bear;
use super::watch::{Heard, Row, Watch, post};
use crate::development::Development;
use crate::keep_alive::{self, KeepAlive};

/// A header of the PROXY protocol, version 2: 192.0.2.1 to 192.0.2.2, by TCP.
const PROXY_HEADER: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x10\x00\x00\x50";

pub(super) fn try_all(development: &Development) -> anyhow::Result<Vec<Row>> {
    Ok([quota(development)?, guesses(development)?, proxies(development)?].concat())
}

fn quota(development: &Development) -> anyhow::Result<Vec<Row>> {
    let classes = development.write("classes", "default rate=1/h burst=1\n")?;
    let service = development.start(&["--quota-classes", &classes])?;
    let (mut watch, token) = (Watch::of(&service), &service.ready().token);
    watch.control("all that the quota allows", |api| bear(api, token, &development.body))?;
    watch.attack("more than the quota", "one request more", |api| bear(api, token, &development.body))?;
    Ok(watch.rows())
}

fn guesses(development: &Development) -> anyhow::Result<Vec<Row>> {
    let slow = ["--refusals-per-address", "1/h", "--refusals-burst", "2"];
    let service = development.start(&slow)?;
    let mut watch = Watch::of(&service);
    let body = &development.body;
    for _ in 0..2 {
        watch.attack("a guess", "a token that is none", |api| bear(api, "guess", body))?;
    }
    watch.attack("a third guess, as another", "X-Forwarded-For with another address", |api| {
        post(api, &[("authorization", "Bearer guess"), ("x-forwarded-for", "192.0.2.9")], body)
    })?;
    watch.attack("the right token, behind the guesses", "a token that is right", |api| {
        bear(api, &service.ready().token, body)
    })?;
    Ok(watch.rows())
}

fn proxies(development: &Development) -> anyhow::Result<Vec<Row>> {
    let service = development.start(&["--proxy-protocol", "--trusted-proxies", "127.0.0.1"])?;
    let mut watch = Watch::of(&service);
    let request = keep_alive::post(service.ready(), "/api", &[], &development.body);
    watch.control("a trusted proxy's header before the request", |api| {
        let mut connection = keep_alive::connect(api)?;
        connection.write_all(PROXY_HEADER)?;
        Heard::of(&KeepAlive::over(connection).send(&request)?)
    })?;
    watch.attack("a trusted proxy without its header", "the request alone", |api| {
        let mut connection = KeepAlive::open(api)?;
        // It may be closed before all of it is sent.
        let ended = connection.send(&request);
        ended.map_or_else(|_| Ok(Heard::closed()), |answer| Heard::of(&answer))
    })?;
    Ok(watch.rows())
}
