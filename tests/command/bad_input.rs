//! What is wrong is told with its place and what to do, with the exit code that `--help` gives.

use serde_json::json;

use crate::harness::{Place, figures, gzip};

const NODES: [&str; 7] = ["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"];

fn nodes_skipping() -> Vec<&'static str> {
    [&NODES[..], &["--on-error", "skip"]].concat()
}

#[test]
fn a_missing_file_is_told_before_anything_is_made() {
    let place = Place::new();
    place.file("a.csv", "id\nx\n");
    let roads = ["--edges", "gone.csv", "--entity", "R", "--from", "s=A", "--to", "t=A"];
    place.run(&[&NODES[..], &roads].concat()).ended_with(2).says(&["cannot read `gone.csv`", "No such file"]);
    assert!(!place.path().join("store").exists(), "nothing of the first file was imported");
    place
        .run(&["import", "--nodes", ".", "--entity", "A", "--key", "id"])
        .ended_with(2)
        .says(&["`.` is a folder"]);
}

#[test]
fn a_wrong_delimiter_is_told_with_the_right_one() {
    let place = Place::new();
    place.file("a.csv", "id|name|city\n1|x|y\n");
    place.run(&NODES).ended_with(2).says(&["1 column, `id|name|city`", "try --delimiter '|'"]);
    let columns = [&NODES[..], &["--columns", "id,name,city"]].concat();
    let ran = place.run(&columns).ended_with(3).says(&[
        "line 1",
        "1 cell",
        "--columns has 3",
        "try --delimiter '|'",
    ]);
    assert_eq!(figures(&ran.file(0)), [1, 0, 0, 0, 1]);
}

#[test]
fn a_missing_key_column_is_told_with_the_nearest() {
    let place = Place::new();
    place.file("a.csv", "idd,name\n1,x\n");
    place.run(&NODES).ended_with(2).says(&["no column `id`", "did you mean `idd`?"]);
    place.file("a.csv", "number,name\n1,x\n");
    place.run(&NODES).ended_with(2).says(&["no column `id`", "there is `number`, `name`", "--columns"]);
    place.file("a.csv", "");
    place.run(&NODES).ended_with(2).says(&["`a.csv`", "empty", "header"]);
    place.file("a.csv", "id,x,x\n1,2,3\n");
    place.run(&NODES).ended_with(2).says(&["two columns are called `x`"]);
}

#[test]
fn options_that_do_not_fit_are_wrong_usage() {
    let place = Place::new();
    for (arguments, part) in [
        (vec!["import"], "nothing to import"),
        (vec!["import", "--entity", "A", "--nodes", "a.csv"], "`--entity` stands before any file"),
        (vec!["import", "--nodes", "a.csv", "--key", "id"], "needs `--entity ENTITY`"),
        (
            vec!["import", "--nodes", "a.csv", "--entity", "A", "--key", "id", "--types", "n=nit"],
            "did you mean `int`?",
        ),
        (vec!["import", "--nodes", "a.csv", "--delimiter", ",,"], "one ASCII character"),
        (vec!["walk", "reach"], "--from"),
        (vec!["walk", "reach", "--from", "n.A.x", "--direction", "up"], "`out`, `in` or `both`"),
        (vec!["walk", "reach", "--from", "n.A.x", "--deadline", "30"], "`30s`"),
        (vec!["fnid", "A"], "find"),
    ] {
        place.run(&arguments).ended_with(2).says(&[part]);
    }
}

#[test]
fn rows_before_the_first_bad_one_stay_and_none_after_it_is_imported() {
    let place = Place::new();
    place.file("a.csv", "id,n\na,1\nb,2\nc\nd,4\n");
    let ran = place.run(&NODES).ended_with(3);
    let ran = ran.says(&[
        "`a.csv` line 4",
        "1 cell, the header has 2",
        "imported before it, which stay: 2",
        "--on-error skip",
    ]);
    assert_eq!(figures(&ran.file(0)), [3, 2, 0, 0, 1]);
    assert_eq!(place.count("A"), 2);
    let ran = place.run(&nodes_skipping()).ended_with(3).says(&["line 4", "1 row was rejected"]);
    assert_eq!(figures(&ran.file(0)), [4, 1, 0, 2, 1]);
    assert_eq!(place.count("A"), 3);
}

#[test]
fn edges_to_unknown_nodes_are_rejected_with_their_lines() {
    let place = Place::with_cities();
    place.file("x.csv", "s,t\na,b\na,nowhere\nb,c\nnobody,c\nc,d\n");
    let import = ["import", "--edges", "x.csv", "--entity", "X", "--from", "s=City", "--to", "t=City"];
    let ran = place.run(&import).ended_with(3).says(&[
        "`x.csv` line 3",
        "`n.City.nowhere` does not exist",
        "stay: 1;",
    ]);
    assert_eq!(figures(&ran.file(0)), [2, 1, 0, 0, 1]);
    assert_eq!(place.count("X"), 1, "the row behind the bad one is not imported");
    let ran = place.run(&[&import[..], &["--on-error", "skip"]].concat()).ended_with(3);
    let ran = ran.says(&["line 3", "line 5", "`n.City.nobody`", "2 rows were rejected"]);
    assert_eq!(figures(&ran.file(0)), [5, 2, 0, 1, 2]);
    let lines: Vec<_> =
        ran.file(0)["first_rejected"].as_array().unwrap().iter().map(|row| row["line"].clone()).collect();
    assert_eq!(lines, [3, 5]);
    assert_eq!(place.count("X"), 3);
}

#[test]
fn only_the_first_rejected_rows_are_told_one_by_one() {
    let place = Place::new();
    let rows: String =
        (0..1_000).map(|n| if n % 2 == 0 { format!("{n},1\n") } else { format!("{n}\n") }).collect();
    place.file("a.csv", format!("id,n\n{rows}"));
    let ran = place.run(&nodes_skipping()).ended_with(3).says(&["line 3:", "480 more rows were rejected"]);
    assert_eq!(figures(&ran.file(0)), [1_000, 500, 0, 0, 500]);
    assert_eq!(ran.file(0)["first_rejected"].as_array().map(Vec::len), Some(20));
    assert_eq!(ran.err.matches(" line ").count(), 20);
}

#[test]
fn bytes_that_are_not_utf8_are_told_with_their_line() {
    let place = Place::new();
    place.file("a.csv", b"id,n\na,1\nb,\xff\xfe\nc,3\n");
    place.run(&NODES).ended_with(3).says(&["line 3", "byte 3", "not UTF-8"]);
    let ran = place.run(&nodes_skipping()).ended_with(3);
    assert_eq!(figures(&ran.file(0)), [3, 1, 0, 1, 1]);
    place.file("a.csv", b"\xff\xfei\0d\0");
    place.run(&NODES).ended_with(2).says(&["header", "UTF-16"]);
    place.file("a.jsonl", b"{\"id\": \"n.A.\xe9\"}\n");
    place.run(&["import", "--nodes", "a.jsonl"]).ended_with(3).says(&["line 1", "not UTF-8"]);
}

#[test]
fn keys_that_are_none_and_values_of_another_type_are_rejected() {
    let place = Place::new();
    let long = "k".repeat(129);
    place.file("a.csv", format!("id,n\nok,1\n,2\n\"a\tb\",3\n{long},4\nx,1.5\n"));
    let import = [&nodes_skipping()[..], &["--types", "n=int"]].concat();
    let ran = place.run(&import).ended_with(3);
    let ran = ran.says(&[
        "line 3: `id` is empty",
        "line 4: `id`: `a\\tb` is not a key",
        "line 5",
        "`1.5`, which is no whole",
    ]);
    assert_eq!(figures(&ran.file(0)), [5, 1, 0, 0, 4]);
    place.file("a.csv", "id,n\nx,1\n");
    place.run(&[&NODES[..], &["--types", "m=int"]].concat()).ended_with(2).says(&["no column `m`"]);
}

#[test]
fn a_quote_that_is_never_closed_is_told_where_it_opens() {
    let place = Place::new();
    place.file("a.csv", "id,n\na,1\nb,\"open\nc,3\nd,4\n");
    place.run(&NODES).ended_with(3).says(&[
        "line 3",
        "quote is opened here and never closed",
        "--quote none",
    ]);
    assert_eq!(place.count("A"), 1);
}

#[test]
fn a_gzip_file_that_is_cut_off_keeps_the_rows_before_the_cut() {
    let place = Place::new();
    let rows: String = (0..20_000).map(|n| format!("{n},{}\n", n * 7919 % 10_007)).collect();
    let whole = gzip(format!("id,n\n{rows}").as_bytes());
    place.file("a.csv", &whole[..whole.len() / 2]);
    let ran = place.run(&NODES).ended_with(3).says(&["gzipped data ends in the middle", "cut off"]);
    let [rows, new, .., rejected] = figures(&ran.file(0));
    assert!(new > 1_000 && rows == new + 1 && rejected == 1, "{}", ran.out);
    assert_eq!(place.count("A"), new);
    // The last bytes are the checksum and the length.
    let mut damaged = whole;
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    place.file("a.csv", damaged);
    place.run(&NODES).ended_with(3).says(&["gzipped data is damaged"]);
    assert_eq!(place.count("A"), 20_000);
}

#[test]
fn lines_that_are_no_documents_are_rejected() {
    let place = Place::new();
    let lines = [
        r#"{"id": "n.A.x"}"#,
        r#"{"id": "n.A.x", "#,
        r#"[1, 2]"#,
        r#"{"name": "no id"}"#,
        r#"{"id": "x.A.y"}"#,
        r#"{"id": "e.R.1", "source": "n.A.x"}"#,
        r#"{"id": "e.R.1", "source": "n.A.x", "target": "n.A.gone"}"#,
        r#"{"id": "w.Walker.1"}"#,
        r#"{"id": "n.B.y"}"#,
    ];
    place.file("a.jsonl", lines.join("\n"));
    let ran = place.run(&["import", "--nodes", "a.jsonl", "--on-error", "skip"]).ended_with(3);
    let ran = ran.says(&[
        "line 2: no JSON at column",
        "line 3: not a document",
        "line 4",
        "`id` is missing",
        "line 5",
        "is no kind",
        "line 6",
        "needs `target`",
        "line 7",
        "`n.A.gone` does not exist",
        "line 8",
        "walkers are not kept",
    ]);
    assert_eq!(figures(&ran.file(0)), [9, 2, 0, 0, 7]);
    let only = ["import", "--nodes", "a.jsonl", "--entity", "A", "--on-error", "skip"];
    place.run(&only).ended_with(3).says(&["line 9: `n.B.y` is not of entity `A`"]);
}

#[test]
fn ids_and_entities_that_the_store_does_not_have_are_not_found() {
    let place = Place::with_cities();
    place
        .run(&["walk", "reach", "--from", "n.City.zz"])
        .ended_with(4)
        .says(&["--from", "`n.City.zz` does not exist"]);
    place
        .run(&["walk", "path", "--from", "n.City.a", "--to", "n.City.zz"])
        .ended_with(4)
        .says(&["--to", "`n.City.zz`"]);
    place
        .run(&["walk", "reach", "--from", "n.City.a", "--along", "Raod"])
        .ended_with(4)
        .says(&["no edges of entity `Raod`", "did you mean `Road`?"]);
    place.run(&["find", "Cit"]).ended_with(4).says(&["no entity `Cit`", "did you mean `City`?"]);
    place.run(&["count", "Harbour"]).ended_with(4).says(&["no entity `Harbour`", "`City`"]);
    place.run(&["find", "City", "--edges"]).ended_with(4).says(&["no edges of entity `City`"]);
    place.run(&["export", "--entity", "Ctiy"]).ended_with(4).says(&["did you mean `City`?"]);
    place.run(&["walk", "reach", "--from", "Oslo"]).ended_with(2).says(&["`Oslo` is not an id"]);
    place.run(&["walk", "reach", "--from", "e.Road.x"]).ended_with(2).says(&["`e.Road.x` is no node"]);
}

#[test]
fn a_malformed_filter_is_told_where_it_is_wrong() {
    let place = Place::with_cities();
    for (filter, part) in [
        ("{\"context.size\": {\"$gtee\": 1}}", "did you mean `$gte`?"),
        ("{\"context.size\": 1", "not JSON"),
        ("[1]", "a filter is an object"),
    ] {
        place.run(&["find", "City", "--filter", filter]).ended_with(2).says(&[part]);
        place.run(&["walk", "reach", "--from", "n.City.a", "--where", filter]).ended_with(2).says(&[part]);
    }
    place.run(&["find", "City", "--sort", "size:down"]).ended_with(2).says(&["--sort", "FIELD:-1"]);
    place.run(&["find", "City", "--project", "a,,b"]).ended_with(2).says(&["--project"]);
}

#[test]
fn a_budget_that_is_reached_names_itself_and_its_option() {
    let place = Place::with_cities();
    let walk =
        |budget: [&str; 2]| place.run(&[&["walk", "reach", "--from", "n.City.a"][..], &budget].concat());
    walk(["--max-visits", "2"]).ended_with(1).says(&["budget of 2 visits", "--max-visits"]);
    assert_eq!(walk(["--max-visits", "3"]).ended_with(0).json()["visited"], 3);
    place.file("star.csv", "s,t\na,c\na,d\n");
    let star = ["import", "--edges", "star.csv", "--entity", "Star", "--from", "s=City", "--to", "t=City"];
    place.run(&star).ended_with(0);
    walk(["--max-queue", "2"]).ended_with(1).says(&["budget of 2 queue", "--max-queue"]);
    let ran = place.run(&[
        "walk",
        "sample",
        "--from",
        "n.City.a",
        "--walks",
        "1",
        "--steps",
        "1",
        "--max-visits",
        "0",
    ]);
    ran.ended_with(2).says(&["--max-visits"]);
}

#[test]
fn a_deadline_ends_a_walk_that_would_go_on() {
    let place = Place::with_cities();
    place.file("loop.csv", "s,t\nc,a\n");
    let circle = ["import", "--edges", "loop.csv", "--entity", "Road", "--from", "s=City", "--to", "t=City"];
    place.run(&circle).ended_with(0);
    let endless = ["walk", "sample", "--from", "n.City.a", "--walks", "1", "--steps", "4000000000"];
    place
        .run(&[&endless[..], &["--deadline", "50ms"]].concat())
        .ended_with(1)
        .says(&["budget of 50 wall_ms", "--deadline"]);
}

#[test]
fn a_weight_that_is_no_number_names_its_edge() {
    let place = Place::with_cities();
    place.file("x.csv", "s,t,km\na,d,far\n");
    let import = ["import", "--edges", "x.csv", "--entity", "X", "--from", "s=City", "--to", "t=City"];
    place.run(&import).ended_with(0);
    let path = ["walk", "path", "--from", "n.City.a", "--to", "n.City.d", "--weight", "km"];
    place.run(&path).ended_with(1).says(&["`e.X.", "\"far\", not a number"]);
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_reading() {
    let place = Place::new();
    for arguments in [&["get", "n.A.x"][..], &["stats"], &["walk", "reach", "--from", "n.A.x"], &["export"]] {
        place.run(arguments).ended_with(2).says(&["store `embedded:store` does not exist", "--store"]);
    }
    assert!(!place.path().join("store").exists());
    place.file("store", "text");
    place.run(&["stats"]).ended_with(1).says(&["`store` is not a store", "it is a file"]);
}

#[test]
fn a_store_url_that_is_none_is_told_without_its_password() {
    let place = Place::new();
    let mut command = place.here(std::process::Command::new(env!("CARGO_BIN_EXE_wayfare")));
    let ran = command.args(["count", "--store", "postgres://ann:hush@host/db"]).output().unwrap();
    let ran = crate::harness::Ran::from(ran).ended_with(2).says(&["postgres://ann:***@host/db"]);
    assert!(!ran.err.contains("hush"));
    assert_eq!(ran.out, "");
}

#[test]
fn what_was_found_of_several_ids_is_printed_before_the_rest_is_missed() {
    let place = Place::with_cities();
    let ran = place.run(&["get", "n.City.a", "n.City.y", "n.City.b", "n.City.z"]).ended_with(4);
    let ran = ran.says(&["`n.City.y`, `n.City.z` do not exist"]);
    let ids: Vec<_> = ran.json().as_array().unwrap().iter().map(|document| document["id"].clone()).collect();
    assert_eq!(ids, [json!("n.City.a"), json!("n.City.b")]);
}
