use wayfare::{Graph, Result, cached_query};

#[cached_query(ttl = "5m")]
async fn no_result(graph: &Graph) -> u32 {
    1
}

#[cached_query(ttl = "5m")]
async fn no_source(number: u32) -> Result<u32> {
    Ok(number)
}

fn main() {}
