//! WordNet: a line a synset, in a format of its own.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;
use wayfare::Id;

use crate::reference::data::text;
use crate::reference::loading::{Records, node};

/// The types of pointers by their symbols.
const POINTERS: [(&str, &str); 26] = [
    ("!", "antonym"),
    ("@", "hypernym"),
    ("@i", "instance_hypernym"),
    ("~", "hyponym"),
    ("~i", "instance_hyponym"),
    ("#m", "member_holonym"),
    ("#s", "substance_holonym"),
    ("#p", "part_holonym"),
    ("%m", "member_meronym"),
    ("%s", "substance_meronym"),
    ("%p", "part_meronym"),
    ("=", "attribute"),
    ("+", "derivationally_related"),
    (";c", "domain_topic"),
    ("-c", "member_of_domain_topic"),
    (";r", "domain_region"),
    ("-r", "member_of_domain_region"),
    (";u", "domain_usage"),
    ("-u", "member_of_domain_usage"),
    ("*", "entailment"),
    (">", "cause"),
    ("^", "also_see"),
    ("$", "verb_group"),
    ("&", "similar_to"),
    ("<", "participle_of_verb"),
    ("\\", "pertainym"),
];

/// A synset with what it leads to.
struct Synset {
    id: Id,
    words: Vec<Id>,
    /// The type, the synset, and whether it joins words rather than whole synsets.
    pointers: Vec<(&'static str, Id, bool)>,
}

pub fn records(data: &Path) -> Records {
    let mut records = Records::default();
    let mut synsets = Vec::new();
    for (part, name) in [("n", "data.noun"), ("v", "data.verb"), ("a", "data.adj"), ("r", "data.adv")] {
        // The licence comes first, on lines that begin with a space.
        for line in text(data, name).lines().filter(|line| !line.starts_with(' ')) {
            synsets.push(synset(part, line, &mut records));
        }
    }
    let mut known = HashSet::new();
    for word in synsets.iter().flat_map(|synset| &synset.words) {
        if known.insert(word) {
            let lemma = word.with_key(|key| key["w:".len()..].to_owned());
            records.node(word.clone(), json!({"lemma": lemma}));
        }
    }
    for synset in &synsets {
        for word in &synset.words {
            records.edge("has_sense", word, &synset.id, json!({}));
        }
        for (entity, target, is_lexical) in &synset.pointers {
            records.edge(entity, &synset.id, target, json!({"lexical": is_lexical}));
        }
    }
    records
}

/// Reads `offset lex_filenum ss_type w_cnt (word lex_id)… p_cnt (symbol offset pos source/target)… | gloss`.
fn synset(part: &str, line: &str, records: &mut Records) -> Synset {
    let (head, gloss) = line.split_once('|').expect("every synset has a gloss");
    let mut fields = head.split(' ');
    let mut next = || fields.next().expect("the line is long enough");
    let (offset, file, kind) = (next(), next(), next());
    let words: Vec<String> = (0..usize::from_str_radix(next(), 16).unwrap())
        .map(|_| {
            let word = next();
            next();
            let markers = ["(a)", "(p)", "(ip)"];
            markers.iter().find_map(|marker| word.strip_suffix(marker)).unwrap_or(word).to_owned()
        })
        .collect();
    let pointers = (0..next().parse().unwrap()).map(|_| {
        let [symbol, offset, part, ends] = [next(), next(), next(), next()];
        let (_, entity) = POINTERS.iter().find(|(of, _)| *of == symbol).expect("the symbol is known");
        let part = if part == "s" { "a" } else { part };
        (*entity, node("synset", format!("{part}{offset}")), ends != "0000")
    });
    let pointers = pointers.collect();
    let id = node("synset", format!("{part}{offset}"));
    let fields = json!({
        "pos": part,
        "ss_type": kind,
        "lex_filenum": file.parse::<u64>().unwrap(),
        "words": words,
        "n_words": words.len(),
        "gloss_len": gloss.trim().chars().count(),
    });
    records.node(id.clone(), fields);
    let words = words.iter().map(|word| node("word", format!("w:{}", word.to_lowercase()))).collect();
    Synset { id, words, pointers }
}
