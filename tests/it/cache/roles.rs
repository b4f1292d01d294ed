//! A cached role is never older than a second ([AC2]), and is not handed out when nobody can say whether it still holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use blockhub::bus::Bus;
use blockhub::bus::local::LocalBus;
use blockhub::domain::access::{Access, Action, Principal, Role};
use blockhub::domain::ids::{ProjectId, RequestId, UserId};
use blockhub::hub::context::{Context, Via};
use blockhub::protocol::code::ErrorCode;
use blockhub::transport::auth::Keys;
use uuid::Uuid;

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, parts};
use crate::harness::faulty::FaultyStore;
use crate::harness::redis::until;

on_both!(
    ac2_a_role_withdrawn_by_somebody_else_counts_within_a_second_for_calls_too,
    ac2_a_role_changed_on_this_hub_counts_for_the_next_call,
    ac2_no_role_is_handed_out_when_the_store_cannot_be_asked,
    ac3_a_project_deleted_by_somebody_else_is_gone_within_a_second,
    a_role_is_one_users_and_no_other_gets_it,
    a_project_that_is_not_there_is_looked_for_once,
    a_project_that_is_read_often_is_read_from_the_store_seldom,
    a_theme_written_on_one_hub_is_read_on_another_with_the_bus_and_without,
);

pub fn caller(user: &str) -> Context {
    Context {
        request: RequestId(Uuid::new_v4()),
        principal: Principal::named(UserId::from(user), None),
        via: Via::Call { address: None },
        began: tokio::time::Instant::now(),
    }
}

fn own_bus() -> Arc<dyn Bus> {
    Arc::new(LocalBus::default())
}

/// A hub over a store that counts, and a project of ann's in which bob edits.
async fn scene(database: &Database) -> (Desk, Arc<FaultyStore>, ProjectId) {
    let store = FaultyStore::over(database.store().await);
    let desk = Desk::of(parts(store.clone(), own_bus(), Keys::Open));
    let id = desk.project_of("ann", Access::None).await.parse().unwrap();
    desk.store.set_member(id, &UserId::from("bob"), Some(Role::Editor)).await.unwrap();
    (desk, store, id)
}

/// Calls until one ends with this code. One that began a second after the change must.
async fn refused_within_a_second(desk: &Desk, id: ProjectId, action: Action, code: ErrorCode) {
    let changed = Instant::now();
    until("the change counts", async || {
        let began = changed.elapsed();
        match desk.hub.permit(&caller("bob"), id, action).await {
            Err(refusal) => {
                assert_eq!(refusal.code, code);
                Some(())
            }
            Ok(()) => {
                assert!(began <= Duration::from_secs(1), "served by a role of {began:?} ago");
                None
            }
        }
    })
    .await;
}

async fn ac2_a_role_withdrawn_by_somebody_else_counts_within_a_second_for_calls_too(database: &Database) {
    let (desk, _, id) = scene(database).await;
    desk.hub.permit(&caller("bob"), id, Action::Edit).await.unwrap();
    desk.store.set_member(id, &UserId::from("bob"), Some(Role::Viewer)).await.unwrap();
    refused_within_a_second(&desk, id, Action::Edit, ErrorCode::Forbidden).await;
    desk.store.set_member(id, &UserId::from("bob"), None).await.unwrap();
    refused_within_a_second(&desk, id, Action::Read, ErrorCode::NotFound).await;
}

async fn ac2_a_role_changed_on_this_hub_counts_for_the_next_call(database: &Database) {
    let (desk, _, id) = scene(database).await;
    for (role, answer) in [(Role::Viewer, Err(())), (Role::Editor, Ok(())), (Role::Viewer, Err(()))] {
        desk.hub.set_member(&caller("ann"), id, UserId::from("bob"), role).await.unwrap();
        assert_eq!(desk.hub.permit(&caller("bob"), id, Action::Edit).await.map_err(drop), answer, "{role:?}");
    }
}

async fn ac2_no_role_is_handed_out_when_the_store_cannot_be_asked(database: &Database) {
    let (desk, store, id) = scene(database).await;
    desk.hub.permit(&caller("bob"), id, Action::Edit).await.unwrap();
    store.cut_off();
    refused_within_a_second(&desk, id, Action::Edit, ErrorCode::Busy).await;
}

async fn ac3_a_project_deleted_by_somebody_else_is_gone_within_a_second(database: &Database) {
    let (desk, _, id) = scene(database).await;
    desk.hub.permit(&caller("bob"), id, Action::Edit).await.unwrap();
    assert!(desk.store.set_deleted(id, Some(blockhub::hub::clock::now())).await.unwrap());
    refused_within_a_second(&desk, id, Action::Edit, ErrorCode::NotFound).await;
    assert!(desk.store.set_deleted(id, None).await.unwrap());
    until("it is back", async || desk.hub.permit(&caller("bob"), id, Action::Edit).await.ok()).await;
}

async fn a_role_is_one_users_and_no_other_gets_it(database: &Database) {
    let (desk, _, id) = scene(database).await;
    for _ in 0..3 {
        assert_eq!(desk.hub.read_project(&caller("ann"), id).await.unwrap().role, Role::Owner);
        assert_eq!(desk.hub.read_project(&caller("bob"), id).await.unwrap().role, Role::Editor);
        assert_eq!(desk.hub.read_project(&caller("eve"), id).await.unwrap_err().code, ErrorCode::NotFound);
    }
}

async fn a_project_that_is_not_there_is_looked_for_once(database: &Database) {
    let (desk, store, _) = scene(database).await;
    let (nothing, eve) = (ProjectId(Uuid::new_v4()), caller("eve"));
    for _ in 0..200 {
        assert_eq!(desk.hub.permit(&eve, nothing, Action::Read).await.unwrap_err().code, ErrorCode::NotFound);
    }
    assert_eq!(store.reads().projects.load(Ordering::SeqCst), 1);
}

async fn a_project_that_is_read_often_is_read_from_the_store_seldom(database: &Database) {
    let (desk, store, id) = scene(database).await;
    for _ in 0..500 {
        desk.hub.permit(&caller("bob"), id, Action::Read).await.unwrap();
        desk.hub.read_project(&caller("bob"), id).await.unwrap();
    }
    assert_eq!(store.reads().projects.load(Ordering::SeqCst), 1);
    let figures = desk.hub.cache_figures(&caller("ann")).await.unwrap()[0].1;
    assert!(figures.hits + figures.confirmed == 999 && figures.loads == 1, "{figures:?}");
}

async fn a_theme_written_on_one_hub_is_read_on_another_with_the_bus_and_without(database: &Database) {
    let shared = own_bus();
    for (name, bus) in [("with", Some(shared)), ("without", None)] {
        let bus = || bus.clone().unwrap_or_else(own_bus);
        let here = Desk::of(parts(database.store().await, bus(), Keys::Open));
        let there = Desk::of(parts(database.store().await, bus(), Keys::Open));
        let read = async |desk: &Desk| desk.hub.read_theme(&caller("bob"), name).await.ok().map(|(_, json)| json);
        assert_eq!((read(&here).await, read(&there).await), (None, None));
        for json in ["{}", r#"{"colors":{}}"#] {
            here.hub.write_theme(&caller("ann"), name.to_owned(), json.to_owned()).await.unwrap();
            assert_eq!(read(&here).await.as_deref(), Some(json));
            until("the other hub has it", async || (read(&there).await.as_deref() == Some(json)).then_some(())).await;
        }
    }
}
