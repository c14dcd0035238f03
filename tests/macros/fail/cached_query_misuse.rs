use wayfare::{Graph, Result, cached_query};

#[cached_query]
async fn without_time(graph: &Graph) -> Result<u32> {
    Ok(1)
}

#[cached_query(ttl = "-5m")]
async fn backwards(graph: &Graph) -> Result<u32> {
    Ok(1)
}

#[cached_query(ttl = "0s")]
async fn no_time(graph: &Graph) -> Result<u32> {
    Ok(1)
}

#[cached_query(ttl = "5m", invalidates(User))]
async fn misspelt(graph: &Graph) -> Result<u32> {
    Ok(1)
}

#[cached_query(ttl = "5m")]
fn not_async(graph: &Graph) -> Result<u32> {
    Ok(1)
}

#[cached_query(ttl = "5m")]
async fn no_cache() -> Result<u32> {
    Ok(1)
}

#[cached_query(ttl = "5m")]
struct Query;

fn main() {}
