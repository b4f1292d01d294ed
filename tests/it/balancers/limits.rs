//! What one address may do, and who may see the balancer's figures.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Error;

use super::behind_both;
use super::scene::Scene;
use super::stand_in::{Manner, StandIn};
use crate::harness::balancer::{Balancer, Front, Kind};
use crate::harness::client::Client;

behind_both!(
    an_address_may_hold_200_connections,
    a_flood_of_calls_is_answered_429,
    a_body_far_over_the_hubs_limit_is_refused_before_a_hub_sees_it,
    the_status_page_is_not_for_everybody,
);

async fn an_address_may_hold_200_connections(kind: Kind) {
    let scene = Scene::new(kind).await;
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(Client::connect(scene.balancer.ws()).await.unwrap());
    }
    match Client::connect(scene.balancer.ws()).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 429),
        other => panic!("{:?}", other.map(|_| "let in")),
    }
    scene.database.drop().await;
}

/// Far more at once than a rate of 100 a second lets pass, written as one.
async fn a_flood_of_calls_is_answered_429(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = Balancer::start(kind, Front::Plain, &[&hub.address]).await;
    let stream = tokio::net::TcpStream::connect(&balancer.at.plain).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let flood = tokio::spawn(async move {
        // It may hang up before it has read all.
        let _ = writing.write_all("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5_000).as_bytes()).await;
    });
    let mut answers = Vec::new();
    while !String::from_utf8_lossy(&answers).contains("HTTP/1.1 429 ") {
        assert!(reading.read_buf(&mut answers).await.unwrap() > 0, "all of it was let pass");
    }
    flood.abort();
    assert!(hub.heads().len() >= 100, "some of it is let pass");
}

async fn a_body_far_over_the_hubs_limit_is_refused_before_a_hub_sees_it(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = Balancer::start(kind, Front::Plain, &[&hub.address]).await;
    let head = "POST /api/projects HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n";
    assert!(answer(&balancer.at.plain, "127.0.0.1", head).await.starts_with("HTTP/1.1 413 "));
    assert!(hub.heads().is_empty());
}

async fn the_status_page_is_not_for_everybody(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = Balancer::start(kind, Front::Plain, &[&hub.address]).await;
    let head = "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // All of 127 is this machine, but only the first of them is let in.
    assert!(answer(&balancer.at.status, "127.0.0.1", head).await.starts_with("HTTP/1.1 200 "));
    assert!(answer(&balancer.at.status, "127.0.0.2", head).await.starts_with("HTTP/1.1 403 "));
    // And where clients come, there is none: a hub is asked.
    answer(&balancer.at.plain, "127.0.0.1", head).await;
    assert_eq!(hub.heads().len(), 1);
}

/// The answer's beginning to what is said from this address.
async fn answer(to: &str, from: &str, said: &str) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(to.parse().unwrap()).await.unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
