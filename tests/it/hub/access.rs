//! Who may what, and what happens when that changes.

use std::sync::Arc;

use blockhub::bus::local::LocalBus;
use blockhub::domain::access::{Access, Principal, Role, Tier};
use blockhub::domain::event::{Actor, ActorKind};
use blockhub::domain::ids::{RequestId, UserId};
use blockhub::domain::sequence::Timestamp;
use blockhub::hub::clock::now;
use blockhub::hub::context::{Context, Via};
use blockhub::hub::{Intent, Outcome};
use blockhub::protocol::code::{CloseCode, ErrorCode};
use blockhub::protocol::message::decode::decode_edit;
use blockhub::store::ProjectChange;
use blockhub::transport::auth::{Keys, TokenKey, sign};
use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, Peer, fresh, parts};

const SECRET: &str = "a secret of the tests, long enough";

on_both!(
    ac1_a_role_is_the_highest_of_token_membership_and_access,
    ac2_a_role_that_is_withdrawn_counts_within_a_second_also_unannounced,
    ac3_losing_access_ends_the_room_and_not_the_connection,
    ac3_a_deleted_project_ends_the_room_and_a_renamed_one_is_told,
    ac3_what_was_asked_of_a_room_that_ends_is_answered_with_not_found,
    ed2_an_edit_of_before_is_answered_even_when_the_role_is_gone,
    ac1_a_stranger_who_knows_an_edit_id_learns_nothing_of_the_project,
    cn7_no_edit_is_applied_after_the_end_of_the_token,
    cn7_the_end_is_announced_and_a_refresh_moves_it,
);

async fn with_tokens(database: &Database) -> Desk {
    let keys = Keys::Token(TokenKey::secret(SECRET));
    Desk::of(parts(database.store().await, Arc::new(LocalBus::default()), keys))
}

fn token(user: &str, projects: &[(&str, Role)], expires: Timestamp) -> String {
    let principal = Principal {
        actor: Arc::new(Actor { id: UserId::from(user), name: None, kind: ActorKind::Human }),
        tier: Tier::Free,
        admin: false,
        projects: Arc::new(projects.iter().map(|(id, role)| (id.parse().unwrap(), *role)).collect()),
        expires: Some(expires),
    };
    sign(&principal, now(), SECRET).unwrap()
}

async fn greeted(desk: &Desk, token: String) -> Peer {
    let mut peer = desk.stranger();
    let welcome = peer.ask(json!({"type": "hello", "token": token})).await;
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    peer
}

/// A user with an hour to go.
async fn user(desk: &Desk, name: &str, projects: &[(&str, Role)]) -> Peer {
    greeted(desk, token(name, projects, now().plus_ms(3_600_000))).await
}

async fn join(peer: &mut Peer, project: &str) -> Value {
    peer.ask(json!({"type": "join", "project": project})).await
}

fn insert() -> Value {
    json!([{"op": "insert", "block": fresh(), "kind": "text", "parent": null, "after": null, "content": {}}])
}

async fn ac1_a_role_is_the_highest_of_token_membership_and_access(database: &Database) {
    let desk = with_tokens(database).await;
    let project = desk.project_of("ann", Access::None).await;
    let mut stranger = user(&desk, "eve", &[]).await;
    assert_eq!(join(&mut stranger, &project).await["code"], "not_found");
    let mut owner = user(&desk, "ann", &[(&project, Role::Viewer)]).await;
    assert_eq!(join(&mut owner, &project).await["role"], "owner");
    let mut viewer = user(&desk, "vic", &[(&project, Role::Viewer)]).await;
    assert_eq!(join(&mut viewer, &project).await["role"], "viewer");
    assert_eq!(viewer.edit(&project, insert()).await["code"], "forbidden");
    let undo = json!({"type": "undo", "project": project, "target": fresh(), "editId": fresh()});
    assert_eq!(viewer.ask(undo).await["code"], "forbidden");
    viewer.say(json!({"type": "signal", "project": project, "event": "wave", "data": {"hi": 1}})).await;
    let signal = owner.hear("signal").await;
    assert_eq!((&signal["from"]["user"]["id"], &signal["data"]), (&json!("vic"), &json!({"hi": 1})));
    assert_eq!(viewer.ask(json!({"type": "history", "project": project})).await["type"], "history");
    let shared = desk.project_of("ann", Access::Editor).await;
    assert_eq!(join(&mut stranger, &shared).await["role"], "editor");
    assert_eq!(stranger.edit(&shared, insert()).await["type"], "ack");
}

async fn ac2_a_role_that_is_withdrawn_counts_within_a_second_also_unannounced(database: &Database) {
    let desk = with_tokens(database).await;
    let project = desk.project_of("ann", Access::None).await;
    let (id, bob) = (project.parse().unwrap(), UserId::from("bob"));
    desk.store.set_member(id, &bob, Some(Role::Editor)).await.unwrap();
    let mut peer = user(&desk, "bob", &[]).await;
    assert_eq!(join(&mut peer, &project).await["role"], "editor");
    // Another program does it: nobody tells the hub.
    desk.store.set_member(id, &bob, Some(Role::Viewer)).await.unwrap();
    assert_eq!(peer.hear("role").await["role"], "viewer");
    assert_eq!(peer.edit(&project, insert()).await["code"], "forbidden");
    // This hub does it.
    desk.store.set_member(id, &bob, None).await.unwrap();
    desk.hub.changed(id).await;
    assert_eq!(peer.hear("left").await["reason"], "forbidden");
}

async fn ac3_losing_access_ends_the_room_and_not_the_connection(database: &Database) {
    let desk = with_tokens(database).await;
    let project = desk.project_of("ann", Access::Editor).await;
    let mut peer = user(&desk, "bob", &[]).await;
    join(&mut peer, &project).await;
    let id = project.parse().unwrap();
    let change = ProjectChange { access: Some(Access::None), ..ProjectChange::default() };
    desk.store.change(id, &change, now()).await.unwrap();
    desk.hub.changed(id).await;
    let left = peer.hear("left").await;
    assert_eq!((&left["reason"], &left["project"]), (&json!("forbidden"), &json!(project)));
    assert_eq!(peer.edit(&project, insert()).await["code"], "not_joined");
    assert_eq!(join(&mut peer, &project).await["code"], "not_found");
    assert_eq!(peer.ask(json!({"type": "ping"})).await["type"], "pong");
}

async fn ac3_a_deleted_project_ends_the_room_and_a_renamed_one_is_told(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let id = project.parse().unwrap();
    let change = ProjectChange { title: Some("Another".into()), ..ProjectChange::default() };
    desk.store.change(id, &change, now()).await.unwrap();
    desk.hub.changed(id).await;
    let told = ann.hear("project").await;
    assert_eq!((&told["title"], &told["access"]), (&json!("Another"), &json!("editor")));
    // The theme is not in the message; who shows it reads it anew.
    desk.store.put_theme("night", &UserId::from("ann"), "{}", now()).await.unwrap();
    let change = ProjectChange { theme: Some(Some("night".into())), ..ProjectChange::default() };
    desk.store.change(id, &change, now()).await.unwrap();
    desk.hub.changed(id).await;
    assert_eq!(ann.hear("project").await["title"], "Another");
    desk.store.set_deleted(id, Some(now())).await.unwrap();
    let refused = ann.edit(&project, insert()).await;
    assert!(["not_found", "not_joined"].contains(&refused["code"].as_str().unwrap()), "{refused}");
    assert_eq!(ann.hear("left").await["reason"], "deleted");
    assert_eq!(join(&mut ann, &project).await["code"], "not_found");
    desk.store.set_deleted(id, None).await.unwrap();
    assert_eq!(join(&mut ann, &project).await["type"], "joined");
}

async fn ac3_what_was_asked_of_a_room_that_ends_is_answered_with_not_found(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    desk.store.set_deleted(project.parse().unwrap(), Some(now())).await.unwrap();
    // All of it is in the room before the first commit finds out.
    let mut asked = Vec::new();
    for _ in 0..5 {
        asked.push(ann.say(json!({"type": "edit", "project": project, "editId": fresh(), "ops": insert()})).await);
        asked.push(ann.say(json!({"type": "history", "project": project})).await);
    }
    for id in asked {
        let answer = ann.answer(&id).await;
        assert!(["not_found", "not_joined"].contains(&answer["code"].as_str().unwrap_or("")), "{answer}");
    }
}

async fn ed2_an_edit_of_before_is_answered_even_when_the_role_is_gone(database: &Database) {
    let desk = with_tokens(database).await;
    let project = desk.project_of("ann", Access::Viewer).await;
    let mut editor = user(&desk, "bob", &[(&project, Role::Editor)]).await;
    join(&mut editor, &project).await;
    let edit = json!({"type": "edit", "project": project, "editId": fresh(), "ops": insert()});
    let first = editor.ask(edit.clone()).await;
    assert_eq!(first["type"], "ack");
    let mut viewer = user(&desk, "bob", &[]).await;
    assert_eq!(join(&mut viewer, &project).await["role"], "viewer");
    let again = viewer.ask(edit).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&first["seq"], &json!(true)), "{again}");
    assert_eq!(viewer.edit(&project, insert()).await["code"], "forbidden");
}

async fn ac1_a_stranger_who_knows_an_edit_id_learns_nothing_of_the_project(database: &Database) {
    let desk = with_tokens(database).await;
    let project = desk.project_of("ann", Access::None).await;
    let mut ann = user(&desk, "ann", &[]).await;
    join(&mut ann, &project).await;
    let id = fresh();
    let edit = json!({"type": "edit", "project": project, "editId": id, "ops": insert()});
    assert_eq!(ann.ask(edit.clone()).await["type"], "ack");
    let body = decode_edit(&edit.to_string(), &desk.hub.limits).unwrap();
    let principal = Principal { admin: false, ..Principal::named(UserId::from("eve"), None) };
    let context = Context {
        request: RequestId(uuid::Uuid::new_v4()),
        principal,
        via: Via::Call { address: None },
        began: tokio::time::Instant::now(),
    };
    let outcome = desk.hub.submit(&context, project.parse().unwrap(), Intent::Edit(body)).await;
    assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.code == ErrorCode::NotFound), "{outcome:?}");
}

async fn cn7_no_edit_is_applied_after_the_end_of_the_token(database: &Database) {
    let desk = with_tokens(database).await;
    let project = desk.project_of("ann", Access::Editor).await;
    let expires = Timestamp((now().0 / 1000 + 2) * 1000);
    let mut peer = greeted(&desk, token("bob", &[], expires)).await;
    join(&mut peer, &project).await;
    // A flood until the end.
    let refused = loop {
        let answer = peer.edit(&project, insert()).await;
        if answer["type"] == "error" {
            break answer;
        }
        assert!(now() < expires.plus_ms(1_000), "an edit was applied after the end of the token");
    };
    assert_eq!(refused["code"], "unauthenticated");
    assert_eq!(peer.closes().await, CloseCode::Unauthenticated);
    let head = desk.head(&project).await;
    let last = desk.store.events(project.parse().unwrap(), blockhub::store::Span::Before(None), 1).await.unwrap();
    assert_eq!(last[0].seq, head);
    assert!(last[0].at < expires);
}

async fn cn7_the_end_is_announced_and_a_refresh_moves_it(database: &Database) {
    let desk = with_tokens(database).await;
    let mut peer = greeted(&desk, token("bob", &[], now().plus_ms(30_000))).await;
    assert_eq!(peer.connection.next_time(), Some(std::time::Duration::ZERO));
    peer.connection.on_time().await;
    peer.hear("tokenExpiring").await;
    let later = now().plus_ms(3_600_000);
    for (wrong, why) in [(token("eve", &[], later), "another user's"), ("nonsense".into(), "no token")] {
        let refused = peer.ask(json!({"type": "refresh", "token": wrong})).await;
        assert_eq!(refused["code"], "unauthenticated", "{why}");
    }
    let refreshed = peer.ask(json!({"type": "refresh", "token": token("bob", &[], later)})).await;
    assert_eq!(refreshed["type"], "refreshed", "{refreshed}");
    assert!(peer.connection.next_time().unwrap().as_secs() > 3_000);
}
