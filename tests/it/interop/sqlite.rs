//! jvspatial's SQLite files: read, and copied to where they can be changed.

use wayfare::Runtime;

use super::application::Application;
use super::tour;

#[tokio::test]
async fn a_sqlite_file_is_walked_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("jv.db").display());
    let Some(application) = Application::new(&url) else { return };
    application.run("write");
    let runtime = Runtime::open(&url).unwrap();
    assert_eq!(tour(&runtime, &application.city("Paris")).await, ["Lille", "Lyon", "Paris"]);
    runtime.shutdown().await;
}
