//! The promises of `Store`: the same bodies run against every backend.

mod commits;
mod compaction;
mod fidelity;
mod history;
mod holds;
mod postgres;
mod projects;
mod races;
mod scene;
mod sqlite;

/// Runs test bodies, each `async fn(&Database)`, on every backend, on a database of their own.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let database = crate::harness::database::Database::sqlite();
                    super::$name(&database).await;
                    database.drop().await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let database = crate::harness::database::Database::postgres().await;
                    super::$name(&database).await;
                    database.drop().await;
                }
            )+
        }
    };
}
pub(crate) use on_both;
