//! The Human Phenotype Ontology: an OBO file of terms, and tables of diseases and genes.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Map, Value, json};
use wayfare::Id;

use crate::reference::data::text;
use crate::reference::loading::{Records, node};

/// A stanza of the ontology.
#[derive(Default)]
struct Term {
    id: String,
    fields: Map<String, Value>,
    parents: Vec<String>,
}

pub fn records(data: &Path) -> Records {
    let terms = terms(&text(data, "hp.obo"));
    let annotations = text(data, "phenotype.hpoa");
    let annotations = rows(&annotations);
    let genes = text(data, "genes_to_phenotype.txt");
    let genes = rows(&genes);
    let mut records = Records::default();
    let mut known: HashSet<Id> = HashSet::new();
    let mut add = |records: &mut Records, id: Id, fields: Value| {
        if known.insert(id.clone()) {
            records.node(id, fields);
        }
    };
    for term in &terms {
        add(&mut records, node("term", &term.id), Value::Object(term.fields.clone()));
    }
    let database = |id: &str| id.split(':').next().unwrap_or_default().to_owned();
    for row in &annotations {
        let id = row["database_id"];
        add(
            &mut records,
            node("disease", id),
            json!({"name": row["disease_name"], "database": database(id)}),
        );
    }
    for row in &genes {
        let id = row["disease_id"];
        add(&mut records, node("disease", id), json!({"database": database(id)}));
    }
    for row in &genes {
        add(&mut records, gene(row), json!({"symbol": row["gene_symbol"]}));
    }
    edges(&mut records, &terms, &annotations, &genes);
    records
}

fn edges(records: &mut Records, terms: &[Term], annotations: &[Row<'_>], genes: &[Row<'_>]) {
    let known: HashSet<&str> = terms.iter().map(|term| term.id.as_str()).collect();
    for term in terms {
        for parent in &term.parents {
            records.edge("is_a", &node("term", &term.id), &node("term", parent), json!({}));
        }
    }
    for row in annotations.iter().filter(|row| known.contains(row["hpo_id"])) {
        let names = ["qualifier", "evidence", "frequency", "onset", "sex", "aspect"];
        let fields = names.into_iter().filter(|name| !row[name].is_empty());
        let fields = fields.map(|name| (name.to_owned(), json!(row[name]))).collect();
        let (disease, term) = (node("disease", row["database_id"]), node("term", row["hpo_id"]));
        records.edge("has_phenotype", &disease, &term, Value::Object(fields));
    }
    let mut seen = HashSet::new();
    for row in genes.iter().filter(|row| known.contains(row["hpo_id"])) {
        let (gene, disease) = (gene(row), node("disease", row["disease_id"]));
        let fields = json!({"frequency": row["frequency"], "disease": row["disease_id"]});
        records.edge("gene_phenotype", &gene, &node("term", row["hpo_id"]), fields);
        if seen.insert((gene.clone(), disease.clone())) {
            records.edge("gene_disease", &gene, &disease, json!({}));
        }
    }
}

fn gene(row: &Row<'_>) -> Id {
    node("gene", format!("NCBIGene:{}", row["ncbi_gene_id"]))
}

type Row<'a> = HashMap<&'a str, &'a str>;

/// The rows of a table with tabs, after its comments and its header.
fn rows(text: &str) -> Vec<Row<'_>> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().expect("a header comes first").split('\t').collect();
    lines.map(|line| header.iter().copied().zip(line.split('\t')).collect()).collect()
}

fn terms(text: &str) -> Vec<Term> {
    text.split("\n[").skip(1).filter_map(|stanza| stanza.strip_prefix("Term]\n")).map(term).collect()
}

fn term(stanza: &str) -> Term {
    let mut term = Term::default();
    let (mut synonyms, mut xrefs, mut obsolete, mut alternatives) = (0, 0, false, Vec::new());
    let mut name = Value::Null;
    for (key, value) in stanza.lines().filter_map(|line| line.split_once(": ")) {
        match key {
            "id" => term.id = value.to_owned(),
            "name" => name = json!(value),
            "is_a" => term.parents.push(value.split(" ! ").next().unwrap_or_default().to_owned()),
            "synonym" => synonyms += 1,
            "xref" => xrefs += 1,
            "alt_id" => alternatives.push(json!(value)),
            "is_obsolete" => obsolete = value == "true",
            _ => {}
        }
    }
    let fields = json!({"name": name, "synonyms": synonyms, "xrefs": xrefs, "obsolete": obsolete});
    term.fields = fields.as_object().cloned().unwrap_or_default();
    if !alternatives.is_empty() {
        term.fields.insert("alt_ids".into(), Value::Array(alternatives));
    }
    term
}
