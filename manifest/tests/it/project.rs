//! Several services in one project.

use std::path::Path;

use marine_manifest::Project;

const MODULE: &str = "[[module]]\nname = \"m\"\nwasm = \"m.wasm\"\n";

#[test]
fn a_project_lists_services() {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        std::fs::write(&path, text).expect("written");
        path
    };
    put("services/b/Marine.toml", MODULE);
    put("services/a/Marine.toml", MODULE);
    put("services/none/readme", "");
    let other = put("other/Marine.toml", MODULE);
    let project = put("Marine.toml", "[project]\nmembers = [\"services/*\", \"other\", \"services/a/\"]\n");
    let found = Project::read(&project).expect("no mistake").expect("a project");
    let names: Vec<_> = found.members.iter().map(|path| path.strip_prefix(dir.path()).expect("inside")).collect();
    assert_eq!(names, ["services/a/Marine.toml", "services/b/Marine.toml", "other/Marine.toml"].map(Path::new));
    assert_eq!(Project::read(&other), Ok(None));

    put("Marine.toml", "[project]\nmembers = [\"nowhere\", 1]\nmembres = []\n[[module]]\nname = \"m\"\n");
    let errors = Project::read(&project).expect_err("mistakes").to_string();
    for said in [
        "\"nowhere\" is no directory",
        "a number",
        "did you mean `members`?",
        "one file holds one service or one project",
    ] {
        assert!(errors.contains(said), "{said}: {errors}");
    }
}
