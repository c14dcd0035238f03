//! Commands to one server, from code that knows no runtime.

use std::panic;
use std::thread;
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use tokio::runtime::Builder;
use tokio::time;

/// Longest wait for an answer to `hello`, which a server that is up gives at once, even on a busy machine.
const HELLO_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs a command on the `admin` database of the server at `port` and gives its answer.
///
/// # Errors
///
/// The server refuses it or is not up.
pub(crate) fn run(port: u16, command: Document) -> Result<Document, Error> {
    block_on(send(port, command))
}

/// What the servers at `ports` say of themselves, asked all at once; `None` for one that says nothing in time.
pub(crate) fn hello(ports: &[u16]) -> Vec<Option<Document>> {
    block_on(async {
        let ask = |port| time::timeout(HELLO_TIMEOUT, send(port, doc! { "hello": 1 }));
        let asked: Vec<_> = ports.iter().map(|&port| tokio::spawn(ask(port))).collect();
        let mut answers = Vec::with_capacity(asked.len());
        for answer in asked {
            answers.push(answer.await.ok().and_then(Result::ok).and_then(Result::ok));
        }
        answers
    })
}

async fn send(port: u16, command: Document) -> Result<Document, Error> {
    // Direct: of a replica set, this member and no other.
    let client = Client::with_uri_str(format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await?;
    client.database("admin").run_command(command).await
}

/// Waits for a future on a thread and a runtime of its own, since tests may call from within a runtime, where waiting
/// is a panic. The runtime takes the tasks of the driver with it when it goes.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let on_thread = scope.spawn(|| {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("the system lets this process have one more event queue").block_on(future)
        });
        on_thread.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port;

    #[test]
    fn servers_that_are_not_there_say_nothing() {
        assert_eq!(hello(&[port::free(), port::free()]), [None, None]);
    }

    #[test]
    fn waiting_is_allowed_within_a_runtime() {
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { block_on(async { 5 }) }), 5);
    }
}
