//! The promises of `Store`: the same bodies run against every backend.

mod commits;
mod fidelity;
mod history;
mod projects;
mod scene;
mod sharing;

/// Runs test bodies, each `async fn(&Database)`, on every backend, on a database of their own.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let database = crate::harness::database::Database::sqlite();
                    super::$name(&database).await;
                    database.drop().await;
                }
            )+
        }
        mod postgres {
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
use on_both;
