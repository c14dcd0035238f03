use std::io::Write;
use std::net::{TcpListener, TcpStream};

use wayfare_graph::RemoteError;

use super::*;

/// A server that does with each connection what it is told to, and its URL.
fn fake(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("redis://:hunter2@{}", listener.local_addr().unwrap());
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    url
}

/// Answers every command with what stands in turn, the last of it again and again.
fn answering(answers: &'static [&'static str]) -> impl Fn(TcpStream) {
    move |mut stream| {
        let mut commands = stream.try_clone().unwrap();
        let mut parser = redis::Parser::new();
        for answer in answers.iter().chain(std::iter::repeat(answers.last().unwrap())) {
            let is_asked = parser.parse_value(&mut commands).is_ok();
            if !is_asked || stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn refused(url: &str, options: RedisOptions) -> RemoteError {
    let begun = Instant::now();
    let error = RedisCache::open(url, options).unwrap_err();
    assert!(begun.elapsed() < PATIENCE);
    assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{error}");
    error
}

/// Options for servers that never answer in full.
fn in_haste() -> RedisOptions {
    let mut options = options("p");
    options.connect_timeout = Duration::from_millis(300);
    options
}

#[test]
fn the_right_password_opens_and_a_wrong_one_is_refused() {
    let Some(redis) = Redis::start_with_password("p@ss:word") else { return };
    let one = open(&redis, "p");
    block_on(async { set(&one, "a", "", &[]).await });
    assert_eq!(one.describe(), format!("redis://:***@127.0.0.1:{}", redis.port()));
    assert!(!format!("{one:?}").contains("word"));
    for url in [redis.url_with("hunter2"), format!("redis://127.0.0.1:{}", redis.port())] {
        for optional in [false, true] {
            let mut options = options("p");
            options.optional = optional;
            let error = refused(&url, options);
            assert!(matches!(error, RemoteError::Refused { .. }), "{error}");
        }
    }
}

#[test]
fn wrong_urls_and_prefixes_are_errors_even_where_the_cache_is_optional() {
    for (url, prefix) in [
        ("http://:hunter2@localhost", "p"),
        ("rediss://:hunter2@localhost", "p"),
        ("redis://:hunter2@localhost:port", "p"),
        ("redis://:hunter2@localhost", "a:b"),
        ("redis://:hunter2@localhost", ""),
    ] {
        let mut options = options(prefix);
        options.optional = true;
        let error = refused(url, options);
        assert!(matches!(error, RemoteError::Url { .. }), "{error}");
    }
}

#[test]
fn where_nobody_is_it_is_away_at_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("redis://:hunter2@{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refused(&url, options("p"));
    assert!(matches!(error, RemoteError::Away { .. }), "{error}");
}

#[test]
fn an_optional_cache_opens_without_a_server_and_finds_it_later() {
    let Some(redis) = Redis::start() else { return };
    redis.kill();
    let mut options = options("p");
    options.optional = true;
    let one = RedisCache::open(&redis.url(), options).unwrap();
    let heard = heard(&one);
    let error = block_on(one.health()).unwrap_err();
    assert!(matches!(error, RemoteError::Away { .. }), "{error}");
    redis.restart();
    assert_eq!(heard.next(), RemoteChange::Back);
    block_on(async {
        set(&one, "a", "1", &[]).await;
        assert_eq!(value(&one, "a").await.as_deref(), Some("1"));
    });
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let url = fake(|stream| {
        std::thread::sleep(PATIENCE);
        drop(stream);
    });
    let error = refused(&url, in_haste());
    assert!(matches!(&error, RemoteError::Away { reason, .. } if reason.contains("300ms")), "{error}");
}

#[test]
fn a_server_that_speaks_something_else_is_told_to_do_so() {
    for answer in [
        &["HTTP/1.1 400 Bad Request\r\n\r\n"][..],
        &["\0\0\0\0\0\x01\x02\x03nonsense\r\n"],
        &["$99999999999999999999\r\n"],
        &["*-7\r\n%-3\r\n"],
        &[":1\r\n"],
        &["+OK\r\n"],
        &["_\r\n"],
    ] {
        let error = refused(&fake(answering(answer)), options("p"));
        assert!(matches!(error, RemoteError::Garbage { .. }), "{answer:?}: {error:?}");
    }
    // Announces more than it sends.
    let error = refused(&fake(answering(&["$1000000000\r\nx"])), in_haste());
    assert!(matches!(error, RemoteError::Away { .. }), "{error:?}");
    let error = refused(&fake(drop), options("p"));
    assert!(matches!(error, RemoteError::Away { .. }), "{error:?}");
}

/// An answer to `TIME`.
const TIME: &str = "*2\r\n$1\r\n1\r\n$1\r\n0\r\n";

#[test]
fn a_connection_over_which_nonsense_comes_is_given_up_and_made_again() {
    // To the greeting, the name and version of the client, the tracking, the time, the scripts.
    let answers = &[
        "+OK\r\n",
        "+OK\r\n",
        "+OK\r\n",
        "+OK\r\n",
        TIME,
        "$1\r\na\r\n",
        "$1\r\nb\r\n",
        "$1\r\nc\r\n",
        "nonsense\r\n",
    ];
    let one = RedisCache::open(&fake(answering(answers)), options("p")).unwrap();
    let heard = heard(&one);
    for _ in 0..3 {
        assert_eq!(heard.next(), RemoteChange::Back);
        let error = block_on(one.health()).unwrap_err();
        assert!(matches!(error, RemoteError::Garbage { .. } | RemoteError::Away { .. }), "{error:?}");
        assert_eq!(heard.next(), RemoteChange::Lost);
    }
    let answers = &[
        "+OK\r\n",
        "+OK\r\n",
        "+OK\r\n",
        "+OK\r\n",
        TIME,
        "$1\r\na\r\n",
        "$1\r\nb\r\n",
        "$1\r\nc\r\n",
        ":7\r\n",
    ];
    let one = RedisCache::open(&fake(answering(answers)), options("p")).unwrap();
    block_on(async {
        let error = one.look_up(&[LookUp { key: "a".into(), tags: vec![] }]).await.unwrap_err();
        assert!(matches!(error, RemoteError::Garbage { .. }), "{error:?}");
    });
}

#[test]
fn a_server_that_is_too_old_is_told_what_it_lacks() {
    for answers in [
        &["-ERR unknown command `HELLO`, with args beginning with: `3`\r\n"][..],
        &["-ERR unknown command 'HELLO'\r\n"],
        &[
            "+OK\r\n",
            "+OK\r\n",
            "+OK\r\n",
            "-ERR Unknown subcommand or wrong number of arguments for 'TRACKING'\r\n",
        ],
    ] {
        let error = refused(&fake(answering(answers)), options("p"));
        let RemoteError::Refused { reason, .. } = &error else { panic!("{error:?}") };
        assert!(reason.contains("RESP3") && reason.contains("6.0"), "{reason}");
    }
    let error = refused(&fake(answering(&["-ERR the password is hunter2\r\n"])), options("p"));
    assert!(matches!(error, RemoteError::Refused { .. }), "{error:?}");
}

#[test]
fn a_cache_outlives_the_runtime_in_which_it_was_opened() {
    let Some(redis) = Redis::shared() else { return };
    let prefix = unique_prefix("cache");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let one = runtime.block_on(async { open(redis, &prefix) });
    let heard = heard(&one);
    runtime.block_on(set(&one, "a", "1", &[]));
    // An executor without a clock may ask too.
    let clockless = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let peeked = clockless.block_on(one.peek(&["a", "b"])).unwrap();
    assert_eq!(&*peeked[0].as_ref().unwrap().value, b"1");
    assert!(peeked[0].as_ref().unwrap().left > HOUR / 2 && peeked[1].is_none());
    drop(runtime);
    block_on(eventually("it moves", async || one.health().await.is_ok()));
    assert_eq!(block_on(value(&one, "a")), Some("1".to_owned()));
    assert_eq!(heard.all(), [RemoteChange::Back, RemoteChange::Lost, RemoteChange::Back]);
}
