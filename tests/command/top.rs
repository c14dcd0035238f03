//! `wayfare top` beside a runtime of this process, and beside what is none.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wayfare::{Config, Here, Runtime, node, walker};

use crate::harness::{Place, Ran};

#[node]
struct Stop {
    name: String,
}

#[derive(Default)]
struct Pass;

#[walker]
impl Pass {
    #[on_visit]
    fn stop(&mut self, here: &Here<Stop>) {
        assert!(!here.name.is_empty());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs a command beside a runtime that walks and writes all the time, and gives how it ended.
fn beside_a_busy_runtime(run: impl FnOnce(&Place, SocketAddr) -> Ran) -> Ran {
    let place = Place::new();
    let url = format!("embedded:{}", place.path().join("busy").display());
    let config = Config::builder().store_url(url).observe_listen("127.0.0.1:0").build().unwrap();
    let runtime = Runtime::start(&config).unwrap();
    let address = runtime.observed_at().unwrap();
    let is_over = AtomicBool::new(false);
    let busy = async || {
        let stop = runtime.graph().create(Stop { name: "a".into() }).await.unwrap();
        while !is_over.load(Ordering::Relaxed) {
            runtime.spawn(Pass).at(stop.id()).await.unwrap().finish().await.unwrap();
            runtime.graph().update(stop.id(), |stop: &mut Stop| stop.name.push('a')).await.unwrap();
        }
    };
    thread::scope(|scope| {
        let busy = scope.spawn(|| block_on(busy()));
        let ran = run(&place, address);
        is_over.store(true, Ordering::Relaxed);
        busy.join().unwrap();
        ran
    })
}

/// Runs it until all sorts of work fell into its interval, in which a busy disk may not take a single commit.
fn until(is_busy: impl Fn(&Ran) -> bool, run: impl Fn() -> Ran) -> Ran {
    let begun = Instant::now();
    loop {
        let ran = run();
        if is_busy(&ran) || begun.elapsed() > Duration::from_secs(60) {
            return ran;
        }
    }
}

#[test]
fn one_page_tells_of_a_runtime_that_works() {
    let ran = beside_a_busy_runtime(|place, address| {
        until(
            |ran| !ran.out.contains("visits 0/s"),
            || place.run(&["top", "--once", "--interval-ms", "500", &address.to_string()]),
        )
    });
    let ran = ran.ended_with(0).silently();
    let first = ran.out.lines().next().unwrap_or_default();
    assert!(first.starts_with("wayfare at 127.0.0.1:") && first.contains("version"), "{}", ran.out);
    for part in
        ["health     well\n", "walks      alive", "writer     commits", "cache      resident", "mailboxes"]
    {
        assert!(ran.out.contains(part), "`{part}` is not in:\n{}", ran.out);
    }
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains("visits 0/s"), "{}", ran.out);
}

#[test]
fn json_has_rates_of_the_interval_and_states() {
    const RATES: [&str; 4] =
        ["/walks/visits_rate", "/walks/ended_rate", "/writers/commits_rate", "/writers/commit_seconds/p99"];
    let rate_in = |told: &Value, path: &str| told.pointer(path).and_then(Value::as_f64);
    let is_busy = |ran: &Ran| {
        let told: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        RATES.iter().all(|path| rate_in(&told, path).is_some_and(|rate| rate > 0.0))
    };
    let ran = beside_a_busy_runtime(|place, address| {
        let address = format!("http://{address}/");
        until(is_busy, || place.run(&["top", "--json", "--interval-ms", "500", &address]))
    });
    let told = ran.ended_with(0).json();
    let number = |path: &str| rate_in(&told, path).unwrap_or_else(|| panic!("{path}: {told}"));
    for path in RATES {
        assert!(number(path) > 0.0, "{path}: {told}");
    }
    assert!(number("/interval_seconds") >= 0.5 && number("/uptime_seconds") >= 0.5, "{told}");
    assert_eq!((&told["health"]["state"], &told["restarted"]), (&json!("well"), &json!(false)));
    assert_eq!(told["mailboxes"].as_array().map(Vec::len), Some(4));
}

#[test]
fn the_address_comes_from_the_settings() {
    beside_a_busy_runtime(|place, address| {
        place.file("config.toml", format!("[observe]\nlisten = \"{address}\"\n"));
        place.run(&["top", "--interval-ms", "50"])
    })
    .ended_with(0)
    .silently();
    Place::new()
        .run(&["top"])
        .ended_with(2)
        .says(&["`[observe] listen` is `none`", "wayfare top 127.0.0.1:9464"]);
    Place::new().run(&["top", "nowhere"]).ended_with(2).says(&["`nowhere` is no address", "`HOST:PORT`"]);
    Place::new().run(&["top", "--interval-ms", "1"]).ended_with(2);
}

#[test]
fn a_port_that_nobody_listens_on_is_an_error_that_names_it() {
    // Bound and closed again: no other program is given it for a while.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ran = Place::new().run(&["top", "--once", &address]).ended_with(1);
    ran.says(&["error: ", &format!("`{address}` is not reached")]);
}

/// A server that gives each connection the next answer and then stops listening.
fn serve(answers: Vec<String>) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let (last, mut listener) = (answers.len() - 1, Some(listener));
        for (at, answer) in answers.into_iter().enumerate() {
            let (mut stream, _) = listener.as_ref().unwrap().accept().unwrap();
            // Before the last answer: who has it finds nobody any more.
            listener.take_if(|_| at == last);
            read_request(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, serving)
}

/// Reads to the end of the head: closing a connection with bytes unread would throw away the answer too.
fn read_request(stream: &mut TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_server_that_answers_garbage_is_an_error_that_says_what_is_wrong() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned();
    for (answer, said) in [
        ("220 mail.example ESMTP\r\n".to_owned(), "does not answer in HTTP"),
        (String::new(), "does not answer in HTTP"),
        (cut, "does not answer in HTTP"),
        (http("404 Not Found", "no"), "answers with status 404: is it the `[observe] listen` of a runtime?"),
        (http("200 OK", "<html>"), "does not tell how a runtime is"),
        (http("200 OK", "{\"families\": []}"), "it has no `wayfare_uptime_seconds`"),
        (http("200 OK", &"[".repeat(1 << 20)), "does not tell how a runtime is"),
    ] {
        let (address, serving) = serve(vec![answer]);
        Place::new().run(&["top", "--once", &address]).ended_with(1).says(&[address.as_str(), said]);
        serving.join().unwrap();
    }
}

#[test]
fn a_server_that_is_gone_before_the_interval_is_over_is_an_error() {
    let uptime = json!({"name": "wayfare_uptime_seconds", "samples": [{"label": null, "value": 7.0}]});
    let figures = http("200 OK", &json!({"families": [uptime]}).to_string());
    let health = http("503 Service Unavailable", "{\"state\": \"failed\", \"reason\": \"stuck\"}");
    let (address, serving) = serve(vec![figures.clone(), health.clone()]);
    let ran = Place::new().run(&["top", "--once", "--interval-ms", "300", &address]).ended_with(1);
    ran.says(&[&format!("`{address}` is not reached")]);
    serving.join().unwrap();

    // The same server with more patience: a runtime that has failed is shown, and what it does not tell is nothing.
    let (address, serving) = serve(vec![figures.clone(), health.clone(), figures, health]);
    let ran = Place::new().run(&["top", "--once", "--interval-ms", "50", &address]).ended_with(0).silently();
    assert!(ran.out.contains("health     failed: stuck\n"), "{}", ran.out);
    serving.join().unwrap();
}
