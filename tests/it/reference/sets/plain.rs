//! Graphs of one type of node and one of edge.

use std::path::Path;

use serde_json::{Value, json};

use crate::reference::data::{file, json, text, write_csv};
use crate::reference::loading::{Records, node};

/// The arguments of an import of plain tables, where each option stands alone.
fn arguments(groups: &[&str]) -> Vec<String> {
    ["import"].iter().chain(groups).map(ToString::to_string).collect()
}

fn path(folder: &Path, name: &str) -> String {
    file(folder, name).to_str().expect("paths of the data are UTF-8").to_owned()
}

/// A table of nodes and one of undirected edges.
fn tables(nodes: [&str; 3], edges: [&str; 4], entity: &str) -> Vec<String> {
    let [from, to] = [edges[2], edges[3]].map(|column| format!("{column}={entity}"));
    arguments(&[
        "--nodes",
        nodes[0],
        "--entity",
        entity,
        "--key",
        nodes[1],
        "--types",
        nodes[2],
        "--edges",
        edges[0],
        "--entity",
        edges[1],
        "--from",
        &from,
        "--to",
        &to,
        "--undirected",
    ])
}

pub fn github(data: &Path, _: &Path) -> Vec<String> {
    let (nodes, edges) = (path(data, "git_target.csv"), path(data, "git_edges.csv"));
    tables([&nodes, "id", "name=text"], [&edges, "follows", "id_1", "id_2"], "developer")
}

pub fn facebook(data: &Path, _: &Path) -> Vec<String> {
    let (nodes, edges) = (path(data, "facebook_target.csv"), path(data, "facebook_edges.csv"));
    tables([&nodes, "id", "facebook_id=text,page_name=text"], [&edges, "likes", "id_1", "id_2"], "page")
}

pub fn twitch_engb(data: &Path, _: &Path) -> Vec<String> {
    twitch(data, "ENGB")
}

pub fn twitch_de(data: &Path, _: &Path) -> Vec<String> {
    twitch(data, "DE")
}

fn twitch(data: &Path, country: &str) -> Vec<String> {
    let (nodes, edges) = (format!("{country}_target.csv"), format!("{country}_edges.csv"));
    tables([&path(data, &nodes), "new_id", "id=text"], [&path(data, &edges), "friend", "from", "to"], "user")
}

pub fn chameleon(data: &Path, scratch: &Path) -> Vec<String> {
    // The reference calls the column `target` otherwise.
    let rows = super::super::data::csv(data, "chameleon_target.csv").1;
    let nodes = write_csv(scratch, "articles.csv", &["id", "traffic"], rows);
    let edges = path(data, "chameleon_edges.csv");
    let mut words = tables([&nodes, "id", "traffic=int"], [&edges, "link", "id1", "id2"], "article");
    words.push("--multi".to_owned());
    words
}

pub fn deezer(data: &Path, scratch: &Path) -> Vec<String> {
    let genres = json(data, "HU_genres.json");
    let mut users: Vec<(&String, &Value)> = genres.as_object().expect("an object by user").iter().collect();
    users.sort_by_key(|(id, _)| id.parse::<u64>().unwrap());
    let nodes = scratch.join("users.jsonl");
    let lines = users.into_iter().map(|(id, genres)| {
        let count = genres.as_array().map(Vec::len);
        json!({"id": format!("n.user.{id}"), "context": {"genres": genres, "n_genres": count}}).to_string()
            + "\n"
    });
    std::fs::write(&nodes, lines.collect::<String>()).unwrap();
    let (nodes, edges) = (nodes.to_str().unwrap(), path(data, "HU_edges.csv"));
    arguments(&[
        "--nodes",
        nodes,
        "--edges",
        &edges,
        "--entity",
        "friend",
        "--from",
        "node_1=user",
        "--to",
        "node_2=user",
        "--undirected",
    ])
}

pub fn ego_twitter(data: &Path, scratch: &Path) -> Vec<String> {
    let text = text(data, "ego-twitter-undirected.jlg");
    let (header, edges) = text.split_once('\n').expect("a line of counts comes first");
    let count: u64 = header.split(',').next().unwrap().parse().unwrap();
    let nodes = write_csv(scratch, "users.csv", &["id"], (1..=count).map(|id| vec![id.to_string()]));
    let file = scratch.join("edges.csv");
    std::fs::write(&file, edges).unwrap();
    let mut words =
        tables([&nodes, "id", "id=auto"], [file.to_str().unwrap(), "connected", "from", "to"], "user");
    // Keys are text whatever they look like, so they take no type.
    let types = words.iter().position(|word| word == "--types").unwrap();
    words.drain(types..types + 2);
    words.extend(["--columns", "from,to"].map(str::to_owned));
    words
}

pub fn roads_23rd(data: &Path, scratch: &Path) -> Vec<String> {
    roads(data, scratch, "graph_23rd.gr")
}

pub fn roads_ballard(data: &Path, scratch: &Path) -> Vec<String> {
    roads(data, scratch, "graph_ballard.gr")
}

pub fn roads_bremen(data: &Path, scratch: &Path) -> Vec<String> {
    roads(data, scratch, "bremen_dist.gr")
}

/// Lines of `a FROM TO WEIGHT`; the nodes are the numbers that occur.
fn roads(data: &Path, scratch: &Path, name: &str) -> Vec<String> {
    let text = text(data, name);
    let ends = text.lines().flat_map(|line| line.split(' ').skip(1).take(2));
    let numbers: std::collections::BTreeSet<u64> = ends.map(|end| end.parse().unwrap()).collect();
    let rows = numbers.into_iter().map(|number| vec![number.to_string()]);
    let (nodes, edges) = (write_csv(scratch, "junctions.csv", &["number"], rows), path(data, name));
    arguments(&[
        "--nodes",
        &nodes,
        "--entity",
        "junction",
        "--key",
        "number",
        "--edges",
        &edges,
        "--entity",
        "road",
        "--from",
        "from=junction",
        "--to",
        "to=junction",
        "--columns",
        ",from,to,weight",
        "--delimiter",
        "space",
        "--multi",
    ])
}

pub fn flights(data: &Path, _: &Path) -> Vec<String> {
    let (nodes, edges) = (path(data, "airports.csv"), path(data, "flights-airport.csv"));
    let words = ["--nodes", &nodes, "--entity", "airport", "--key", "iata", "--types"];
    let types = "name=text,city=text,state=text,country=text,latitude=float,longitude=float";
    let ends = ["--from", "origin=airport", "--to", "destination=airport"];
    arguments(&[&words[..], &[types, "--edges", &edges, "--entity", "flight"], &ends].concat())
}

pub fn miserables(data: &Path) -> Records {
    let graph = json(data, "miserables.json");
    let mut records = Records::default();
    for character in graph["nodes"].as_array().expect("a list of nodes") {
        let fields = json!({"name": character["name"], "group": character["group"]});
        records.node(node("character", &character["index"]), fields);
    }
    for link in graph["links"].as_array().expect("a list of links") {
        let [source, target] = ["source", "target"].map(|end| node("character", &link[end]));
        records.edge("appears_with", &source, &target, json!({"value": link["value"]}));
    }
    records
}
