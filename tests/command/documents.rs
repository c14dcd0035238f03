//! Reading and deleting what is stored, in each form of output.

use serde_json::{Value, json};

use crate::harness::Place;

fn ids(found: &Value) -> Vec<&str> {
    found.as_array().unwrap().iter().map(|document| document["id"].as_str().unwrap()).collect()
}

#[test]
fn documents_are_got_by_id_in_the_order_asked_for() {
    let place = Place::with_cities();
    let found = place.run(&["get", "n.City.b", "n.City.a", "n.Root.root"]).ended_with(0).silently().json();
    assert_eq!(ids(&found), ["n.City.b", "n.City.a", "n.Root.root"]);
    assert_eq!(
        found[0],
        json!({"id": "n.City.b", "entity": "City", "context": {"code": "b", "name": "Bb", "size": 20}, "_version": 1})
    );
}

#[test]
fn documents_are_found_by_filter_sorted_cut_and_projected() {
    let place = Place::with_cities();
    let find =
        |arguments: &[&str]| place.run(&[&["find", "City"][..], arguments].concat()).ended_with(0).json();
    assert_eq!(ids(&find(&[])), ["n.City.a", "n.City.b", "n.City.c", "n.City.d"]);
    assert_eq!(ids(&find(&["--filter", r#"{"context.size": {"$gte": 20}}"#])), ["n.City.b", "n.City.c"]);
    assert_eq!(ids(&find(&["--sort", "size:-1", "--limit", "2"])), ["n.City.c", "n.City.b"]);
    assert_eq!(
        ids(&find(&["--sort", "context.size:1,name", "--skip", "1"])),
        ["n.City.a", "n.City.b", "n.City.c"]
    );
    let projected = find(&["--project", "name", "--limit", "1"]);
    assert_eq!(projected[0]["context"], json!({"name": "Aa"}));
    assert_eq!(find(&["--filter", r#"{"context.size": 99}"#]), json!([]));
}

#[test]
fn an_entity_is_looked_for_among_nodes_before_edges_before_objects() {
    let place = Place::with_cities();
    let lines = [
        json!({"id": "e.City.1", "source": "n.City.a", "target": "n.City.b"}),
        json!({"id": "o.Note.1", "context": {"text": "x"}}),
    ];
    place.file("more.jsonl", lines.map(|line| line.to_string()).join("\n"));
    place.run(&["import", "--nodes", "more.jsonl"]).ended_with(0);
    assert_eq!(ids(&place.run(&["find", "Road", "--sort", "source"]).json()).len(), 2);
    assert_eq!(ids(&place.run(&["find", "City", "--edges"]).json()), ["e.City.1"]);
    assert_eq!(ids(&place.run(&["find", "Note"]).json()), ["o.Note.1"]);
    let count = |arguments: &[&str]| place.run(&[&["count"][..], arguments].concat()).ended_with(0).json();
    assert_eq!(count(&["City"]), json!({"entity": "City", "kind": "node", "count": 4}));
    assert_eq!(count(&["City", "--edges"])["count"], 1);
    assert_eq!(count(&["Note"])["kind"], "object");
    assert_eq!(count(&["City", "--filter", r#"{"context.size": {"$exists": false}}"#])["count"], 1);
    assert_eq!(count(&[]), json!({"nodes": 5, "edges": 3, "objects": 1}), "the root is a node too");
    assert_eq!(count(&["--filter", r#"{"entity": "City"}"#]), json!({"nodes": 4, "edges": 1, "objects": 0}));
}

#[test]
fn deleting_a_node_takes_its_edges_with_it() {
    let place = Place::with_cities();
    let road = place.run(&["find", "Road", "--sort", "km"]).json()[0]["id"].as_str().unwrap().to_owned();
    let ran = place.run(&["delete", "n.City.b", &road, "n.City.d", "n.City.d"]).ended_with(0).silently();
    assert_eq!(ran.json(), json!({"deleted": ["n.City.b", road, "n.City.d"], "edges": 2}));
    assert_eq!(place.count("City"), 2);
    place.run(&["count", "Road"]).ended_with(4);
    let ran =
        place.run(&["delete", "n.City.b", "n.City.a"]).ended_with(4).says(&["`n.City.b` does not exist"]);
    assert_eq!(
        ran.json()["deleted"],
        json!(["n.City.a"]),
        "what there is goes, also when something is not there"
    );
    place.run(&["delete", "n.Root.root"]).ended_with(1).says(&["root", "cannot be deleted"]);
}

#[test]
fn stats_count_entities_edges_degrees_and_bytes() {
    let place = Place::with_cities();
    place.file("x.csv", "s,t\na,d\na,a\n");
    let undirected =
        ["import", "--edges", "x.csv", "--entity", "X", "--from", "s=City", "--to", "t=City", "--undirected"];
    place.run(&undirected).ended_with(0);
    let stats = place.run(&["stats"]).ended_with(0).silently().json();
    assert_eq!((&stats["nodes"], &stats["edges"], &stats["objects"]), (&json!(5), &json!(4), &json!(0)));
    assert_eq!(
        stats["entities"],
        json!([
            {"kind": "node", "entity": "City", "count": 4},
            {"kind": "node", "entity": "Root", "count": 1},
            {"kind": "edge", "entity": "Road", "count": 2},
            {"kind": "edge", "entity": "X", "count": 2},
        ])
    );
    assert_eq!(stats["degrees"]["out"], json!({"mean": 1.0, "max": 3, "max_id": "n.City.a"}));
    assert_eq!(stats["degrees"]["in"], json!({"mean": 1.0, "max": 2, "max_id": "n.City.a"}));
    assert_eq!(stats["edges_by_entity"][0]["in"], json!({"mean": 0.4, "max": 1, "max_id": "n.City.b"}));
    let (used, file) = (stats["used_bytes"].as_u64().unwrap(), stats["file_bytes"].as_u64().unwrap());
    assert!(0 < used && used <= file, "{used} of {file}");
}

#[test]
fn results_come_as_table_and_csv_too() {
    let place = Place::with_cities();
    let find = |format| place.run(&["find", "City", "--limit", "2", "--format", format]).ended_with(0).out;
    assert_eq!(find("csv"), "id,code,name,size\nn.City.a,a,Aa,10\nn.City.b,b,Bb,20\n");
    assert_eq!(
        find("table"),
        "id        code  name  size\nn.City.a  a     Aa    10\nn.City.b  b     Bb    20\n"
    );
    let roads =
        place.run(&["find", "Road", "--sort", "km", "--limit", "1", "--format", "csv"]).ended_with(0).out;
    let lines: Vec<_> = roads.lines().collect();
    assert_eq!(lines[0], "id,source,target,bidirectional,km");
    assert!(lines[1].ends_with(",n.City.a,n.City.b,false,1.5"), "{roads}");
    assert_eq!(place.run(&["count", "City", "--format", "csv"]).out, "entity,kind,count\nCity,node,4\n");
    assert_eq!(
        place.run(&["count", "City", "--format", "table"]).out,
        "entity  City\nkind    node\ncount   4\n"
    );
    let stats = place.run(&["stats", "--format", "table"]).ended_with(0).out;
    assert!(
        stats.contains("degrees.out.max_id  n.City.a") && stats.contains("\nentities\nkind  entity  count\n"),
        "{stats}"
    );
}

#[test]
fn the_default_in_a_pipe_is_json_one_element_a_line() {
    let place = Place::with_cities();
    let out = place.run(&["find", "City", "--project", "code"]).out;
    assert_eq!(out.lines().count(), 4);
    assert!(out.starts_with("[{\"id\":\"n.City.a\"") && out.ends_with("}]\n"), "{out}");
}

#[test]
fn help_states_the_exit_codes() {
    let place = Place::new();
    let out = place.run(&["--help"]).ended_with(0).silently().out;
    for code in
        ["0    done", "1    the store", "2    wrong usage", "3    import", "4    not found", "130  a walk"]
    {
        assert!(out.contains(code), "`{code}` is not in: {out}");
    }
    assert!(place.run(&["import", "--help"]).ended_with(0).out.contains("stay text"));
    assert_eq!(
        place.run(&["--version"]).ended_with(0).out,
        format!("wayfare {}\n", env!("CARGO_PKG_VERSION"))
    );
}
