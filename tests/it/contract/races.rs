//! Several hubs on one database, at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use blockhub::domain::block::Block;
use blockhub::domain::event::Event;
use blockhub::domain::sequence::{Seq, Version};
use blockhub::store::{Commit, Committed, Patience, Span};

use super::on_both;
use super::scene::{Scene, block, event};
use crate::harness::database::Database;

on_both!(
    ed1_seqs_have_no_holes_under_concurrency,
    ed3_no_version_is_made_twice,
    ed2_an_edit_raced_on_two_hubs_is_committed_once,
    ed9_a_block_id_raced_on_two_hubs_is_taken_once,
    batches_in_opposite_orders_do_not_deadlock,
    a_snapshot_is_of_one_moment,
    what_one_hub_committed_the_other_reads,
);

/// Long enough for everybody before us.
const PATIENT: Patience = Patience::Ms(60_000);

async fn commit_patiently(scene: &Scene, commit: &Commit) -> Committed {
    scene.store.commit(std::slice::from_ref(commit), PATIENT).await.unwrap()[0]
}

/// Runs the same on two hubs, several times each, at once; what each gave.
async fn on_two_hubs<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    database: &Database,
    scene: &Scene,
    tasks: usize,
    run: impl Fn(Scene) -> F,
) -> Vec<T> {
    let mut running = tokio::task::JoinSet::new();
    for hub in [scene.elsewhere(database).await, scene.elsewhere(database).await] {
        for _ in 0..tasks {
            let same = Scene { store: Arc::clone(&hub.store), project: hub.project, epoch: hub.epoch };
            running.spawn(run(same));
        }
    }
    running.join_all().await
}

async fn ed1_seqs_have_no_holes_under_concurrency(database: &Database) {
    let scene = Scene::new(database).await;
    let seqs = on_two_hubs(database, &scene, 3, async |scene| {
        let mut seqs = vec![];
        for events in [1, 2, 3, 1, 2] {
            let events = (0..events).map(|_| Arc::new(event(vec![])));
            let commit = Commit { events: events.collect(), ..scene.commit(None, vec![], vec![]) };
            let mut answer = scene.try_commit(commit.clone()).await;
            if answer == Committed::Locked {
                answer = commit_patiently(&scene, &commit).await;
            }
            let Committed::Done { first } = answer else { panic!("{answer:?}") };
            seqs.extend((first.0..).zip(commit.events.iter().map(|event| event.edit)));
        }
        seqs
    })
    .await;
    let mut seqs: Vec<_> = seqs.into_iter().flatten().collect();
    seqs.sort_unstable();
    let log = scene.store.events(scene.project, Span::After(Seq(0)), 100).await.unwrap();
    assert_eq!(log.iter().map(|event| (event.seq.0, event.edit)).collect::<Vec<_>>(), seqs);
    assert_eq!(seqs.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=54).collect::<Vec<_>>());
}

async fn ed3_no_version_is_made_twice(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, _) = scene.with_block().await;
    let id = block.id;
    let made = on_two_hubs(database, &scene, 2, move |scene| async move {
        let mut made = vec![];
        while made.len() < 5 {
            let opened = scene.store.open(scene.project).await.unwrap().unwrap();
            let current: Block = (**opened.project.get(id).unwrap()).clone();
            match commit_patiently(&scene, &scene.update(&current)).await {
                Committed::Done { .. } => made.push(current.version.next()),
                Committed::Stale => {}
                other => panic!("{other:?}"),
            }
        }
        made
    })
    .await;
    let made: Vec<Version> = made.into_iter().flatten().collect();
    let distinct: BTreeSet<Version> = made.iter().copied().collect();
    assert_eq!(distinct, (2..=21).map(Version).collect());
    assert_eq!(scene.head().await, Seq(21));
}

async fn ed2_an_edit_raced_on_two_hubs_is_committed_once(database: &Database) {
    let scene = Scene::new(database).await;
    for round in 1..=10 {
        let commit = scene.commit(None, vec![], vec![]);
        let answers = on_two_hubs(database, &scene, 2, |scene| {
            let commit = commit.clone();
            async move { scene.try_commit(commit).await }
        })
        .await;
        let done = answers.iter().filter(|answer| matches!(answer, Committed::Done { .. })).count();
        assert_eq!(done, 1, "{answers:?}");
        assert_eq!(scene.head().await, Seq(round));
    }
}

async fn ed9_a_block_id_raced_on_two_hubs_is_taken_once(database: &Database) {
    let scene = Scene::new(database).await;
    for round in 1..=5 {
        let block = block("a0");
        let answers = on_two_hubs(database, &scene, 2, |scene| {
            // No `tree_seq`: what is left to hold them apart is the id.
            let commit = Commit { tree_seq: None, ..scene.insert(0, &block) };
            async move { commit_patiently(&scene, &commit).await }
        })
        .await;
        let done = answers.iter().filter(|answer| matches!(answer, Committed::Done { .. })).count();
        assert_eq!((done, scene.head().await), (1, Seq(round)), "{answers:?}");
    }
}

async fn batches_in_opposite_orders_do_not_deadlock(database: &Database) {
    let scene = Scene::new(database).await;
    let mut ids = vec![];
    for _ in 0..8 {
        ids.push(Scene::on(Arc::clone(&scene.store)).await.project);
    }
    let turned = std::sync::atomic::AtomicBool::new(false);
    let answers = on_two_hubs(database, &scene, 3, |scene| {
        let mut ids = ids.clone();
        if turned.fetch_xor(true, std::sync::atomic::Ordering::Relaxed) {
            ids.reverse();
        }
        async move {
            let mut done = 0;
            for _ in 0..10 {
                let commit = |project| Commit { project, ..scene.commit(None, vec![], vec![]) };
                let batch: Vec<Commit> = ids.iter().copied().map(commit).collect();
                let answers = scene.store.commit(&batch, Patience::None).await.unwrap();
                done += answers.iter().filter(|answer| matches!(answer, Committed::Done { .. })).count();
            }
            done
        }
    })
    .await;
    let heads = scene.store.heads(&ids).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.seq.0).sum::<u64>(), answers.into_iter().sum::<usize>() as u64);
}

async fn a_snapshot_is_of_one_moment(database: &Database) {
    let scene = Scene::new(database).await;
    let (mut block, _) = scene.with_block().await;
    let writer = scene.elsewhere(database).await;
    let id = block.id;
    let writing = tokio::spawn(async move {
        for _ in 0..40 {
            assert!(matches!(commit_patiently(&writer, &writer.update(&block)).await, Committed::Done { .. }));
            block.version = block.version.next();
        }
    });
    while !writing.is_finished() {
        let opened = scene.store.open(scene.project).await.unwrap().unwrap();
        assert_eq!(opened.project.get(id).unwrap().version.0, opened.info.seq.0);
    }
    writing.await.unwrap();
}

async fn what_one_hub_committed_the_other_reads(database: &Database) {
    let scene = Scene::new(database).await;
    let other = scene.elsewhere(database).await;
    for round in 1..=20 {
        let commit = scene.commit(None, vec![], vec![]);
        assert_eq!(scene.must_commit(commit.clone()).await, Seq(round));
        let read = other.store.events(other.project, Span::After(Seq(round - 1)), 9).await.unwrap();
        let expected = Event { seq: Seq(round), ..(*commit.events[0]).clone() };
        assert_eq!(read, vec![Arc::new(expected)]);
    }
}
