//! HTTP through a balancer: what it adds, what it tries again, and what never.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::Value;

use super::behind_both;
use super::scene::Scene;
use super::stand_in::{Manner, StandIn};
use crate::harness::balancer::{Balancer, Front, Kind};

behind_both!(
    a_forged_address_does_not_get_through,
    cn3_the_host_goes_through_as_it_came,
    a_post_that_a_hub_has_seen_is_never_sent_again,
    a_get_is_tried_on_another_hub,
    no_get_fails_while_a_hub_is_killed,
    figures_of_one_hub_are_not_for_the_world,
);

async fn before(kind: Kind, stand_ins: &[&StandIn]) -> Balancer {
    let addresses: Vec<_> = stand_ins.iter().map(|stand_in| &*stand_in.address).collect();
    Balancer::start(kind, Front::Plain, &addresses).await
}

/// The values of a header in a head that a stand-in saw.
fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let line = |line: &'a str| line.split_once(": ").filter(|(known, _)| *known == name).map(|(_, value)| value);
    head.lines().filter_map(line).collect()
}

async fn a_forged_address_does_not_get_through(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = before(kind, &[&hub]).await;
    let mut call = reqwest::Client::new().get(balancer.url("/api/projects"));
    for value in ["6.6.6.6", "6.6.6.6, 127.0.0.1"] {
        for name in ["X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host"] {
            call = call.header(name, value);
        }
        call = call.header("Forwarded", "for=6.6.6.6");
    }
    assert_eq!(call.send().await.unwrap().status(), 200);
    let head = hub.heads().remove(0);
    assert!(!head.contains("6.6.6.6"), "{head}");
    assert_eq!(values(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["http"]);
}

async fn cn3_the_host_goes_through_as_it_came(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = before(kind, &[&hub]).await;
    let call = reqwest::Client::new().get(balancer.url("/")).header("Host", "app.example:8443");
    call.send().await.unwrap();
    assert_eq!(values(&hub.heads()[0], "host"), ["app.example:8443"]);
}

async fn a_post_that_a_hub_has_seen_is_never_sent_again(kind: Kind) {
    for manner in [Manner::HangsUp, Manner::Refuses] {
        let hubs = [StandIn::start(manner).await, StandIn::start(manner).await];
        let balancer = before(kind, &[&hubs[0], &hubs[1]]).await;
        for method in [reqwest::Method::POST, reqwest::Method::PATCH] {
            let call = reqwest::Client::new().request(method, balancer.url("/api/projects")).body("{}");
            assert!(call.send().await.unwrap().status().is_server_error());
        }
        let seen: usize = hubs.iter().map(|hub| hub.heads().len()).sum();
        assert_eq!(seen, 2, "{manner:?}");
    }
}

async fn a_get_is_tried_on_another_hub(kind: Kind) {
    let (broken, well) = (StandIn::start(Manner::HangsUp).await, StandIn::start(Manner::Answers).await);
    let balancer = before(kind, &[&broken, &well]).await;
    for _ in 0..4 {
        assert_eq!(reqwest::get(balancer.url("/api/projects")).await.unwrap().status(), 200);
    }
    assert!(!broken.heads().is_empty() && well.heads().len() == 4);
}

async fn no_get_fails_while_a_hub_is_killed(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    let project = scene.project().await;
    let url = scene.balancer.url(&format!("/api/projects/{project}"));
    // Fewer than the 200 at once that one address may ask for.
    let begun = AtomicUsize::new(0);
    let asking = join_all((0..4).map(|_| async {
        let client = reqwest::Client::new();
        for _ in 0..45 {
            let answer = client.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{}", scene.balancer.errors());
            assert_eq!(answer.json::<Value>().await.unwrap()["id"], *project);
            begun.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let hub = scene.hubs.remove("hub-1").unwrap();
    let killing = async {
        while begun.load(Ordering::Relaxed) < 40 {
            tokio::task::yield_now().await;
        }
        hub.kill().await
    };
    tokio::join!(asking, killing);
    scene.database.drop().await;
}

async fn figures_of_one_hub_are_not_for_the_world(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = before(kind, &[&hub]).await;
    assert_eq!(reqwest::get(balancer.url("/metrics")).await.unwrap().status(), 404);
    assert!(hub.heads().is_empty());
}
