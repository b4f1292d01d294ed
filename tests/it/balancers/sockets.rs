//! Sockets through a balancer: where they go, and where they come back to.

use std::collections::BTreeMap;

use serde_json::json;

use super::behind_both;
use super::scene::Scene;
use crate::harness::balancer::{Front, Kind};
use crate::harness::client::Client;

behind_both!(
    what_one_hub_commits_the_other_shows,
    sockets_spread_over_the_hubs,
    jn2_jn3_sockets_of_a_killed_hub_go_on_at_the_other,
    dr1_a_hub_that_drains_gets_no_new_socket_and_keeps_those_it_has,
);

async fn what_one_hub_commits_the_other_shows(kind: Kind) {
    let scene = Scene::new(kind).await;
    let project = scene.project().await;
    let [mut ann, mut bob] = scene.one_on_each().await;
    ann.join(&project).await;
    bob.join(&project).await;
    ann.insert(&project, "from one hub").await;
    bob.reach(&project, 1).await;
    bob.insert(&project, "from the other").await;
    ann.reach(&project, 2).await;
    scene.database.drop().await;
}

async fn sockets_spread_over_the_hubs(kind: Kind) {
    let scene = Scene::new(kind).await;
    let mut sockets = Vec::new();
    let mut counts = BTreeMap::new();
    for _ in 0..20 {
        let (client, hub) = scene.client("ann").await;
        sockets.push(client);
        *counts.entry(hub).or_insert(0) += 1;
    }
    assert!(counts.len() == 2 && counts.values().all(|count| *count >= 8), "{counts:?}");
    scene.database.drop().await;
}

async fn jn2_jn3_sockets_of_a_killed_hub_go_on_at_the_other(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    let project = scene.project().await;
    let [mut ann, mut bob] = scene.one_on_each().await;
    ann.join(&project).await;
    bob.join(&project).await;
    ann.insert(&project, "before").await;
    ann.reach(&project, 1).await;
    bob.reach(&project, 1).await;
    scene.hubs.remove("hub-1").unwrap().kill().await;
    assert_eq!(ann.closed().await, None);
    bob.insert(&project, "meanwhile").await;

    let (mut again, hub) = scene.client("ann").await;
    assert_eq!(hub, "hub-2");
    let joined = again.resume(&project, ann.followed(&project)).await;
    assert_eq!((&joined["recovered"], &joined["events"][0]["seq"]), (&json!(true), &json!(2)));
    again.insert(&project, "after").await;
    bob.reach(&project, 3).await;
    scene.database.drop().await;
}

async fn dr1_a_hub_that_drains_gets_no_new_socket_and_keeps_those_it_has(kind: Kind) {
    // As in the file, but for the time between two checks.
    let scene = Scene::with(kind, Front::Plain, |text| text.replace("inter 5s", "inter 100ms")).await;
    let project = scene.project().await;
    let ([first, _], [second, _]) = (scene.one_on_each().await, scene.one_on_each().await);
    scene.hubs["hub-1"].terminate().await;
    let mut kept = who_may_stay([first, second]).await;
    kept.join(&project).await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let (client, hub) = scene.client("ann").await;
        assert_eq!(hub, "hub-2");
        sockets.push(client);
    }
    if kind == Kind::Haproxy {
        until_checked_down(&scene).await;
    }
    // By now both know, and calls that change something go to the other hub as well.
    for _ in 0..8 {
        scene.project().await;
    }
    kept.insert(&project, "still served").await;
    scene.database.drop().await;
}

/// One of two has to go at once, the other in five minutes.
async fn who_may_stay(clients: [Client; 2]) -> Client {
    for mut client in clients {
        if client.expect("draining").await["reconnectInMs"].as_u64().unwrap() > 0 {
            return client;
        }
    }
    panic!("both have to go at once")
}

async fn until_checked_down(scene: &Scene) {
    let url = format!("http://{}/status;csv", scene.balancer.at.status);
    let is_down = |line: &str| line.starts_with("hubs,hub-1,") && line.contains(",DOWN,");
    while !reqwest::get(&url).await.unwrap().text().await.unwrap().lines().any(is_down) {}
}
