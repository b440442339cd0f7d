//! The binary, as an operator calls it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn briefwire(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_briefwire"));
    command.current_dir(folder).env_remove("DATABASE_URL").env_remove("BRIEFWIRE_LISTEN");
    command
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

fn import(folder: &Path, lines: &str) -> Output {
    let mut child = briefwire(folder)
        .args(["import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_new_key_is_printed_alone() {
    let folder = TempDir::new().unwrap();
    let made =
        briefwire(folder.path()).args(["keys", "create", "--role", "editor", "--name", "Desk"]).output().unwrap();
    assert!(made.status.success());
    let key = text(&made.stdout);
    assert!(
        key.starts_with("bw_")
            && key.trim_end().len() == key.len() - 1
            && !key.trim_end().contains(char::is_whitespace),
        "{key:?}"
    );
    let listed = text(&briefwire(folder.path()).args(["keys", "list"]).output().unwrap().stdout);
    assert!(listed.contains("Desk") && listed.contains("editor") && listed.contains("TLP:RED"), "{listed}");
    let secret = key.trim_end().rsplit('_').next().unwrap();
    assert!(!listed.contains(secret), "a secret is listed");
    let id = listed.split_whitespace().next().unwrap();
    assert!(briefwire(folder.path()).args(["keys", "revoke", id]).status().unwrap().success());
    assert!(text(&briefwire(folder.path()).args(["keys", "list"]).output().unwrap().stdout).contains("revoked"));
}

#[test]
fn an_unknown_scheme_is_refused_and_no_password_is_shown() {
    let folder = TempDir::new().unwrap();
    for url in ["mysql://me:secret@host/db", "briefwire.db", "sqlite:briefwire.db", "sqlite://"] {
        let refused = briefwire(folder.path()).args(["migrate", "--database-url", url]).output().unwrap();
        let message = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{url}");
        assert!(message.contains("names no database") && !message.contains("secret"), "{message}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "a database was made all the same");
}

#[test]
fn an_import_says_of_each_bad_line_where_and_why_and_keeps_the_good_ones() {
    let folder = TempDir::new().unwrap();
    let good = r#"{"type": "actor", "slug": "minsk", "name": "Minsk", "kind": "organisation", "parent": "belarus"}
{"type": "actor", "slug": "belarus", "name": "Belarus", "kind": "state"}
"#;
    let bad = r#"{"type": "actor", "slug": "nameless", "kind": "person"}
not json
{"type": "event", "slug": "e", "title": "T", "kind": "visit", "occurred": "2017", "participants": [{"actor": "nobody"}]}
"#;
    let outcome = import(folder.path(), &format!("{good}{bad}"));
    assert_eq!(outcome.status.code(), Some(1));
    assert_eq!(text(&outcome.stdout), "2 created, 0 updated, 0 unchanged, 3 failed\n");
    let verdicts = text(&outcome.stderr);
    for verdict in [
        "line 3: /name: is required",
        "line 4: the line: is not JSON",
        "line 5: /participants/0/actor: there is no actor `nobody`",
    ] {
        assert!(verdicts.contains(verdict), "{verdicts}");
    }
    let again = import(folder.path(), good);
    assert_eq!(text(&again.stdout), "0 created, 0 updated, 2 unchanged, 0 failed\n");
    assert!(again.status.success());
}

#[cfg(unix)]
#[test]
fn the_demo_names_its_first_page_and_the_server_stops_when_told() {
    use std::io::{BufRead, BufReader};

    let folder = TempDir::new().unwrap();
    let mut server = briefwire(folder.path())
        .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().ends_with("/v1/briefs/security-2017-07-31"));
    assert!(said.next().unwrap().unwrap().contains(": bw_"));
    // The log stays open to the end: a server whose log is taken away has something to complain about.
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let listening = log.find(|line| line.contains("listening on http://127.0.0.1:")).unwrap();
    assert!(listening.contains("/docs/"), "{listening}");
    assert!(Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    assert!(log.any(|line| line.ends_with("stopped")));
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
