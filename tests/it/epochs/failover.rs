//! A primary that is gone, and a standby in its place, at the address that the hub knows.
//!
//! Promises: the hub is never restarted, and nobody tells it anything.

use blockhub::store::StoreError;
use blockhub::store::postgres::{PostgresOptions, PostgresStore};
use serde_json::{Value, json};

use crate::end_to_end::scene::{fresh, insert};
use crate::harness::client::Client;
use crate::harness::forwarder::Forwarder;
use crate::harness::hub::{Launch, TestHub};
use crate::harness::postgres::PostgresServer;
use crate::harness::redis::until;

/// A primary and its standby, an address that leads to the primary, a hub that knows only that, and two in a room.
struct Scene {
    /// Until it crashes.
    primary: Option<PostgresServer>,
    standby: PostgresServer,
    address: Forwarder,
    hub: TestHub,
    project: String,
    ann: Client,
    bob: Client,
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

impl Scene {
    async fn new() -> Self {
        let primary = PostgresServer::primary().await;
        let standby = primary.standby().await;
        let address = Forwarder::to(primary.port).await;
        let hub = Launch::at(&url(address.port()))
            .set("BLOCKHUB_DB_POOL_MIN", "4")
            .set("BLOCKHUB_DB_POOL_MAX", "8")
            .start()
            .await;
        let project = hub.project("Failing over").await;
        let (mut ann, mut bob) = (hub.client("ann").await, hub.client("bob").await);
        ann.join(&project).await;
        bob.join(&project).await;
        Self { primary: Some(primary), standby, address, hub, project, ann, bob }
    }

    fn primary(&self) -> &PostgresServer {
        self.primary.as_ref().expect("it has not crashed")
    }

    /// From now on an ack means that the standby has it too.
    async fn acks_wait_for_the_standby(&self) {
        self.primary().set("synchronous_standby_names = '*'").await;
        let waits = "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        until("the standby is waited for", async || self.primary().says(waits).await.then_some(())).await;
    }

    async fn primary_crashes(&mut self) {
        self.primary.take().expect("it has not crashed").crash().await;
    }

    async fn standby_takes_over(&self) {
        self.standby.promote().await;
        self.address.lead_to(self.standby.port);
    }

    /// What the hub says of itself.
    async fn until_ready_is(&self, status: u16) {
        let url = self.hub.url("/api/health/ready");
        let says = async || (reqwest::get(&url).await.unwrap().status() == status).then_some(());
        until("the hub knows how it is", says).await;
    }

    /// Both are told that the log is another one; the texts of the blocks that they are told of.
    async fn both_are_reset(&mut self) -> [Vec<String>; 2] {
        let [first, second] = [&mut self.ann, &mut self.bob];
        [texts_of_reset(first).await, texts_of_reset(second).await]
    }

    /// What one edits, the other sees.
    async fn goes_on(&mut self) {
        let ack = acked(&mut self.ann, &self.project, "after").await;
        self.bob.reach(&self.project, ack).await;
        let ack = acked(&mut self.bob, &self.project, "after that").await;
        self.ann.reach(&self.project, ack).await;
        let snapshot = reqwest::get(self.hub.url(&format!("/api/projects/{}/blocks", self.project))).await.unwrap();
        let snapshot: Value = snapshot.json().await.unwrap();
        assert_eq!(snapshot["seq"], ack);
        assert!(!self.hub.log().contains("panic"), "{}", self.hub.log());
    }
}

async fn texts_of_reset(client: &mut Client) -> Vec<String> {
    let reset = client.expect("reset").await;
    assert_eq!(reset["reason"], "epoch", "{reset}");
    let blocks = reset["blocks"].as_array().unwrap();
    blocks.iter().map(|block| block["content"]["text"].as_str().unwrap().to_owned()).collect()
}

/// Inserts a block with this text at the top, as a client does: what is answered `busy` is sent again. Its seq.
async fn acked(client: &mut Client, project: &str, text: &str) -> u64 {
    let ops = json!([insert(&fresh(), json!({"text": text}))]);
    let edit = json!({"type": "edit", "project": project, "editId": fresh(), "ops": ops});
    loop {
        let answer = client.ask(edit.clone()).await;
        match answer["type"].as_str().unwrap() {
            "ack" => return answer["seq"].as_u64().unwrap(),
            _ => assert_eq!(answer["code"], "busy", "{answer}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jn5_after_the_standby_took_over_everybody_is_reset_and_no_ack_is_lost() {
    let mut scene = Scene::new().await;
    scene.acks_wait_for_the_standby().await;
    for text in ["one", "two", "three"] {
        scene.ann.insert(&scene.project, text).await;
    }
    scene.bob.reach(&scene.project, 3).await;
    scene.primary_crashes().await;
    scene.standby_takes_over().await;
    assert_eq!(scene.both_are_reset().await, [["three", "two", "one"], ["three", "two", "one"]]);
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jn2_jn5_acks_that_the_standby_never_got_are_gone_for_everybody() {
    let mut scene = Scene::new().await;
    scene.acks_wait_for_the_standby().await;
    scene.ann.insert(&scene.project, "kept").await;
    scene.primary().set("synchronous_standby_names = ''").await;
    scene.standby.set("primary_conninfo = ''").await;
    let alone = "SELECT count(*) = 0 FROM pg_stat_replication";
    until("the standby is left behind", async || scene.primary().says(alone).await.then_some(())).await;
    for text in ["lost", "lost too"] {
        scene.ann.insert(&scene.project, text).await;
    }
    for client in [&mut scene.ann, &mut scene.bob] {
        client.reach(&scene.project, 3).await;
    }
    let before = scene.bob.followed(&scene.project).clone();
    scene.primary_crashes().await;
    scene.standby_takes_over().await;
    assert_eq!(scene.both_are_reset().await, [["kept"], ["kept"]]);
    scene.goes_on().await;

    // By numbers alone, nothing would be missing: there are three events again.
    let mut late = scene.hub.client("bob").await;
    let joined = late.resume(&scene.project, &before).await;
    assert_eq!((&joined["recovered"], &joined["seq"]), (&json!(false), &json!(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jn5_a_primary_that_only_reads_is_left_and_the_next_one_found() {
    let mut scene = Scene::new().await;
    scene.acks_wait_for_the_standby().await;
    scene.ann.insert(&scene.project, "one").await;
    scene.primary().set("default_transaction_read_only = on").await;
    scene.until_ready_is(503).await;
    scene.standby_takes_over().await;
    assert_eq!(scene.both_are_reset().await, [["one"], ["one"]]);
    scene.goes_on().await;
    scene.until_ready_is(200).await;
    // The old one still answers whoever asks, but the hub asks no more.
    let left = "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'blockhub'";
    until("no connection leads to the old one", async || scene.primary().says(left).await.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jn5_a_standby_at_the_primarys_address_is_not_taken_for_it() {
    let mut scene = Scene::new().await;
    scene.acks_wait_for_the_standby().await;
    scene.ann.insert(&scene.project, "one").await;
    scene.primary_crashes().await;
    scene.address.lead_to(scene.standby.port);
    scene.until_ready_is(503).await;
    let options = PostgresOptions { url: url(scene.standby.port), replica_url: None, pool_min: 0, pool_max: 4 };
    let refused = PostgresStore::connect(&options).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("no writes")), "{refused:?}");
    scene.standby.promote().await;
    assert_eq!(scene.both_are_reset().await, [["one"], ["one"]]);
    scene.goes_on().await;
}
