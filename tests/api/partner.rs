//! A partner site's copy: the example script against a server that is being written to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::support::make::{With, brief, published};
use crate::support::{TestApp, writers};

on_both!(the_copy_follows_corrections_retractions_and_deletions, the_copy_is_right_however_often_its_script_is_killed,);

fn script(app: &TestApp, folder: &Path, once: bool) -> Child {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/partner-sync/partner_sync.py");
    let mut command = Command::new("python3");
    command.args([path, app.url()]).arg(folder).env_remove("BRIEFWIRE_KEY").stderr(Stdio::null());
    if once {
        command.arg("--once");
    }
    command.spawn().expect("python3 is there")
}

fn sync(app: &TestApp, folder: &Path) {
    assert!(script(app, folder, true).wait().unwrap().success());
}

/// The files of a copy, by the id of their brief.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let briefs = files.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    briefs
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The same as the server has it.
fn public(app: &TestApp) -> BTreeMap<String, String> {
    let rows = app.get("/v1/briefs?format=ndjson&fields=id").expect(200).lines();
    let ids = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned());
    ids.map(|id| (id.clone(), app.get(&format!("/v1/briefs/{id}?format=markdown")).expect(200).text())).collect()
}

fn the_copy_follows_corrections_retractions_and_deletions(app: &TestApp) {
    app.with_category();
    let folder = TempDir::new().unwrap();
    for slug in ["corrected", "retracted", "deleted", "hidden"] {
        app.publisher().create("briefs", published(slug, "2017-07-31").with(json!({"body": "What was said."})));
    }
    app.editor().create("briefs", brief("draft"));
    sync(app, folder.path());
    assert_eq!(files(folder.path()).len(), 4);
    assert_eq!(files(folder.path()), public(app));
    app.publisher()
        .post("/v1/briefs/corrected/corrections", json!({"severity": "minor", "note": "Tuesday."}))
        .expect(201);
    app.publisher().post("/v1/briefs/retracted/retract", json!({"reason": "It was forged."})).expect(200);
    app.publisher().delete("/v1/briefs/deleted").expect(204);
    app.publisher().patch("/v1/briefs/hidden", json!({"marking": "TLP:RED"})).expect(200);
    app.publisher().patch("/v1/categories/security", json!({"slug": "safety"})).expect(200);
    sync(app, folder.path());
    let copy = files(folder.path());
    assert_eq!(copy, public(app));
    let text: String = copy.into_values().collect();
    assert!(text.contains("Tuesday.") && text.contains("It was forged."), "{text}");
    assert_eq!(text.matches("What was said.").count(), 1);
}

fn the_copy_is_right_however_often_its_script_is_killed(app: &TestApp) {
    for seed in writers::seeds() {
        let app = &app.another();
        writers::set_the_stage(app);
        let folder = TempDir::new().unwrap();
        let mut patience = 40;
        writers::while_twenty_write(app, seed, || {
            let mut following = script(app, folder.path(), false);
            thread::sleep(Duration::from_millis(patience));
            following.kill().unwrap();
            following.wait().unwrap();
            patience = (patience * 7) % 311 + 20;
        });
        sync(app, folder.path());
        assert!(!public(app).is_empty(), "seed {seed}");
        assert_eq!(files(folder.path()), public(app), "seed {seed}");
    }
}
