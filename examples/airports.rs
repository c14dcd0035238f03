//! Airports of the United States and the flights between them: import, open again, walk.
//!
//! ```sh
//! cargo run --release --example airports
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use wayfare::walkers::{Aggregate, Path as PathWalker, Sample, sample};
use wayfare::{
    Along, Body, Direction, Document, Ends, Filter, Here, Id, Kind, Runtime, Walk, Write, WriteBatch, edge,
    node, walker,
};

#[node]
struct Airport {
    #[field(unique)]
    iata: String,
    name: String,
    city: String,
    #[field(index)]
    state: String,
    latitude: f64,
    longitude: f64,
}

#[edge]
struct Route {
    flights: u32,
    km: f64,
}

/// Gathers the airports within reach of the start, hop by hop, and the states they lie in.
#[derive(Default)]
struct Explorer {
    hops: Vec<Vec<String>>,
    states: BTreeMap<String, usize>,
}

#[walker]
impl Explorer {
    #[on_visit]
    fn airport(&mut self, here: &Here<Airport>, walk: &mut Walk) {
        let hops = walk.depth() as usize;
        if self.hops.len() <= hops {
            self.hops.push(Vec::new());
        }
        self.hops[hops].push(here.iata.clone());
        *self.states.entry(here.state.clone()).or_default() += 1;
        walk.visit(here.out::<Route>());
    }
}

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    let folder = std::env::temp_dir().join("wayfare-airports");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let url = format!("embedded:{}", folder.display());

    let runtime = Runtime::open(&url)?;
    import(&runtime).await?;
    runtime.shutdown().await;

    // From here on everything comes from the disk.
    let began = Instant::now();
    let runtime = Runtime::open(&url)?;
    headline("opened again", began.elapsed());
    reach(&runtime, "ATL").await?;
    paths(&runtime, "ATL", "PSG").await?;
    neighbourhood(&runtime, "ATL").await?;
    wander(&runtime, "ATL").await?;
    runtime.shutdown().await;
    println!("\nThe graph stays in {url}: try `wayfare stats --store {url}`.");
    Ok(())
}

async fn import(runtime: &Runtime) -> Result {
    let began = Instant::now();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut places = BTreeMap::new();
    let mut writes = Vec::new();
    for row in csv::Reader::from_path(data.join("us-airports.csv"))?.deserialize() {
        let airport: Airport = row?;
        places.insert(airport.iata.clone(), (airport.latitude, airport.longitude));
        let document = Document::new(id(&airport.iata)?, Body::encode(&airport)?);
        writes.push(Write::Create { document, multi: false });
    }
    let graph = runtime.graph();
    for row in csv::Reader::from_path(data.join("us-flights.csv"))?.deserialize() {
        let (origin, destination, flights): (String, String, u32) = row?;
        let route = Route { flights, km: km_between(places[&origin], places[&destination]) };
        let ends = Ends { source: id(&origin)?, target: id(&destination)?, bidirectional: false };
        let edge = Document::edge(graph.new_id(Kind::Edge, "Route")?, ends, Body::encode(&route)?);
        writes.push(Write::Create { document: edge, multi: false });
    }
    let count = writes.len();
    while !writes.is_empty() {
        let next = writes.drain(..writes.len().min(1_000)).collect();
        for result in graph.write_batch(WriteBatch { writes: next, all_or_nothing: true }).await? {
            result?;
        }
    }
    headline(&format!("imported {count} airports and routes"), began.elapsed());
    Ok(())
}

async fn reach(runtime: &Runtime, from: &str) -> Result {
    let walk = runtime.spawn(Explorer::default()).at(id(from)?).await?;
    let explorer = walk.finish().await?;
    headline(&format!("all that {from} reaches"), walk.profile().elapsed);
    for (hops, airports) in explorer.hops.iter().enumerate() {
        let some: Vec<&str> = airports.iter().take(8).map(String::as_str).collect();
        let more = if airports.len() > some.len() { " …" } else { "" };
        println!("{:>7} airports at {hops} hops: {}{more}", airports.len(), some.join(" "));
    }
    let (state, most) =
        explorer.states.iter().max_by_key(|(_, count)| **count).ok_or("nothing was visited")?;
    println!("{:>7} states and territories, {state} with the most airports: {most}", explorer.states.len());
    Ok(())
}

async fn paths(runtime: &Runtime, from: &str, to: &str) -> Result {
    for (title, weight, unit) in
        [("fewest hops", None, "hops"), ("shortest way", Some("km".to_owned()), "km")]
    {
        let mut walker = PathWalker::to(id(to)?);
        walker.weight = weight;
        let walk = runtime.spawn(walker).at(id(from)?).await?;
        let found = walk.finish().await?.found.ok_or("there is no way")?;
        let keys: Vec<String> = found.path.iter().map(|id| id.with_key(str::to_owned)).collect();
        headline(&format!("{title} from {from} to {to}"), walk.profile().elapsed);
        println!("{:>7} {unit}: {}", rounded(&found.cost), keys.join(" → "));
    }
    Ok(())
}

async fn neighbourhood(runtime: &Runtime, of: &str) -> Result {
    let walker = Aggregate { grouped: true, ..Aggregate::of("state", 1) };
    let walk = runtime.spawn(walker).at(id(of)?).await?;
    let states = walk.finish().await?.result;
    headline(&format!("one flight from {of}"), walk.profile().elapsed);
    let mut most: Vec<_> = states.groups.iter().collect();
    most.sort_by_key(|(state, airports)| (std::cmp::Reverse(**airports), (*state).clone()));
    let most: Vec<String> = most.iter().take(6).map(|(state, count)| format!("{count} in {state}")).collect();
    println!("{:>7} airports in {} states: {} …", states.nodes, states.groups.len(), most.join(", "));

    let walk = runtime.spawn(Aggregate::of("latitude", 1)).at(id(of)?).await?;
    let latitude = walk.finish().await?.result;
    if let (Some(min), Some(mean), Some(max)) = (latitude.min, latitude.mean, latitude.max) {
        println!("{mean:>7.0} is their latitude in the mean, from {} to {}", rounded(&min), rounded(&max));
    }
    Ok(())
}

async fn wander(runtime: &Runtime, from: &str) -> Result {
    let began = Instant::now();
    let (along, direction, only) = (Along::All, Direction::Out, Filter::all());
    let question = Sample { walks: 1_000, steps: 20, seed: 2008, along, direction, only, detailed: false };
    let sampled = sample(runtime, &id(from)?, &question, None).await?;
    headline(&format!("1,000 random journeys of 20 flights from {from}"), began.elapsed());
    println!("{:>7} airports were visited, most often", sampled.nodes);
    let most: Vec<Id> = sampled.most_visited.iter().take(5).map(|(id, _)| id.clone()).collect();
    let airports = runtime.graph().get_many::<Airport>(&most).await?;
    for (airport, (_, visits)) in airports.iter().flatten().zip(&sampled.most_visited) {
        println!("{visits:>7} times {}: {}, {}", airport.iata, airport.name, airport.city);
    }
    Ok(())
}

fn id(iata: &str) -> Result<Id> {
    Ok(Id::node("Airport", iata)?)
}

fn headline(what: &str, took: Duration) {
    println!("\n{what:<52} {took:>9.1?}");
}

fn rounded(number: &serde_json::Number) -> String {
    format!("{:.0}", number.as_f64().unwrap_or(f64::NAN))
}

/// Along a great circle (the haversine formula).
fn km_between((from_lat, from_lon): (f64, f64), (to_lat, to_lon): (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let cosines = from_lat.to_radians().cos() * to_lat.to_radians().cos();
    let angle = half(from_lat, to_lat) + cosines * half(from_lon, to_lon);
    2.0 * 6_371.0 * angle.sqrt().asin()
}
