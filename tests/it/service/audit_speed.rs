//! How fast a chain is checked, beside the bare hash of the same bytes. Measures and judges nothing, so
//! it runs only when asked for: `cargo test -p tests --test it -- --ignored --nocapture audit_speed`.

use std::time::Instant;

use model::Actor;
use model::secret_text::TokenHash;
use service::audit::{AuditFilter, Format, Heads};
use tests::services::{TestServices, origin};

/// `AUDIT_ROWS` says how many.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement; it takes a minute"]
async fn a_chain_is_checked() {
    let rows = std::env::var("AUDIT_ROWS")
        .ok()
        .and_then(|text| text.parse().ok());
    let rows: u64 = rows.unwrap_or(20_000);
    let test = TestServices::new().await;
    let id = test.tenant("Acme").await;
    for number in 1..rows {
        let (tenants, name) = (&test.services.tenant, format!("Acme {number}"));
        tenants
            .rename(&Actor::Operator, id, &name, &origin())
            .await
            .expect("renamed");
    }
    let audit = &test.services.audit;
    let begun = Instant::now();
    let reports = audit
        .verify_all(&Actor::Operator, &Heads::default())
        .await
        .expect("reports");
    let took = begun.elapsed();
    assert_eq!((reports[0].rows, reports[0].tampering.len()), (rows, 0));
    let mut export = audit
        .export(&Actor::Operator, &AuditFilter::default())
        .expect("an export");
    let mut text = String::new();
    while let Some(piece) = export.next(Format::JsonLines).await.expect("a piece") {
        text.push_str(&piece);
    }
    let begun = Instant::now();
    let hash = TokenHash::of(text.as_bytes());
    let bare = begun.elapsed();
    let each = took.as_secs_f64() * 1e6 / f64::from(u32::try_from(rows).unwrap_or(u32::MAX));
    println!(
        "{rows} rows checked in {took:?}, {each:.1} µs each; SHA-256 of the {} bytes of their export alone {bare:?} ({})",
        text.len(),
        &hash.as_str()[..8]
    );
}
