//! The table at the end of the tests, and the closing line that a pipeline reads.

use std::time::Duration;

use super::Counts;
use crate::report;

/// One suite in the table.
pub struct Row {
    pub name: &'static str,
    pub counts: Counts,
    pub took: Duration,
    /// What has to be said beside the figures.
    pub remark: Option<String>,
}

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub fn add(&mut self, row: Row) {
        report::note(format!(
            "{}: {} in {}",
            row.name,
            closing(row.counts),
            report::seconds(row.took)
        ));
        self.rows.push(row);
    }

    /// Prints how long each step took, the table and the closing line; gives back the sums.
    pub fn print(&self) -> Counts {
        println!("\npreparation");
        for (name, took) in report::steps() {
            println!("  {name:<40} {:>12}", report::seconds(took));
        }
        println!(
            "\n{:<14}{:>8}{:>8}{:>9}{:>14}",
            "suite", "passed", "failed", "skipped", "time"
        );
        for row in &self.rows {
            println!("{}", line(row));
        }
        let total = self.total();
        let (name, took) = ("everything", report::since_start());
        println!(
            "{}",
            line(&Row {
                name,
                counts: total,
                took,
                remark: None
            })
        );
        println!("\n{}", closing(total));
        total
    }

    fn total(&self) -> Counts {
        self.rows.iter().fold(Counts::default(), |sum, row| Counts {
            passed: sum.passed + row.counts.passed,
            failed: sum.failed + row.counts.failed,
            skipped: sum.skipped + row.counts.skipped,
        })
    }
}

fn line(row: &Row) -> String {
    let Counts {
        passed,
        failed,
        skipped,
    } = row.counts;
    let took = report::seconds(row.took);
    let remark = row
        .remark
        .as_ref()
        .map(|text| format!("   {text}"))
        .unwrap_or_default();
    format!(
        "{:<14}{passed:>8}{failed:>8}{skipped:>9}{took:>14}{remark}",
        row.name
    )
}

fn closing(counts: Counts) -> String {
    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    if skipped == 0 {
        format!("{passed} passed, {failed} failed")
    } else {
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_is_the_plain_one() {
        let counts = Counts {
            passed: 7,
            failed: 1,
            skipped: 0,
        };
        assert_eq!(closing(counts), "7 passed, 1 failed");
        assert_eq!(
            closing(Counts {
                skipped: 2,
                ..counts
            }),
            "7 passed, 1 failed, 2 skipped"
        );
    }

    #[test]
    fn rows_stand_under_their_heads() {
        let counts = Counts {
            passed: 120,
            failed: 0,
            skipped: 1,
        };
        let took = Duration::from_millis(1_500);
        let row = Row {
            name: "unit",
            counts,
            took,
            remark: Some("SKIPPED: why".to_owned()),
        };
        let expected = "unit               120       0        1         1.5 s   SKIPPED: why";
        assert_eq!(line(&row), expected);
    }
}
