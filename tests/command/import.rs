//! What rows and documents become, and what the report says.

use serde_json::json;

use crate::harness::{Place, figures};

#[test]
fn cells_become_numbers_booleans_and_text_and_empty_ones_nothing() {
    let place = Place::new();
    place.file(
        "a.csv",
        "id,n,x,flag,code,empty,weird:int\n01,12,0.5,True,007,,1e5\n2,-3,-12.25,false,+1,,9223372036854775808\n",
    );
    place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"]).ended_with(0).silently();
    assert_eq!(
        place.context("n.A.01"),
        json!({"id": "01", "n": 12, "x": 0.5, "flag": true, "code": "007", "weird:int": "1e5"})
    );
    assert_eq!(
        place.context("n.A.2"),
        json!({"id": "2", "n": -3, "x": -12.25, "flag": false, "code": "+1", "weird:int": "9223372036854775808"})
    );
}

#[test]
fn types_stand_over_what_cells_look_like() {
    let place = Place::new();
    place.file("a.csv", "id;n;x;b;t;j:x\nk;007;1e5;yes;12;[1, {}]\n");
    let types = "n=int,x=float,b=bool,t=text,j:x=json";
    let import =
        ["import", "--nodes", "a.csv", "--entity", "A", "--key", "id", "--delimiter", ";", "--types", types];
    place.run(&import).ended_with(0);
    assert_eq!(
        place.context("n.A.k"),
        json!({"id": "k", "n": 7, "x": 100_000.0, "b": true, "t": "12", "j:x": [1, {}]})
    );
}

#[test]
fn importing_again_reports_new_changed_and_unchanged_rows() {
    let place = Place::new();
    let import = ["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"];
    place.file("a.csv", "id,n\na,1\nb,2\nc,3\n");
    assert_eq!(figures(&place.run(&import).ended_with(0).file(0)), [3, 3, 0, 0, 0]);
    assert_eq!(figures(&place.run(&import).ended_with(0).file(0)), [3, 0, 0, 3, 0]);
    place.file("a.csv", "id,m\na,1\nd,4\n");
    assert_eq!(figures(&place.run(&import).ended_with(0).file(0)), [2, 1, 1, 0, 0]);
    assert_eq!(place.context("n.A.a"), json!({"id": "a", "n": 1, "m": 1}), "fields of the first import stay");
    assert_eq!(place.count("A"), 4);
}

#[test]
fn an_edge_is_known_by_its_ends_and_again_is_the_same() {
    let place = Place::with_cities();
    place.file("roads.csv", "from,to,km\na,b,1.5\nb,c,9\nc,a,3\n");
    let import =
        ["import", "--edges", "roads.csv", "--entity", "Road", "--from", "from=City", "--to", "to=City"];
    assert_eq!(figures(&place.run(&import).ended_with(0).file(0)), [3, 1, 1, 1, 0]);
    assert_eq!(place.count("Road"), 3);
    let roads = place.run(&["find", "Road", "--sort", "km"]).ended_with(0).json();
    assert_eq!(roads[0]["context"], json!({"km": 1.5}), "the columns of the ends are no fields");
    assert_eq!((&roads[0]["source"], &roads[0]["target"]), (&json!("n.City.a"), &json!("n.City.b")));
}

#[test]
fn parallel_edges_are_merged_unless_multi_keeps_them_apart() {
    for multi in [false, true] {
        let place = Place::with_cities();
        place.file("x.csv", "s,t,n\na,b,1\na,b,2\nb,a,3\na,b,4\n");
        let mut import =
            vec!["import", "--edges", "x.csv", "--entity", "X", "--from", "s=City", "--to", "t=City"];
        if multi {
            import.push("--multi");
        }
        let ran = place.run(&import).ended_with(0);
        let (new, changed, duplicates) = if multi { (4, 0, 0) } else { (2, 2, 2) };
        assert_eq!(figures(&ran.file(0)), [4, new, changed, 0, 0]);
        assert_eq!(ran.file(0)["duplicates"], duplicates);
        assert_eq!(ran.err.contains("give --multi to keep parallel edges apart"), !multi, "{}", ran.err);
        assert_eq!(place.count("X"), new);
        let again = place.run(&import).ended_with(0);
        assert_eq!(figures(&again.file(0))[1], 0, "the n-th row is the n-th edge: {}", again.out);
        if multi {
            assert_eq!(figures(&again.file(0)), [4, 0, 0, 4, 0]);
        }
    }
}

#[test]
fn undirected_edges_are_followed_from_either_end() {
    let place = Place::with_cities();
    place.file("x.csv", "s,t\nd,c\n");
    place
        .run(&[
            "import",
            "--edges",
            "x.csv",
            "--entity",
            "X",
            "--from",
            "s=City",
            "--to",
            "t=City",
            "--undirected",
        ])
        .ended_with(0);
    let reached = place.run(&["walk", "reach", "--from", "n.City.c", "--ids"]).ended_with(0).json();
    assert_eq!(reached["ids"], json!(["n.City.c", "n.City.d"]));
}

#[test]
fn neighbours_come_in_the_order_of_the_records_also_over_several_files() {
    let place = Place::new();
    place.file("n.csv", "id\nz\nm\na\nk\nb\n");
    place.file("1.csv", "s,t\nz,m\nz,a\n");
    place.file("2.csv", "s,t\nz,k\nz,b\n");
    place
        .run(&[
            "import", "--nodes", "n.csv", "--entity", "N", "--key", "id", "--edges", "1.csv", "--entity",
            "E", "--from", "s=N", "--to", "t=N", "--edges", "2.csv", "--entity", "F", "--from", "s=N",
            "--to", "t=N",
        ])
        .ended_with(0);
    let reached = place.run(&["walk", "reach", "--from", "n.N.z", "--ids"]).ended_with(0).json();
    assert_eq!(reached["ids"], json!(["n.N.z", "n.N.m", "n.N.a", "n.N.k", "n.N.b"]));
}

#[test]
fn cycles_and_self_loops_are_edges_like_others() {
    let place = Place::with_cities();
    place.file("x.csv", "s,t\nc,a\na,a\nd,d\n");
    let import = ["import", "--edges", "x.csv", "--entity", "X", "--from", "s=City", "--to", "t=City"];
    assert_eq!(figures(&place.run(&import).ended_with(0).file(0)), [3, 3, 0, 0, 0]);
    let levels = |from| place.run(&["walk", "reach", "--from", from]).ended_with(0).json()["levels"].clone();
    assert_eq!(levels("n.City.a"), json!([1, 1, 1]));
    assert_eq!(levels("n.City.d"), json!([1]));
}

#[test]
fn tables_come_with_other_delimiters_quotes_and_nulls_and_without_headers() {
    let place = Place::new();
    place.file("a.tsv", "id\tname\nt1\t\"quoted\ttab\"\n");
    place.file("b.csv", "p1|\\N|x\np2|y|-\n");
    place.file("c.gr", "a 1 2 30\na 2 1 40\n");
    place.file("d.csv", "id,name\nd1,\"open, and 12\" tall\n");
    place
        .run(&[
            "import",
            "--nodes",
            "a.tsv",
            "--entity",
            "T",
            "--key",
            "id",
            "--nodes",
            "b.csv",
            "--entity",
            "P",
            "--key",
            "id",
            "--columns",
            "id,one,two",
            "--delimiter",
            "|",
            "--null",
            "\\N",
            "--null",
            "-",
            "--nodes",
            "c.gr",
            "--entity",
            "G",
            "--key",
            "from",
            "--columns",
            "tag,from,to,weight",
            "--delimiter",
            "space",
            "--nodes",
            "d.csv",
            "--entity",
            "D",
            "--key",
            "id",
        ])
        .ended_with(0);
    assert_eq!(place.context("n.T.t1"), json!({"id": "t1", "name": "quoted\ttab"}));
    assert_eq!(place.context("n.P.p1"), json!({"id": "p1", "two": "x"}));
    assert_eq!(place.context("n.P.p2"), json!({"id": "p2", "one": "y"}));
    assert_eq!(place.context("n.G.2"), json!({"tag": "a", "from": "2", "to": 1, "weight": 40}));
    assert_eq!(place.context("n.D.d1"), json!({"id": "d1", "name": "open, and 12 tall"}));
    place.file("e.csv", "id,name\ne1,\"stray\ne2,plain\n");
    place
        .run(&["import", "--nodes", "e.csv", "--entity", "E", "--key", "id", "--quote", "none"])
        .ended_with(0);
    assert_eq!(place.context("n.E.e1"), json!({"id": "e1", "name": "\"stray"}));
}

#[test]
fn both_ends_of_an_edge_may_have_one_name() {
    let place = Place::with_cities();
    place.file("knows.csv", "City.id|City.id|since\na|d|2020\n");
    let import = [
        "import",
        "--edges",
        "knows.csv",
        "--entity",
        "Knows",
        "--from",
        "City.id=City",
        "--to",
        "City.id=City",
    ];
    place.run(&[&import[..], &["--delimiter", "|"]].concat()).ended_with(0);
    let knows = place.run(&["find", "Knows"]).json()[0].clone();
    assert_eq!((&knows["source"], &knows["target"]), (&json!("n.City.a"), &json!("n.City.d")));
    assert_eq!(knows["context"], json!({"since": 2020}));
}

#[test]
fn lines_before_the_header_are_passed_over_and_counted() {
    let place = Place::new();
    place.file("a.csv", "# made by hand\n# in 2026\nid,n\na,1\nb\n");
    let import = ["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"];
    place.run(&[&import[..], &["--skip", "2"]].concat()).ended_with(3).says(&["line 5"]);
    assert_eq!(place.context("n.A.a"), json!({"id": "a", "n": 1}));
    place.run(&[&import[..], &["--skip", "3", "--columns", "id,m"]].concat()).ended_with(3).says(&["line 5"]);
    assert_eq!(place.context("n.A.a"), json!({"id": "a", "n": 1, "m": 1}));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_content() {
    let place = Place::new();
    place.file("a.csv", "\u{feff}id,name\r\n\r\na,\"two\r\nlines\"\r\nb,last\r\n");
    let ran = place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"]).ended_with(0);
    assert_eq!(figures(&ran.file(0)), [2, 2, 0, 0, 0]);
    assert_eq!(place.context("n.A.a"), json!({"id": "a", "name": "two\r\nlines"}));
    assert_eq!(place.context("n.A.b"), json!({"id": "b", "name": "last"}));
}

#[test]
fn columns_without_a_name_are_left_out() {
    let place = Place::new();
    place.file("a.csv", ",id,,n\n0,a,x,1\n");
    place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"]).ended_with(0);
    assert_eq!(place.context("n.A.a"), json!({"id": "a", "n": 1}));
}

#[test]
fn gzipped_files_and_standard_input_are_read_alike() {
    let place = Place::new();
    place.gzipped("a.csv.gz", "id,n\na,1\n");
    place.gzipped("no-ending", "id,n\nb,2\n");
    // Two members one after the other are one file, as `cat` makes it.
    let members =
        [crate::harness::gzip(b"{\"id\": \"n.A.c\"}\n"), crate::harness::gzip(b"{\"id\": \"n.A.d\"}\n")];
    place.file("c.jsonl.gz", members.concat());
    place
        .run(&[
            "import",
            "--nodes",
            "a.csv.gz",
            "--entity",
            "A",
            "--key",
            "id",
            "--nodes",
            "no-ending",
            "--entity",
            "A",
            "--key",
            "id",
            "--nodes",
            "c.jsonl.gz",
        ])
        .ended_with(0);
    let table = ["import", "--nodes", "-", "--entity", "A", "--key", "id"];
    let ran = place.run_with_input(&table, b"id,n\ne,5\n").ended_with(0);
    assert_eq!(ran.file(0)["file"], "-");
    place.run_with_input(&table, &crate::harness::gzip(b"id,n\nf,6\n")).ended_with(0);
    place.run_with_input(&["import", "--nodes", "-"], b"{\"id\": \"n.A.g\"}\n").ended_with(0);
    assert_eq!(place.count("A"), 7);
}

#[test]
fn documents_of_any_kind_come_as_json_lines() {
    let place = Place::new();
    let lines = [
        json!({"id": "n.A.x", "entity": "A", "context": {"deep": {"list": [1, null]}}, "_version": 9, "owner": "me"}),
        json!({"id": "n.A.y", "context": {}}),
        json!({"id": "e.R.1", "source": "n.A.x", "target": "n.A.y", "bidirectional": true, "context": {"n": 1}}),
        json!({"id": "e.R.2", "source": "n.A.x", "target": "n.A.y", "context": {"n": 2}}),
        json!({"id": "o.Note.n1", "context": {"text": "hello"}}),
    ];
    place.file("all.jsonl", lines.map(|line| line.to_string()).join("\n"));
    let ran = place.run(&["import", "--nodes", "all.jsonl"]).ended_with(0);
    assert_eq!(figures(&ran.file(0)), [5, 5, 0, 0, 0], "parallel edges with ids of their own stay apart");
    assert_eq!(ran.file(0)["kind"], "document");
    let document = place.run(&["get", "n.A.x"]).json()[0].clone();
    assert_eq!((&document["owner"], &document["_version"]), (&json!("me"), &json!(1)));
    let again = place.run(&["import", "--edges", "all.jsonl"]).ended_with(0);
    assert_eq!(figures(&again.file(0)), [5, 0, 0, 5, 0]);
}

#[test]
fn a_key_that_occurs_twice_is_written_twice_and_told() {
    let place = Place::new();
    place.file("a.csv", "id,n,m\na,1,\nb,2,\na,3,4\n");
    let ran = place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id"]).ended_with(0);
    assert_eq!(figures(&ran.file(0)), [3, 2, 1, 0, 0]);
    assert_eq!(ran.file(0)["duplicates"], 1);
    assert!(ran.err.contains("`a.csv`: 1 row names what an earlier row names"), "{}", ran.err);
    assert_eq!(place.context("n.A.a"), json!({"id": "a", "n": 3, "m": 4}));
    place.file("a.jsonl", "{\"id\": \"n.A.z\"}\n{\"id\": \"n.A.z\"}\n");
    assert_eq!(place.run(&["import", "--nodes", "a.jsonl"]).ended_with(0).file(0)["duplicates"], 1);
}

#[test]
fn the_report_gives_time_and_rate_and_notes_can_be_silenced() {
    let place = Place::new();
    place.file("a.csv", "id\na\na\n");
    let ran = place.run(&["import", "--nodes", "a.csv", "--entity", "A", "--key", "id", "--quiet"]);
    let report = ran.ended_with(0).silently().json();
    assert!(report["elapsed_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(report["rows_per_second"].as_u64().is_some_and(|rate| rate > 0));
}
