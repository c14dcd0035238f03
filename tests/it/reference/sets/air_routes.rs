//! Air routes: one file of nodes of four types, one of edges of two, and types in the header.

use std::collections::HashMap;
use std::path::Path;

use crate::reference::data::{csv, write_csv};

/// Splits the files by type, because a table of the command is of one.
pub fn import(data: &Path, scratch: &Path) -> Vec<String> {
    let (header, rows) = csv(data, "air-routes-latest-nodes.csv");
    // `runways:int` is called `runways`.
    let names: Vec<&str> =
        header.iter().map(|name| name.split(':').next().unwrap().trim_start_matches('~')).collect();
    let entity_of: HashMap<String, String> =
        rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let mut words = vec!["import".to_owned()];
    for entity in ["version", "continent", "country", "airport"] {
        let of = rows.iter().filter(|row| row[1] == entity).cloned();
        let file = write_csv(scratch, &format!("{entity}.csv"), &names, of);
        let types = "code=text,icao=text,desc=text,region=text,country=text,city=text,lat=float,lon=float";
        words.extend(
            ["--nodes", &file, "--entity", entity, "--key", "id", "--types", types].map(str::to_owned),
        );
    }
    let (_, rows) = csv(data, "air-routes-latest-edges.csv");
    for [entity, from, to] in [
        ["route", "airport", "airport"],
        ["contains", "continent", "airport"],
        ["contains", "country", "airport"],
    ] {
        let of = rows
            .iter()
            .filter(|row| row[3] == entity && entity_of[&row[1]] == from && entity_of[&row[2]] == to);
        let columns = ["id", "from", "to", "label", "dist"];
        let file = write_csv(scratch, &format!("{entity}-{from}.csv"), &columns, of.cloned());
        let ends = [format!("from={from}"), format!("to={to}")];
        words.extend(
            ["--edges", &file, "--entity", entity, "--from", &ends[0], "--to", &ends[1]].map(str::to_owned),
        );
    }
    words
}
