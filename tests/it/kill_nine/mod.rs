//! SIGKILL while fifty clients edit, and again, and again ([ED1], [ED2], [JN2], [JN3], [JN5]): every acked edit is
//! in the log once and where it was promised, and in the end all have the same.

mod judge;
mod judging;
mod player;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use self::judge::{Outcome, Testimony, faults};
use self::player::Player;
use crate::contract::on_both;
use crate::harness::chance::Chance;
use crate::harness::database::Database;
use crate::harness::hub::TestHub;
use crate::harness::replica::Replica;

/// Who edits.
const PLAYERS: usize = 50;
/// What they edit; each edits two.
const PROJECTS: usize = 4;
/// After how many acks, at least, the hub dies; some die before all are connected, one before anybody is.
const KILLS: [u64; 5] = [200, 0, 700, 3, 400];
/// Who is away from the first death to the last, and comes back to a long log.
const AWAY: usize = 5;
/// Edits of each client after the last death.
const LAST_EDITS: usize = 4;
/// Longer than anything takes: it only turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

on_both!(ed1_ed2_jn3_every_acked_edit_is_there_once_however_often_the_hub_is_killed);

async fn ed1_ed2_jn3_every_acked_edit_is_there_once_however_often_the_hub_is_killed(database: &Database) {
    let begun = Instant::now();
    let mut hub = TestHub::start(database).await;
    let projects = join_all((0..PROJECTS).map(|_| hub.project("Killed"))).await;
    let tally = watch::Sender::new(0);
    let mut chance = Chance(9);
    let mut players: Vec<_> = (0..PLAYERS).map(|number| player(number, &projects, &tally)).collect();
    let mut away = Vec::new();
    for acks in KILLS {
        (hub, players) = play_and_kill(hub, players, acks + chance.below(acks / 8 + 1), &tally).await;
        away.extend(players.drain(PLAYERS - AWAY..));
    }
    let ws = hub.ws();
    players = all(players.into_iter().chain(away).map(|player| player.finishes(ws.clone(), LAST_EDITS))).await;
    let outcomes = outcomes(&hub, &projects).await;
    let heads = outcomes.iter().map(|(project, outcome)| (project.clone(), outcome.snapshot.seq)).collect();
    for player in &mut players {
        player.reaches(&heads).await;
    }
    let testimony = testimony(players);
    let found = faults(&outcomes, &testimony);
    assert!(found.is_empty(), "{}", found.join("\n"));
    report(&testimony);
    println!("took {:?}", begun.elapsed());
}

fn player(number: usize, projects: &[String], tally: &watch::Sender<u64>) -> Player {
    let edits = [number, number + 1 + number / PROJECTS % (PROJECTS - 1)].map(|at| projects[at % PROJECTS].clone());
    Player::new(format!("user-{number}"), edits.into(), Chance(number as u64 + 100), tally.clone())
}

/// All edit; when so many acks have come, the hub is killed, and started again.
async fn play_and_kill(
    hub: TestHub,
    players: Vec<Player>,
    acks: u64,
    tally: &watch::Sender<u64>,
) -> (TestHub, Vec<Player>) {
    let ws = hub.ws();
    let end = *tally.borrow() + acks;
    let mut counted = tally.subscribe();
    let playing: Vec<_> = players.into_iter().map(|player| player.plays_until_the_end(ws.clone())).collect();
    let playing = tokio::spawn(all(playing));
    let came = timeout(PATIENCE, counted.wait_for(|acks| *acks >= end)).await.is_ok();
    assert!(came, "no more acks come, after {}", *tally.borrow());
    let launch = hub.kill().await;
    let players = playing.await.unwrap();
    (launch.start().await, players)
}

/// Runs each as a task of its own.
async fn all(playing: impl IntoIterator<Item = impl Future<Output = Player> + Send + 'static>) -> Vec<Player> {
    let tasks: Vec<_> = playing.into_iter().map(tokio::spawn).collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

async fn outcomes(hub: &TestHub, projects: &[String]) -> BTreeMap<String, Outcome> {
    let mut outcomes = BTreeMap::new();
    for project in projects {
        let snapshot = Replica::of(&get(hub, &format!("/api/projects/{project}/blocks")).await);
        outcomes.insert(project.clone(), Outcome { log: log(hub, project).await, snapshot });
    }
    outcomes
}

async fn log(hub: &TestHub, project: &str) -> Vec<Value> {
    let mut log: Vec<Value> = Vec::new();
    loop {
        let path = format!("/api/projects/{project}/events?since={}&limit=500", log.len());
        let page = get(hub, &path).await;
        log.extend_from_slice(page["events"].as_array().unwrap());
        if page["more"] == false {
            return log;
        }
    }
}

async fn get(hub: &TestHub, path: &str) -> Value {
    let answer = reqwest::get(hub.url(path)).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

fn testimony(players: Vec<Player>) -> Testimony {
    let mut testimony = Testimony::default();
    for player in players {
        testimony.acked.extend(player.acked);
        testimony.refused.extend(player.refused);
        testimony.sent.extend(player.sent);
        testimony.comebacks.extend(player.comebacks);
        let copies = player.replicas.into_iter();
        testimony.replicas.extend(copies.map(|(project, replica)| (player.user.clone(), project, replica)));
    }
    testimony
}

/// Says what happened, and fails if it was not what the test is about.
fn report(testimony: &Testimony) {
    let duplicates = testimony.acked.iter().filter(|acked| acked.duplicate).count();
    let recovered = testimony.comebacks.iter().filter(|back| back.recovered).count();
    let (kills, acked, refused) = (KILLS.len(), testimony.acked.len(), testimony.refused.len());
    println!("{PLAYERS} clients, {kills} kills: {acked} acked ({duplicates} of them sent before), {refused} refused");
    println!("{} comebacks, {recovered} of them with events", testimony.comebacks.len());
    assert!(recovered < testimony.comebacks.len(), "nobody was away for long");
    assert!(recovered > PLAYERS, "hardly anybody came back with events");
}
