//! Figures and health over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use wayfare::{Config, Error, ObserveError, Runtime};

use crate::walks::stage::{Stage, until};

/// What a client is answered: status, headers, body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

async fn ask(address: SocketAddr, method: &'static str, path: &'static str) -> Answer {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    });
    asked.await.unwrap()
}

fn listening() -> (Stage, SocketAddr) {
    let stage = Stage::with(|config| config.observe_listen("127.0.0.1:0"));
    let address = stage.runtime.observed_at().unwrap();
    assert_ne!(address.port(), 0);
    (stage, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_health_and_readiness_are_served() {
    let (stage, address) = listening();
    stage.draw("a>b").await;
    stage.trail("a").await;
    let answer = ask(address, "GET", "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    assert!(answer.body.contains("\nwayfare_visits_total 2\n"), "{}", answer.body);

    let answer = ask(address, "GET", "/metrics.json").await;
    let snapshot: Value = serde_json::from_str(&answer.body).unwrap();
    let visits = snapshot["families"].as_array().unwrap().iter();
    let visits = visits.clone().find(|family| family["name"] == "wayfare_visits_total").unwrap();
    assert_eq!(visits["samples"][0]["value"], 2.0);

    let answer = ask(address, "GET", "/health").await;
    let health: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &health["state"]), (200, &Value::from("well")), "{health}");
    assert_eq!(health["parts"].as_array().unwrap().len(), 5);

    let answer = ask(address, "GET", "/ready").await;
    let ready: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &ready["ready"]), (200, &Value::from(true)), "{ready}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_paths_and_methods_are_refused() {
    let (_stage, address) = listening();
    assert_eq!(ask(address, "GET", "/secrets").await.status, 404);
    let answer = ask(address, "POST", "/metrics").await;
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
    let answer = ask(address, "HEAD", "/metrics").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_ends_with_the_runtime_and_does_not_keep_it() {
    let (stage, address) = listening();
    let core = stage.runtime.handle().downgrade();
    stage.runtime.clone().shutdown().await;
    TcpStream::connect(address).unwrap_err();

    let again = listening();
    let (other, address) = (again.0.runtime.handle().downgrade(), again.1);
    // Dropping drains, which may not be done where an executor runs.
    tokio::task::spawn_blocking(move || drop(again)).await.unwrap();
    assert!(other.upgrade().is_none());
    until(async || TcpStream::connect(address).is_err()).await;
    drop(stage);
    assert!(core.upgrade().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_is_told_at_the_start() {
    let (_stage, address) = listening();
    let folder = tempfile::tempdir().unwrap();
    let config = Config::builder()
        .store_url(format!("embedded:{}", folder.path().join("store").display()))
        .observe_listen(address.to_string())
        .build()
        .unwrap();
    let refused = tokio::task::spawn_blocking(move || Runtime::start(&config).map(drop)).await.unwrap();
    match refused {
        Err(Error::Observe(ObserveError::Listen { address: told, .. })) => assert_eq!(told, address),
        other => panic!("{other:?}"),
    }
    Config::builder().observe_listen("everywhere").build().unwrap_err();
}
