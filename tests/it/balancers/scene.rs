//! Two hubs on one database, and a balancer before them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::balancer::{Balancer, Front, Kind};
use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};

/// Two hubs, by name, behind a balancer.
pub struct Scene {
    pub balancer: Balancer,
    pub hubs: BTreeMap<String, TestHub>,
    pub database: Database,
}

impl Scene {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, Front::Plain, |text| text).await
    }

    /// With another front, and a change of the balancer's file.
    pub async fn with(kind: Kind, front: Front, change: impl Fn(String) -> String) -> Self {
        let database = Database::postgres().await;
        let hubs = [launch(&database, "hub-1").start().await, launch(&database, "hub-2").start().await];
        let balancer = Balancer::start_with(kind, front, &hubs.each_ref().map(TestHub::address), change).await;
        let hubs = ["hub-1", "hub-2"].map(str::to_owned).into_iter().zip(hubs).collect();
        Self { balancer, hubs, database }
    }

    /// A client that came through the balancer, and the name of its hub.
    pub async fn client(&self, user: &str) -> (Client, String) {
        hello(&self.balancer.ws(), user).await
    }

    /// A client on each hub, in the order of their names.
    pub async fn one_on_each(&self) -> [Client; 2] {
        let mut found = BTreeMap::new();
        while found.len() < 2 {
            let (client, hub) = self.client("ann").await;
            found.entry(hub).or_insert(client);
        }
        let found: Vec<_> = found.into_values().collect();
        found.try_into().unwrap_or_else(|_| unreachable!("there are two"))
    }

    /// A new project, made through the balancer.
    pub async fn project(&self) -> String {
        let call = reqwest::Client::new().post(self.balancer.url("/api/projects"));
        let made = call.json(&json!({"title": "Balanced"})).send().await.unwrap();
        assert_eq!(made.status(), 201);
        made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

/// An open hub with few connections to its database.
pub fn launch(database: &Database, name: &str) -> Launch {
    Launch::on(database)
        .set("BLOCKHUB_HUB_ID", name)
        .set("BLOCKHUB_DB_POOL_MIN", "0")
        .set("BLOCKHUB_DB_POOL_MAX", "8")
        .set("BLOCKHUB_DRAIN_SECS", "600")
}

/// A client that is welcomed at this address, and the name of its hub.
pub async fn hello(ws: &str, user: &str) -> (Client, String) {
    let client = Client::hello(ws, json!({"type": "hello", "user": {"id": user}})).await;
    let hub = client.welcome["hub"].as_str().unwrap().to_owned();
    (client, hub)
}
