use crate::harness::Test;

#[test]
fn a_backup_is_silent_and_a_store() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t.run(["--db", "b.db", "get", "g", "k"]).ok("v");
    let record = t.run(["--json", "backup", "c.db"]).json();
    assert_eq!(record["file"], "c.db");
    assert!(record["bytes"].as_u64().unwrap() > 0);
}

#[test]
fn refusals() {
    let t = Test::new();
    t.run(["backup", "b.db"]).fails(
        10,
        format!("larder: backup: store {:?}: No such file or directory\n", t.db().to_string_lossy()),
    );
    assert_eq!(t.files(), Vec::<String>::new());
    t.run(["set", "g", "k", "v"]).ok("");
    t.write("b.db", "precious");
    t.run(["backup", "b.db"])
        .fails(10, format!("larder: backup: {:?}: it exists\n", t.path("b.db").to_string_lossy()));
    assert_eq!(t.read("b.db"), b"precious");
    t.run(["backup", ".local/share/larder/larder.db"]).fails_with(2, "is the store itself");
    t.run(["-n", "a", "backup", "c.db"]).fails(
        2,
        "larder: backup: this is about the whole store, not about one namespace\n\
         hint: leave --namespace away, and unset LARDER_NAMESPACE\n",
    );
    t.run(["backup"]).fails_with(2, "FILE");
    t.run(["backup", ""]).fails_with(2, "FILE");
}
