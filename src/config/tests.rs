use std::error::Error as _;

use super::*;

/// What a range test needs of a row: a value just inside and just outside of each end, as TOML.
struct Ends {
    inside: Vec<String>,
    outside: Vec<String>,
}

fn ends(setting: &Setting) -> Ends {
    use super::setting::Range;
    if matches!(setting.allowed().range, Range::Switch) {
        let inside = setting.default() == "false";
        return Ends { inside: vec![(!inside).to_string(), inside.to_string()], outside: vec![] };
    }
    if matches!(setting.allowed().range, Range::Entities) {
        let outside = vec!["[\"A.B\"]".into(), "[\"City\", \"\"]".into()];
        return Ends { inside: vec!["[]".into(), "[\"City\", \"Root\"]".into()], outside };
    }
    if matches!(setting.allowed().range, Range::Fraction) {
        let (inside, outside) = (["1.0", "0.0"], ["1.5", "-0.5", "2"]);
        return Ends { inside: inside.map(Into::into).into(), outside: outside.map(Into::into).into() };
    }
    let (Range::Number(range) | Range::Bytes(range) | Range::PowerOfTwo(range)) = &setting.allowed().range
    else {
        return Ends { inside: vec!["\"x\"".into()], outside: vec!["\"\"".into(), "\" \"".into()] };
    };
    let mut ends = Ends { inside: vec![range.start().to_string()], outside: vec![] };
    // TOML knows no number below the smallest `i64` and none above the largest.
    ends.outside.push((i128::from(*range.start()) - 1).to_string());
    ends.inside.push(range.end().to_string());
    if *range.end() != settings::ANY {
        ends.outside.push((range.end() + 1).to_string());
    }
    ends
}

fn toml_of(key: &str, value: &str) -> String {
    let (section, name) = key.rsplit_once('.').unwrap();
    format!("[{section}]\n{name} = {value}\n")
}

fn load(path: Option<&Path>, if_present: &Path, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::load_from(path, if_present, variables)
}

/// The environment alone, over the defaults.
fn from_environment(variable: &str, value: &str) -> Result<Config, ConfigError> {
    load(None, Path::new("no such folder/config.toml"), &[(variable, value)])
}

/// Values of a table and of the tables in it.
fn values_in(table: &toml::Table) -> usize {
    table.values().map(|value| value.as_table().map_or(1, values_in)).sum()
}

#[test]
fn the_shipped_file_is_the_table_and_equals_the_defaults() {
    let shipped = include_str!("../../config.toml");
    assert_eq!(shipped, Config::defaults_toml(), "config.toml differs from the table in settings.rs");
    assert_eq!(Config::from_toml(shipped).unwrap(), Config::default());

    let listed: toml::Table = toml::from_str(shipped).unwrap();
    assert_eq!(values_in(&listed), settings().len());
    Config::default().check().unwrap();
}

#[test]
fn every_setting_reaches_its_own_field_from_file_and_environment() {
    for setting in settings() {
        // No default stands at the upper end.
        let value = ends(setting).inside.pop().unwrap();
        let config = Config::from_toml(&toml_of(setting.key(), &value)).unwrap();
        let by_variable = from_environment(&setting.variable(), value.trim_matches('"')).unwrap();
        assert_eq!(config, by_variable, "{setting:?}");
        for other in settings() {
            let shown = (other.show)(&config, &other.allowed().range);
            assert_eq!(
                shown != other.default(),
                other.key() == setting.key(),
                "{setting:?} {other:?} {shown}"
            );
        }
    }
}

#[test]
fn ranges_hold_at_both_ends() {
    for setting in settings() {
        let Ends { inside, outside } = ends(setting);
        for value in inside {
            Config::from_toml(&toml_of(setting.key(), &value)).unwrap();
            from_environment(&setting.variable(), value.trim_matches('"')).unwrap();
        }
        for value in outside {
            let results = [
                Config::from_toml(&toml_of(setting.key(), &value)),
                from_environment(&setting.variable(), value.trim_matches('"')),
            ];
            for result in results {
                let Err(ConfigError::OutOfRange { key, value: given, allowed, .. }) = result else {
                    panic!("{setting:?} took {value}: {result:?}")
                };
                assert_eq!((key.as_str(), given.as_str()), (setting.key(), value.trim_matches('"')));
                assert_eq!(allowed, setting.allowed().to_string());
            }
        }
    }
}

#[test]
fn each_layer_stands_over_the_one_below() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    assert_eq!(load(None, &file, &[]).unwrap().workers.turn_visits, 256);

    fs::write(&file, "[workers]\nturn_visits = 1\nmailbox = 1\n[limits]\nvisits = 1\n").unwrap();
    let by_file = load(None, &file, &[]).unwrap();
    assert_eq!((by_file.workers.turn_visits, by_file.workers.mailbox, by_file.limits.visits), (1, 1, 1));

    let variables =
        [("WAYFARE_WORKERS__TURN_VISITS", "2"), ("WAYFARE_WORKERS__MAILBOX", "2"), ("OTHER", "x")];
    let by_environment = load(None, &file, &variables).unwrap();
    let workers = &by_environment.workers;
    assert_eq!((workers.turn_visits, workers.mailbox, by_environment.limits.visits), (2, 2, 1));

    let by_builder = by_environment.to_builder().workers_turn_visits(3).build().unwrap();
    let workers = &by_builder.workers;
    assert_eq!((workers.turn_visits, workers.mailbox, by_builder.limits.visits), (3, 2, 1));
}

#[test]
fn a_given_file_is_read_instead_of_the_one_in_the_folder_and_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    let (here, given) = (folder.path().join("config.toml"), folder.path().join("given.toml"));
    fs::write(&here, "[writers]\nqueue = 7").unwrap();

    let error = load(Some(&given), &here, &[]).unwrap_err();
    assert!(matches!(&error, ConfigError::Unreadable { path, .. } if *path == given), "{error:?}");
    assert!(error.source().is_some());
    assert!(error.to_string().starts_with("cannot read settings file `"), "{error}");

    fs::write(&given, "[writers]\nbatch_size = 9").unwrap();
    let config = Config::load_from(Some(&given), &here, std::iter::empty()).unwrap();
    assert_eq!((config.writers.queue, config.writers.batch_size), (4096, 9));

    // A folder of that name is not "no file".
    assert!(matches!(load(None, folder.path(), &[]), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn a_syntax_error_names_file_and_line_and_quotes_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, "[store]\n\nurl = \"mongodb://ann:hush@host\n").unwrap();
    let error = load(None, &file, &[]).unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { line: Some(3), .. }), "{error:?}");
    assert!(error.to_string().contains("config.toml:3 is not TOML: "), "{error}");
    assert!(!format!("{error} {error:?}").contains("hush"));

    let twice = Config::from_toml("[store]\nurl = \"a\"\nurl = \"b\"").unwrap_err();
    assert!(twice.to_string().starts_with("line 3 of the settings is not TOML: duplicate key"), "{twice}");
}

#[test]
fn an_unknown_key_is_refused_with_line_and_nearest_known_key() {
    for (text, unknown, nearest, at) in [
        ("[workers]\nmailbox = 2\ncout = 3", "workers.cout", Some("workers.count"), 3),
        ("[worker]\ncount = 3", "worker.count", Some("workers.count"), 2),
        ("\n[worker]", "worker", Some("workers.count"), 2),
        ("workers = 3", "workers", Some("workers.count"), 1),
        ("visit_batch = 3", "visit_batch", Some("shards.visit_batch"), 1),
        ("[limits]\nbatch_size = 3", "limits.batch_size", Some("writers.batch_size"), 2),
        ("[writers]\nflush = 3", "writers.flush", Some("writers.flush_interval_ms"), 2),
        ("workers.cout = 3", "workers.cout", Some("workers.count"), 1),
        ("title = 'blog'", "title", None, 1),
        ("[params]\nauthor = 'ann'", "params.author", None, 2),
    ] {
        let error = Config::from_toml(text).unwrap_err();
        let ConfigError::UnknownKey { key, nearest: found, origin } = &error else {
            panic!("{text}: {error:?}")
        };
        assert_eq!((key.as_str(), found.as_deref()), (unknown, nearest), "{text}");
        assert_eq!(*origin, Origin::File { path: None, line: Some(at) }, "{text}");
    }
    assert_eq!(
        Config::from_toml("[workers]\ncout = 3").unwrap_err().to_string(),
        "`workers.cout` (line 2 of the settings) is no setting: did you mean `workers.count`?"
    );
    assert!(Config::from_toml("[workers]").is_ok(), "an empty section changes nothing");
}

#[test]
fn environment_variables_are_read_by_section_and_name() {
    let config = from_environment("WAYFARE_WORKERS__COUNT", "4").unwrap();
    assert_eq!(config.workers.count, OrAuto::Fixed(4));
    assert_eq!(from_environment("WAYFARE_WORKERS__COUNT", "auto").unwrap(), Config::default());
    assert_eq!(from_environment("WAYFARE_LIMITS__VISITS", "5_000").unwrap().limits.visits, 5000);
    let config = from_environment("WAYFARE_CACHE__RESIDENT_BYTES", "512 MiB").unwrap();
    assert_eq!(config.cache.resolved_resident_bytes(), 512 << 20);
    let config = from_environment("WAYFARE_STORE__URL", "embedded:a__b.db").unwrap();
    assert_eq!(config.store.url.as_str(), "embedded:a__b.db");

    assert_eq!(from_environment("WAYFARE_DATA", "/data").unwrap(), Config::default(), "is no setting");
    assert_eq!(from_environment("OTHER_WORKERS__COUNT", "x").unwrap(), Config::default());
}

#[test]
fn a_slip_in_a_variable_is_refused_with_the_variable_that_was_meant() {
    for (variable, meant) in [
        ("WAYFARE_WORKERS__COUTN", "WAYFARE_WORKERS__COUNT"),
        ("WAYFARE_WORKERS_COUNT", "WAYFARE_WORKERS__COUNT"),
        ("WAYFARE_STORE", "WAYFARE_STORE__URL"),
    ] {
        let error = from_environment(variable, "4").unwrap_err();
        assert!(matches!(&error, ConfigError::UnknownKey { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("(environment variable `{variable}`)")), "{error}");
        assert!(error.to_string().ends_with(&format!("did you mean `{meant}`?")), "{error}");
    }
    let error = from_environment("WAYFARE_BLOG__TITLE", "4").unwrap_err();
    assert!(matches!(error, ConfigError::UnknownKey { nearest: None, .. }), "{error:?}");
}

#[test]
fn a_value_of_another_type_is_refused_with_the_type_it_must_have() {
    for (text, key, value, expected) in [
        ("[workers]\ncount = 'many'", "workers.count", "many", "a whole number (`auto` or 1..=256)"),
        ("[workers]\ncount = '4'", "workers.count", "4", "a whole number (`auto` or 1..=256)"),
        ("[workers]\nmailbox = 'auto'", "workers.mailbox", "auto", "a whole number (1..=1_000_000)"),
        ("[workers]\nmailbox = 1.5", "workers.mailbox", "1.5", "a whole number (1..=1_000_000)"),
        ("[workers]\nmailbox = [1]", "workers.mailbox", "[…]", "a whole number (1..=1_000_000)"),
        ("[workers.mailbox]\nx = 1", "workers.mailbox", "{…}", "a whole number (1..=1_000_000)"),
        ("[store]\nurl = 3", "store.url", "3", "a text"),
        (
            "[store]\nmap_bytes = '1 XB'",
            "store.map_bytes",
            "1 XB",
            "a number of bytes, or a text such as `512 MiB` (1 MiB..=64 TiB)",
        ),
    ] {
        let error = Config::from_toml(text).unwrap_err();
        let ConfigError::WrongType { key: at, value: given, expected: form, .. } = &error else {
            panic!("{text}: {error:?}")
        };
        assert_eq!((at.as_str(), given.as_str(), form.as_str()), (key, value, expected));
    }
    let error = from_environment("WAYFARE_WORKERS__COUNT", "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`workers.count` is `` (environment variable `WAYFARE_WORKERS__COUNT`): give a whole number (`auto` or 1..=256)"
    );
}

#[test]
fn ranges_read_as_they_are_written() {
    for (text, shown) in [
        (
            "[workers]\ncount = 0",
            "`workers.count` is `0` (line 2 of the settings): allowed is `auto` or 1..=256",
        ),
        (
            "[shards]\ncount = 3",
            "`shards.count` is `3` (line 2 of the settings): allowed is `auto` or a power of two in 1..=64",
        ),
        (
            "[store]\nmap_bytes = '1 KiB'",
            "`store.map_bytes` is `1 KiB` (line 2 of the settings): allowed is 1 MiB..=64 TiB",
        ),
        ("[limits]\nvisits = -1", "`limits.visits` is `-1` (line 2 of the settings): allowed is at least 1"),
    ] {
        assert_eq!(Config::from_toml(text).unwrap_err().to_string(), shown);
    }
    let error = from_environment("WAYFARE_LIMITS__VISITS", "99999999999999999999").unwrap_err();
    let allowed = "allowed is at most 9_223_372_036_854_775_807";
    assert!(error.to_string().ends_with(allowed), "{error}");
    let error = Config::builder().limits_visits(u64::MAX).build().unwrap_err();
    assert!(error.to_string().ends_with(allowed), "{error}");
}

#[test]
fn the_builder_checks_once_and_names_itself() {
    let config = Config::builder()
        .store_url("embedded:other.db")
        .store_map_bytes(1 << 20)
        .workers_count(4)
        .shards_count(OrAuto::Auto)
        .cache_resident_bytes(1 << 30)
        .supervision_drain_timeout_ms(0)
        .build()
        .unwrap();
    assert_eq!((config.store.url.as_str(), config.workers.count), ("embedded:other.db", OrAuto::Fixed(4)));

    let error = Config::builder().workers_count(257).build().unwrap_err();
    assert_eq!(error.to_string(), "`workers.count` is `257` (builder): allowed is `auto` or 1..=256");
    let error = Config::builder().shards_count(6).build().unwrap_err();
    assert!(matches!(error, ConfigError::OutOfRange { origin: Origin::Builder, .. }));

    let mut by_hand = Config::default();
    by_hand.writers.batch_size = 0;
    assert!(matches!(by_hand.check(), Err(ConfigError::OutOfRange { .. })));
}

#[test]
fn auto_values_resolve_within_their_ranges() {
    let auto = Config::default();
    assert!((1..=256).contains(&auto.workers.resolved_count()));
    assert!(auto.cache.resolved_resident_bytes() >= 1 << 20);
    for (workers, shards) in [(1, 1), (2, 2), (3, 4), (33, 64), (64, 64), (256, 64)] {
        assert_eq!(auto.shards.resolved_count(workers), shards);
    }
    assert_eq!(Config::builder().shards_count(2).build().unwrap().shards.resolved_count(16), 2);
}

#[test]
fn milliseconds_are_given_as_durations_too() {
    let config = Config::builder().writers_flush_interval_ms(5).build().unwrap();
    assert_eq!(config.writers.flush_interval(), Duration::from_millis(5));
    assert_eq!(config.supervision.drain_timeout(), Duration::from_secs(30));
    assert_eq!(config.supervision.stall(), Duration::from_secs(10));
    assert_eq!(config.limits.wall(), Duration::from_secs(3600));
}

#[test]
fn no_password_is_shown_by_settings_or_errors() {
    let secret = "mongodb://ann:hush@host/graph";
    let config = Config::builder().store_url(secret).build().unwrap();
    assert_eq!(config.store.url.as_str(), secret);
    let json = serde_json::to_string(&config).unwrap();
    assert!(json.contains("mongodb://ann:***@host/graph"), "{json}");
    assert!(!format!("{config:?}{json}").contains("hush"));

    let misplaced = from_environment("WAYFARE_WORKERS__COUNT", secret).unwrap_err();
    assert!(!format!("{misplaced} {misplaced:?}").contains("hush"));
    let misplaced = Config::from_toml(&toml_of("workers.count", &format!("'{secret}'"))).unwrap_err();
    assert!(!format!("{misplaced} {misplaced:?}").contains("hush"));
}

#[test]
fn settings_inside_another_document_are_checked_as_in_a_file() {
    let config: Config =
        serde_json::from_str(r#"{"workers": {"count": 2}, "cache": {"resident_bytes": "2 GiB"}}"#).unwrap();
    assert_eq!(
        (config.workers.count, config.cache.resident_bytes),
        (OrAuto::Fixed(2), OrAuto::Fixed(2 << 30))
    );
    let error = serde_json::from_str::<Config>(r#"{"workers": {"count": 0}}"#).unwrap_err();
    assert!(error.to_string().contains("`workers.count` is `0` (the settings): allowed is"), "{error}");
    let shown = serde_json::to_value(&config).unwrap();
    assert_eq!(serde_json::from_value::<Config>(shown).unwrap(), config);
}

#[test]
fn a_section_within_a_section_is_read_from_file_and_environment() {
    let text = "[store]\npage_size = 7\n[store.pool]\nmin_size = 3\nmax_size = 4\n";
    let config = Config::from_toml(text).unwrap();
    assert_eq!((config.store.page_size, config.pool.min_size, config.pool.max_size), (7, 3, 4));
    assert_eq!(from_environment("WAYFARE_STORE__POOL__MAX_SIZE", "9").unwrap().pool.max_size, 9);
    assert_eq!(Config::from_toml("[store.pool]").unwrap(), Config::default());
    // What serialising writes can be read too.
    let written = toml::to_string(&config).unwrap();
    assert_eq!(Config::from_toml(&written).unwrap(), config);

    for (text, line, nearest) in [
        ("[store.pool]\nmin_sise = 3\n", 2, Some("store.pool.min_size")),
        ("[store.pol]\nmin_size = 3\n", 1, Some("store.url")),
        ("[store]\npool = 3\n", 2, Some("store.pool.min_size")),
    ] {
        match Config::from_toml(text) {
            Err(ConfigError::UnknownKey { nearest: told, origin: Origin::File { line: at, .. }, .. }) => {
                assert_eq!(at, Some(line), "{text}");
                assert_eq!(told.is_some(), nearest.is_some(), "{text}: {told:?}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let slip = from_environment("WAYFARE_STORE__POOL__MAX_SISE", "9").unwrap_err().to_string();
    assert!(slip.contains("`WAYFARE_STORE__POOL__MAX_SIZE`"), "{slip}");
}

#[test]
fn a_pool_that_is_larger_at_least_than_at_most_is_refused() {
    let refused = Config::builder().pool_min_size(30).build().unwrap_err().to_string();
    assert_eq!(
        refused,
        "`store.pool.min_size` is `30` (together with another): allowed is at most `store.pool.max_size`, which is 20"
    );
    Config::builder().pool_min_size(30).pool_max_size(30).build().unwrap();
    for (contradictory, told) in [
        (
            Config::builder().writers_flush_interval_ms(1).writers_queue(10),
            "`writers.batch_size` is `1000` (together with another): allowed is at most `writers.queue`, which is 10",
        ),
        (
            Config::builder().worker_restarts_backoff_ms(6_000),
            "`supervision.workers.backoff_ms` is `6000` (together with another): allowed is at most \
             `supervision.workers.max_backoff_ms`, which is 5000",
        ),
        (
            Config::builder().workers_move_slow_walks(true).observe_slow_hook_ms(0),
            "`workers.move_slow_walks` is `true` (together with another): allowed is `false` while \
             `observe.slow_hook_ms` is 0, by which no hook is slow",
        ),
    ] {
        assert_eq!(contradictory.build().unwrap_err().to_string(), told);
    }
    // Without a pause for company a commit does not wait to be full.
    Config::builder().writers_queue(10).build().unwrap();
    assert!(Config::builder().pool_max_idle_ms(0).build().unwrap().pool.max_idle().is_none());
}

#[test]
fn entities_are_listed_in_a_file_and_in_the_environment() {
    let list = |names: [&str; 2]| EntityList::from(names);
    let read = Config::from_toml("[cache]\nwarm = ['Root', 'City']").unwrap();
    assert_eq!(read.cache.warm, list(["Root", "City"]));
    for text in ["Root, City", "['Root', \"City\"]"] {
        let read = from_environment("WAYFARE_CACHE__WARM", text).unwrap();
        assert_eq!(read.cache.warm, list(["Root", "City"]), "{text}");
    }
    assert_eq!(from_environment("WAYFARE_CACHE__WARM", "").unwrap(), Config::default());
    assert_eq!(Config::builder().cache_warm(["Root", "City"]).build().unwrap(), read);

    for (text, shown) in [
        (
            "[cache]\nwarm = ['City', 'A.B']",
            "`cache.warm` is `[\"City\", \"A.B\"]` (line 2 of the settings): allowed is names without dots, of 1..=64 bytes",
        ),
        (
            "[cache]\nwarm = 'City'",
            "`cache.warm` is `City` (line 2 of the settings): give a list of texts, such as `[\"City\"]`",
        ),
        (
            "[cache]\nwarm = [1]",
            "`cache.warm` is `[1]` (line 2 of the settings): give a list of texts, such as `[\"City\"]`",
        ),
    ] {
        assert_eq!(Config::from_toml(text).unwrap_err().to_string(), shown);
    }
    assert!(Config::builder().cache_warm(["a.b"]).build().unwrap_err().to_string().contains("`[\"a.b\"]`"));
}

#[test]
fn an_address_that_is_none_is_refused_and_so_is_a_collector_that_cannot_be_reached() {
    let refused = |config: ObserveConfig, has_otlp: bool| {
        let Err(ConfigError::OutOfRange { key, value, allowed, .. }) = config.check(has_otlp) else {
            panic!("{config:?} was taken")
        };
        format!("{key} {value}: {allowed}")
    };
    for listen in ["none", "127.0.0.1:9464", "[::1]:0"] {
        ObserveConfig { listen: listen.into(), ..ObserveConfig::default() }.check(false).unwrap();
    }
    for listen in ["localhost:9464", "127.0.0.1", ":9464"] {
        let config = ObserveConfig { listen: listen.into(), ..ObserveConfig::default() };
        assert!(refused(config, true).starts_with(&format!("observe.listen {listen}: ")));
    }
    let with_otlp = |url: &str| ObserveConfig { otlp: url.into(), ..ObserveConfig::default() };
    with_otlp("http://localhost:4318").check(true).unwrap();
    for url in ["https://localhost:4318", "http://", "http:///v1", "localhost:4318"] {
        assert!(refused(with_otlp(url), true).contains("a url such as `http://localhost:4318`"), "{url}");
    }
    // A program without the feature says so instead of sending nothing, and shows no password.
    let shown = refused(with_otlp("http://ann:hush@collector:4318"), false);
    assert!(shown.contains("without the feature `otlp`") && !shown.contains("hush"), "{shown}");
}

#[test]
fn settings_at_the_end_of_their_ranges_can_be_written_and_read() {
    let most = i64::MAX.to_string();
    let config = from_environment("WAYFARE_CACHE__MEMORY_BYTES", &most).unwrap();
    assert_eq!(Config::from_toml(&toml::to_string(&config).unwrap()).unwrap(), config);
    let beyond = from_environment("WAYFARE_CACHE__MEMORY_BYTES", "9223372036854775808");
    assert!(matches!(beyond, Err(ConfigError::OutOfRange { .. })), "{beyond:?}");
}
