//! With TLS: the same sockets and calls, and plain requests are sent on to it.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::behind_both;
use super::scene::{Scene, hello};
use super::stand_in::{Manner, StandIn};
use crate::harness::balancer::{Balancer, Front, Kind};

behind_both!(sockets_and_calls_go_through_tls, plain_requests_are_sent_on_to_tls, the_hub_is_told_that_it_was_tls,);

/// An address that leads into TLS with this balancer, whose certificate must be the right one.
async fn tunnel(balancer: &Balancer) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&balancer.certificate()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let (listener, to) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), balancer.at.tls.clone());
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let far = TcpStream::connect(&to).await.unwrap();
            let mut far = connector.connect(ServerName::try_from("localhost").unwrap(), far).await.unwrap();
            // Whoever hangs up first ends it.
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    address
}

async fn sockets_and_calls_go_through_tls(kind: Kind) {
    let scene = Scene::with(kind, Front::Tls, |text| text).await;
    let address = tunnel(&scene.balancer).await;
    let call = reqwest::Client::new().post(format!("http://{address}/api/projects"));
    let made = call.json(&serde_json::json!({"title": "Sealed"})).send().await.unwrap();
    let project = made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let (mut ann, _) = hello(&format!("ws://{address}/ws"), "ann").await;
    let (mut bob, _) = hello(&format!("ws://{address}/ws"), "bob").await;
    bob.join(&project).await;
    ann.join(&project).await;
    ann.insert(&project, "sealed").await;
    bob.reach(&project, 1).await;
    scene.database.drop().await;
}

async fn plain_requests_are_sent_on_to_tls(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = Balancer::start(kind, Front::Tls, &[&hub.address]).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let call = client.post(balancer.url("/api/projects?limit=1")).header("Host", "app.example");
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 308);
    assert_eq!(answer.headers()["location"], "https://app.example/api/projects?limit=1");
    assert!(hub.heads().is_empty());
}

async fn the_hub_is_told_that_it_was_tls(kind: Kind) {
    let hub = StandIn::start(Manner::Answers).await;
    let balancer = Balancer::start(kind, Front::Tls, &[&hub.address]).await;
    let address = tunnel(&balancer).await;
    reqwest::get(format!("http://{address}/")).await.unwrap();
    assert!(hub.heads()[0].contains("x-forwarded-proto: https\r\n"), "{:?}", hub.heads());
}
