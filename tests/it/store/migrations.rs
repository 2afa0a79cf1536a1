//! One migration tree for both engines: it keeps to what both understand, and every database that
//! somebody may have, whatever step it stands at and with rows in it, comes to the newest step.

use std::path::{Path, PathBuf};

use tests::db::{TestDb, engine};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations")
}

/// Number and text of every step, in order.
fn steps(folder: &Path) -> Vec<(i64, String, String)> {
    let mut steps: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let number = name.split('_').next().unwrap().parse().unwrap();
            (number, name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    steps.sort();
    steps
}

/// The statements of a step, without comments, with single spaces.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .map(|l| l.split("--").next().unwrap_or(""))
        .collect();
    let words: Vec<&str> = code
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    let list = words.join(" ");
    list.split(';')
        .map(|s| s.trim().to_lowercase())
        .filter(|s| !s.is_empty())
        .collect()
}

/// The column definitions of a `create table`, split at the commas between them.
fn columns(statement: &str) -> Vec<String> {
    let open = statement.find('(').unwrap() + 1;
    let close = statement.rfind(')').unwrap();
    let mut depth = 0;
    let mut list = vec![String::new()];
    for c in statement[open..close].chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 {
            list.push(String::new());
        } else {
            list.last_mut().unwrap().push(c);
        }
    }
    list.iter().map(|column| column.trim().to_owned()).collect()
}

fn refuse_type(name: &str, column: &str) {
    let mut words = column.split_whitespace();
    let first = words.next().unwrap();
    if ["primary", "unique", "foreign", "check", "constraint"]
        .contains(&first.split('(').next().unwrap())
    {
        return;
    }
    let kind = words.next().unwrap_or("");
    assert!(
        ["text", "bigint", "boolean"].contains(&kind),
        "{name}: {column} is none of text, bigint, boolean"
    );
}

#[test]
fn steps_keep_to_the_subset() {
    for (_, name, text) in steps(&folder()) {
        for statement in statements(&text) {
            if statement.starts_with("create table") {
                for column in columns(&statement) {
                    refuse_type(&name, &column);
                }
            } else if statement.starts_with("alter table") && statement.contains(" add ") {
                let column = statement
                    .split(" add ")
                    .nth(1)
                    .unwrap()
                    .trim_start_matches("column ");
                refuse_type(&name, column);
                let demands = column.contains("not null") && !column.contains("default");
                assert!(!demands, "{name}: {column} must have a default");
            } else {
                let known = [
                    "create index",
                    "create unique index",
                    "insert into",
                    "update ",
                    "delete from",
                    "alter table",
                    "drop table",
                    "drop index",
                ];
                assert!(
                    known.iter().any(|k| statement.starts_with(k)),
                    "{name}: {statement}"
                );
            }
            for word in [
                "serial",
                "autoincrement",
                "timestamp",
                "json",
                "uuid",
                "now()",
                "current_",
            ] {
                assert!(!statement.contains(word), "{name} uses {word}");
            }
        }
    }
}

#[test]
fn every_step_has_its_rows_and_numbers_are_unique() {
    let steps = steps(&folder());
    let fixtures = self::steps(&folder().join("fixtures"));
    let names = |list: &[(i64, String, String)]| -> Vec<String> {
        list.iter().map(|(_, name, _)| name.clone()).collect()
    };
    assert_eq!(names(&steps), names(&fixtures));
    let mut numbers: Vec<_> = steps.iter().map(|(number, ..)| *number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), steps.len());
    assert_eq!(numbers.last().copied(), Some(store::head()));
}

#[tokio::test]
async fn every_database_with_rows_in_it_comes_to_the_newest_step() {
    let fixtures = steps(&folder().join("fixtures"));
    for (last, ..) in &fixtures {
        let test = TestDb::empty().await;
        for (number, name, rows) in fixtures.iter().filter(|(number, ..)| number <= last) {
            store::migrate_to(&test.db, *number).await.unwrap();
            let put = test.try_shell(rows).await;
            assert!(put.is_ok(), "{name}: {put:?}");
        }
        store::migrate(&test.db)
            .await
            .unwrap_or_else(|e| panic!("from {last}: {e}"));
        test.db.prepare_all().await.unwrap();
    }
}

#[tokio::test]
async fn migrating_twice_and_at_once_changes_nothing() {
    let test = TestDb::empty().await;
    let other = test.again().await;
    let (one, two) = tokio::join!(store::migrate(&test.db), store::migrate(&other));
    one.unwrap();
    two.unwrap();
    store::migrate(&test.db).await.unwrap();
    assert!(store::event::span(&test.db).await.is_ok());
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_a_clear_sentence() {
    let test = TestDb::new().await;
    let bytes = if engine() == "postgres" {
        r"'\x00'::bytea"
    } else {
        "x'00'"
    };
    test.shell(&format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, {bytes}, 0)"
    ))
    .await;
    let refused = store::migrate(&test.db).await.unwrap_err().to_string();
    let head = store::head();
    assert_eq!(
        refused,
        format!(
            "The database has schema 9999, but this program knows only up to {head}. Start the newer program, or restore a backup from before the upgrade."
        )
    );
}
