//! nginx and HAProxy, the real programs with the files of `deploy/`, in front of real hubs.
//!
//! Promises: both are held to the same tests, and what only one can do is said in its name.
//! Must never: reach a hub past the balancer, but to find out what the balancer did.

mod caching;
mod calls;
mod files;
mod limits;
mod scene;
mod sockets;
mod stand_in;
mod tls;

/// Runs test bodies, each `async fn(Kind)`, behind each balancer.
macro_rules! behind_both {
    ($($name:ident),+ $(,)?) => {
        mod behind_nginx {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::harness::balancer::Kind::Nginx).await;
                }
            )+
        }
        mod behind_haproxy {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::harness::balancer::Kind::Haproxy).await;
                }
            )+
        }
    };
}
pub(crate) use behind_both;
