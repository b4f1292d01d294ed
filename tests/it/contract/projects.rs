//! Projects, members, lists and themes.

use std::sync::Arc;

use blockhub::domain::access::{Access, Role};
use blockhub::domain::event::Change;
use blockhub::domain::ids::{ProjectId, UserId};
use blockhub::domain::sequence::{Seq, Timestamp};
use blockhub::store::{Committed, ListQuery, NewProject, ProjectChange, SharedProjects, Span, Store};
use uuid::Uuid;

use super::on_both;
use super::scene::{NOW, Scene, block, event, new_project};
use crate::harness::database::Database;

on_both!(
    a_new_project_is_there_with_its_owner,
    a_project_is_created_once,
    a_project_that_is_created_with_blocks_has_them_as_its_first_event,
    a_project_is_seen_with_the_role_of_who_asks,
    a_change_changes_what_it_names_and_nothing_else,
    a_deleted_project_is_hidden_until_it_is_recovered,
    ac2_the_revision_rises_with_whatever_members_see,
    ac2_what_changes_nothing_is_answered_so,
    members_come_by_name,
    heads_leave_out_what_is_not_there,
    a_list_shows_ones_own_newest_change_first,
    a_list_goes_on_where_the_last_one_ended,
    a_list_shows_shared_projects_only_where_asked,
    a_theme_belongs_to_who_wrote_it_first,
    ed14_a_new_epoch_for_all_is_one_for_deleted_projects_too,
    unknown_projects_are_answered_with_nothing,
);

async fn a_new_project_is_there_with_its_owner(database: &Database) {
    let store = database.store().await;
    let project = new_project("ann");
    assert!(store.create(&project).await.unwrap());
    let opened = store.open(project.id).await.unwrap().unwrap();
    assert_eq!((opened.info.id, opened.info.title.as_str(), opened.info.access), (project.id, "Plans", Access::None));
    assert_eq!((opened.info.epoch.log, opened.info.seq, opened.info.theme), (project.log, Seq(0), None));
    assert_eq!((opened.info.created, opened.info.updated, opened.info.deleted), (NOW, NOW, None));
    assert_eq!((opened.project.len(), opened.log_start), (0, Seq(0)));
    assert_eq!(opened.members, vec![(UserId::from("ann"), Role::Owner)]);
    assert!(store.check().await.is_ok());
}

async fn a_project_is_created_once(database: &Database) {
    let store = database.store().await;
    let project = new_project("ann");
    let other = NewProject { title: "Other".into(), owner: UserId::from("bob"), ..project.clone() };
    assert!(store.create(&project).await.unwrap());
    assert!(!store.create(&other).await.unwrap());
    let opened = store.open(project.id).await.unwrap().unwrap();
    assert_eq!(opened.info.title, "Plans");
    assert_eq!(opened.members, vec![(UserId::from("ann"), Role::Owner)]);
}

async fn a_project_that_is_created_with_blocks_has_them_as_its_first_event(database: &Database) {
    let store = database.store().await;
    let blocks = [block("a0"), block("a1")];
    let first = event(blocks.iter().map(|block| Change::Insert { block: block.clone() }).collect());
    let project = NewProject { first: Some(first.clone()), ..new_project("ann") };
    assert!(store.create(&project).await.unwrap());
    let opened = store.open(project.id).await.unwrap().unwrap();
    assert_eq!((opened.info.seq, opened.project.tree_seq), (Seq(1), Seq(1)));
    assert_eq!(opened.project.in_order().into_iter().map(|block| (**block).clone()).collect::<Vec<_>>(), blocks);
    assert_eq!(store.events(project.id, Span::After(Seq(0)), 9).await.unwrap(), vec![Arc::new(first)]);
}

async fn a_project_is_seen_with_the_role_of_who_asks(database: &Database) {
    let scene = Scene::new(database).await;
    let seen = async |user| scene.store.project(scene.project, &UserId::from(user)).await.unwrap().unwrap();
    assert_eq!((seen("ann").await.role, seen("bob").await.role), (Some(Role::Owner), None));
    assert_eq!(seen("bob").await.info, scene.store.open(scene.project).await.unwrap().unwrap().info);
    assert!(scene.store.set_member(scene.project, &UserId::from("bob"), Some(Role::Viewer)).await.unwrap());
    assert_eq!(seen("bob").await.role, Some(Role::Viewer));
}

async fn a_change_changes_what_it_names_and_nothing_else(database: &Database) {
    let scene = Scene::new(database).await;
    let later = Timestamp(NOW.0 + 1);
    let change = async |change: ProjectChange| {
        assert!(scene.store.change(scene.project, &change, later).await.unwrap());
        scene.store.open(scene.project).await.unwrap().unwrap().info
    };
    let info = change(ProjectChange { title: Some("Notes".into()), ..Default::default() }).await;
    assert_eq!((info.title.as_str(), info.access, info.theme, info.updated), ("Notes", Access::None, None, later));
    let info = change(ProjectChange { access: Some(Access::Editor), ..Default::default() }).await;
    assert_eq!((info.title.as_str(), info.access, info.theme), ("Notes", Access::Editor, None));
    let info = change(ProjectChange { theme: Some(Some("dark".into())), ..Default::default() }).await;
    assert_eq!((info.title.as_str(), info.access, info.theme.as_deref()), ("Notes", Access::Editor, Some("dark")));
    let info = change(ProjectChange { title: Some("Last".into()), ..Default::default() }).await;
    assert_eq!((info.title.as_str(), info.theme.as_deref()), ("Last", Some("dark")));
    assert_eq!(change(ProjectChange { theme: Some(None), ..Default::default() }).await.theme, None);
}

async fn a_deleted_project_is_hidden_until_it_is_recovered(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, _) = scene.with_block().await;
    let ann = UserId::from("ann");
    assert!(scene.store.set_deleted(scene.project, Some(NOW)).await.unwrap());
    assert!(!scene.store.set_deleted(scene.project, Some(NOW)).await.unwrap());
    assert!(scene.store.open(scene.project).await.unwrap().is_none());
    assert_eq!(scene.store.heads(&[scene.project]).await.unwrap(), vec![]);
    assert_eq!(scene.store.projects(&list("ann")).await.unwrap(), vec![]);
    assert!(!scene.store.change(scene.project, &ProjectChange::default(), NOW).await.unwrap());
    let seen = scene.store.project(scene.project, &ann).await.unwrap().unwrap();
    assert_eq!((seen.info.deleted, seen.role), (Some(NOW), Some(Role::Owner)));

    assert!(scene.store.set_deleted(scene.project, None).await.unwrap());
    assert!(!scene.store.set_deleted(scene.project, None).await.unwrap());
    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!((opened.info.deleted, opened.project.get(block.id).is_some()), (None, true));
}

async fn ac2_the_revision_rises_with_whatever_members_see(database: &Database) {
    let scene = Scene::new(database).await;
    let (store, id, bob) = (&scene.store, scene.project, UserId::from("bob"));
    let revision = async || store.heads(&[id]).await.unwrap()[0].revision;
    let mut last = revision().await;
    let mut rose = async |what: &str| {
        let now = revision().await;
        assert!(now > last, "{what}");
        assert_eq!(store.open(id).await.unwrap().unwrap().revision, now);
        last = now;
    };
    store.change(id, &ProjectChange { title: Some("x".into()), ..Default::default() }, NOW).await.unwrap();
    rose("a rename").await;
    store.set_member(id, &bob, Some(Role::Viewer)).await.unwrap();
    rose("a member").await;
    store.set_member(id, &bob, Some(Role::Editor)).await.unwrap();
    rose("a role").await;
    store.set_member(id, &bob, None).await.unwrap();
    rose("a member less").await;
    store.set_deleted(id, Some(NOW)).await.unwrap();
    store.set_deleted(id, None).await.unwrap();
    rose("a recovery").await;
}

async fn ac2_what_changes_nothing_is_answered_so(database: &Database) {
    let scene = Scene::new(database).await;
    let (store, id, bob) = (&scene.store, scene.project, UserId::from("bob"));
    let before = store.heads(&[id]).await.unwrap();
    assert!(!store.set_member(id, &bob, None).await.unwrap());
    assert!(!store.set_member(id, &UserId::from("ann"), Some(Role::Owner)).await.unwrap());
    assert_eq!(store.heads(&[id]).await.unwrap(), before);
}

async fn members_come_by_name(database: &Database) {
    let scene = Scene::new(database).await;
    for (user, role) in [("zoe", Role::Viewer), ("Bob", Role::Editor), ("éva", Role::Owner), ("ann", Role::Viewer)] {
        assert!(scene.store.set_member(scene.project, &UserId::from(user), Some(role)).await.unwrap());
    }
    let expected = [("Bob", Role::Editor), ("ann", Role::Viewer), ("zoe", Role::Viewer), ("éva", Role::Owner)];
    let expected: Vec<_> = expected.map(|(user, role)| (UserId::from(user), role)).into();
    assert_eq!(scene.store.members(scene.project).await.unwrap(), expected);
    assert_eq!(scene.store.open(scene.project).await.unwrap().unwrap().members, expected);
}

async fn heads_leave_out_what_is_not_there(database: &Database) {
    let scene = Scene::new(database).await;
    let other = Scene::on(Arc::clone(&scene.store)).await;
    scene.with_block().await;
    let mut heads = scene.store.heads(&[other.project, ProjectId(Uuid::new_v4()), scene.project]).await.unwrap();
    heads.sort_by_key(|head| head.seq);
    let found: Vec<_> = heads.iter().map(|head| (head.project, head.seq, head.epoch)).collect();
    assert_eq!(found, vec![(other.project, Seq(0), other.epoch), (scene.project, Seq(1), scene.epoch)]);
    assert_eq!(scene.store.heads(&[]).await.unwrap(), vec![]);
}

/// A list of all that a user is a member of.
fn list(user: &str) -> ListQuery {
    ListQuery { user: UserId::from(user), also: vec![], shared: SharedProjects::Unlisted, limit: 100, after: None }
}

/// A project created at a time.
async fn created(store: &dyn Store, owner: &str, access: Access, ms: i64) -> ProjectId {
    let project = NewProject { at: Timestamp(ms), access, ..new_project(owner) };
    assert!(store.create(&project).await.unwrap());
    project.id
}

async fn listed(store: &dyn Store, query: &ListQuery) -> Vec<ProjectId> {
    store.projects(query).await.unwrap().into_iter().map(|found| found.info.id).collect()
}

async fn a_list_shows_ones_own_newest_change_first(database: &Database) {
    let store = &*database.store().await;
    let oldest = created(store, "ann", Access::None, 1).await;
    let newest = created(store, "ann", Access::None, 3).await;
    let bobs = created(store, "bob", Access::None, 2).await;
    created(store, "bob", Access::Editor, 5).await;
    assert_eq!(listed(store, &list("ann")).await, vec![newest, oldest]);

    let found = store.projects(&ListQuery { also: vec![bobs, oldest], ..list("ann") }).await.unwrap();
    let found: Vec<_> = found.iter().map(|found| (found.info.id, found.role)).collect();
    assert_eq!(found, vec![(newest, Some(Role::Owner)), (bobs, None), (oldest, Some(Role::Owner))]);

    store.change(oldest, &ProjectChange::default(), Timestamp(9)).await.unwrap();
    assert_eq!(listed(store, &list("ann")).await, vec![oldest, newest]);
}

async fn a_list_goes_on_where_the_last_one_ended(database: &Database) {
    let store = &*database.store().await;
    let mut all = vec![];
    for ms in [5, 5, 5, 7, 1, 7] {
        all.push((Timestamp(ms), created(store, "ann", Access::None, ms).await));
    }
    all.sort_unstable();
    all.reverse();
    let (mut found, mut after) = (vec![], None);
    loop {
        let part = store.projects(&ListQuery { limit: 2, after, ..list("ann") }).await.unwrap();
        let Some(last) = part.last() else { break };
        after = Some((last.info.updated, last.info.id));
        found.extend(part.iter().map(|found| (found.info.updated, found.info.id)));
    }
    assert_eq!(found, all);
}

async fn a_list_shows_shared_projects_only_where_asked(database: &Database) {
    let store = &*database.store().await;
    let open = created(store, "bob", Access::Viewer, 1).await;
    created(store, "bob", Access::None, 2).await;
    assert_eq!(listed(store, &list("ann")).await, vec![]);
    assert_eq!(listed(store, &ListQuery { shared: SharedProjects::Listed, ..list("ann") }).await, vec![open]);
}

async fn a_theme_belongs_to_who_wrote_it_first(database: &Database) {
    let store = database.store().await;
    let (ann, bob) = (UserId::from("ann"), UserId::from("bob"));
    assert_eq!(store.theme("dark").await.unwrap(), None);
    assert!(store.put_theme("dark", &ann, r#"{"ink":"white"}"#, NOW).await.unwrap());
    assert!(!store.put_theme("dark", &bob, "{}", NOW).await.unwrap());
    assert_eq!(store.theme("dark").await.unwrap(), Some((ann.clone(), r#"{"ink":"white"}"#.to_owned())));
    assert!(store.put_theme("dark", &ann, "{}", NOW).await.unwrap());
    assert_eq!(store.theme("dark").await.unwrap(), Some((ann, "{}".to_owned())));
}

async fn ed14_a_new_epoch_for_all_is_one_for_deleted_projects_too(database: &Database) {
    let kept = Scene::new(database).await;
    let deleted = Scene::on(Arc::clone(&kept.store)).await;
    kept.store.set_deleted(deleted.project, Some(NOW)).await.unwrap();
    assert_eq!(kept.store.bump_all_epochs(7).await.unwrap(), 2);
    kept.store.set_deleted(deleted.project, None).await.unwrap();
    for scene in [&kept, &deleted] {
        let epoch = kept.store.heads(&[scene.project]).await.unwrap()[0].epoch;
        assert_eq!((epoch.log, epoch.timeline), (7, scene.epoch.timeline));
        assert_eq!(scene.try_commit(scene.commit(None, vec![], vec![])).await, Committed::Stale);
    }
}

async fn unknown_projects_are_answered_with_nothing(database: &Database) {
    let scene = Scene::new(database).await;
    let (store, ann) = (&scene.store, UserId::from("ann"));
    let unknown = Scene { store: Arc::clone(store), project: ProjectId(Uuid::new_v4()), epoch: scene.epoch };
    let id = unknown.project;
    assert_eq!(store.project(id, &ann).await.unwrap(), None);
    assert!(store.open(id).await.unwrap().is_none());
    assert!(!store.change(id, &ProjectChange::default(), NOW).await.unwrap());
    assert!(!store.set_deleted(id, Some(NOW)).await.unwrap());
    assert!(!store.set_member(id, &ann, Some(Role::Owner)).await.unwrap());
    assert!(!store.bump_epoch(id, 1).await.unwrap());
    assert_eq!(store.members(id).await.unwrap(), vec![]);
    assert_eq!(store.events(id, Span::Before(None), 9).await.unwrap(), vec![]);
    assert_eq!(unknown.try_commit(unknown.commit(None, vec![], vec![])).await, Committed::Gone);
}
